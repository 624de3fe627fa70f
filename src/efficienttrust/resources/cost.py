"""What the next action will cost, judged by what it cost lately."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence


class CostModel:
    """Remembers the last costs of every kind of action, on the clock of the budget.

    Args:
        window: How many costs of an action are remembered.
    """

    def __init__(self, window: int = 64) -> None:
        self._window = window
        self._costs: dict[str, deque[float]] = {}

    def observe(self, action: str, cost: float) -> None:
        """Remember what one action cost."""
        self._recent(action).append(cost)

    def predict(self, action: str, quantile: float = 0.9, *, default: float = 0.0) -> float:
        """Return the cost that a share `quantile` of the recent ones did not exceed.

        It is an observed cost, rounded to the upper neighbour: with fewer than ten observations the p90 is the dearest.

        Args:
            action: What is going to be done.
            quantile: In (0, 1].
            default: Returned when the action was never observed.
        """
        recent = self._costs.get(action)
        if not recent:
            return default
        return sorted(recent)[max(0, math.ceil(quantile * len(recent)) - 1)]

    def mean(self, action: str, *, default: float = 0.0) -> float:
        """Return the mean of the recent costs of an action, `default` when it was never observed."""
        recent = self._costs.get(action)
        return math.fsum(recent) / len(recent) if recent else default

    def state_dict(self) -> dict[str, list[float]]:
        """Return the remembered costs, for a checkpoint."""
        return {action: list(costs) for action, costs in self._costs.items()}

    def load_state_dict(self, state: Mapping[str, Sequence[float]]) -> None:
        """Take over the costs remembered by an interrupted run."""
        self._costs.clear()
        for action, costs in state.items():
            self._recent(action).extend(costs)

    def _recent(self, action: str) -> deque[float]:
        return self._costs.setdefault(action, deque(maxlen=self._window))
