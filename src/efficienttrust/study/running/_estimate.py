"""How long a study still takes, from what trials of its cells took."""

from __future__ import annotations

import time
from collections.abc import Sequence

from efficienttrust.study._trial import Trial
from efficienttrust.study.store import Store

REFRESH_SECONDS = 30.0
SHARE = 0.02  # of the time that may go into looking


class Estimate:
    """What is left to do; reads the store now and then, as other drivers help.

    Args:
        store: The store.
        trials: The plan.
    """

    def __init__(self, store: Store, trials: Sequence[Trial]) -> None:
        self._store = store
        self._planned = {trial.key: trial for trial in trials}
        self._next = 0.0
        self._seconds: dict[str, float] = {}

    def ended(self, key: str) -> None:
        """Note that a trial is over."""
        self._seconds.pop(key, None)

    def seconds(self, slots: int) -> float | None:
        """Return the seconds until all trials are over on so many slots; None before the first result."""
        if time.monotonic() >= self._next:
            begun = time.monotonic()
            self._seconds = self._expected()
            took = time.monotonic() - begun
            self._next = time.monotonic() + max(REFRESH_SECONDS if self._seconds else 1.0, took / SHARE)
        return sum(self._seconds.values()) / slots if self._seconds else None

    def _expected(self) -> dict[str, float]:
        observed = self._store.costs()
        if not observed:
            return {}
        costs = {trial.cell: trial.cost for trial in self._planned.values()}
        known = [cell for cell in observed if costs.get(cell, 0.0) > 0]
        predicted = sum(costs[cell] for cell in known)
        # What a prediction is worth is seen where there are results; without predictions any cell is as the mean.
        factor = sum(observed[cell] for cell in known) / predicted if predicted else 0.0
        mean = sum(observed.values()) / len(observed)
        left = (stored.trial for stored in self._store.trials("waiting", "running"))
        return {one.key: observed.get(one.cell, one.cost * factor if one.cost > 0 and factor else mean) for one in left}
