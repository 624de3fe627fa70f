"""Soft demographic parity: the gap between groups of the mean score."""

from __future__ import annotations

from torch import Tensor

from efficienttrust.losses._smoothed_gap import SmoothedGap, penalties


@penalties.register("demographic_parity")
class DemographicParity:
    """Penalises differences of the mean score between groups."""

    def __init__(self) -> None:
        self._gap = SmoothedGap()

    def value_and_gradient(self, scores: Tensor, y: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
        """Return the soft demographic parity gap of a batch and its gradient."""
        return self._gap.value_and_gradient(scores, membership)

    def forget(self) -> None:
        """Drop the running means."""
        self._gap.forget()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running means, for a checkpoint."""
        return self._gap.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running means of a checkpoint."""
        self._gap.load_state_dict(state)
