"""Soft equalized odds: the mean of the gaps among positives and among negatives (Hardt et al. 2016)."""

from __future__ import annotations

from torch import Tensor

from efficienttrust.losses._smoothed_gap import SmoothedGap, penalties


@penalties.register("equalized_odds")
class EqualizedOdds:
    """Penalises differences between groups of the mean score, among positives and among negatives alike."""

    def __init__(self) -> None:
        self._positives, self._negatives = SmoothedGap(), SmoothedGap()

    def value_and_gradient(self, scores: Tensor, y: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of the soft TPR gap and the soft FPR gap of a batch, and its gradient."""
        positives, pull_positives = self._positives.value_and_gradient(scores, membership * y[:, None])
        negatives, pull_negatives = self._negatives.value_and_gradient(scores, membership * (1 - y)[:, None])
        return 0.5 * (positives + negatives), 0.5 * (pull_positives + pull_negatives)

    def forget(self) -> None:
        """Drop the running means."""
        self._positives.forget()
        self._negatives.forget()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running means, for a checkpoint."""
        return {
            **{f"positives.{key}": value for key, value in self._positives.state_dict().items()},
            **{f"negatives.{key}": value for key, value in self._negatives.state_dict().items()},
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running means of a checkpoint."""
        for prefix, gap in (("positives.", self._positives), ("negatives.", self._negatives)):
            gap.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
