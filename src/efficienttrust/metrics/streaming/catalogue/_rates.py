"""The rates that metrics are made of, as cells of a table [labels, decisions] of two classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.confusion import divide
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.streaming._tally import Tally, cell_rates
from efficienttrust.metrics.values import Array, Floats

EVERY = np.ones((2, 2), dtype=bool)
POSITIVE = np.array([[False, False], [True, True]])
"""Cells whose label is 1."""
CHOSEN = POSITIVE.T
"""Cells whose decision is 1."""


@dataclass(frozen=True, eq=False)
class Rate:
    """The share of rows in the cells of `event` among those in the cells of `given`; `unit` is what the latter are."""

    event: Array
    given: Array
    unit: str

    def of(self, tally: Tally, by: str | None) -> Rates:
        """Return the rate in each group of a tally of two classes."""
        names, regroup = tally.groups(by)
        return cell_rates(names, tally.cells("cells", regroup), self.event, self.given, self.unit)

    def values(self, groups: Floats) -> Floats:
        """Return the rates [repeats, G] of resampled tables [repeats, G, 2, 2]; NaN where there are no trials."""
        return divide(groups[..., self.event & self.given].sum(axis=-1), groups[..., self.given].sum(axis=-1))

    def gaps(self, groups: Floats) -> Floats:
        """Return the largest minus the smallest rate of resampled tables [repeats]."""
        rates = self.values(groups)
        gaps: Floats = rates.max(axis=1) - rates.min(axis=1)
        return gaps


SELECTION = Rate(CHOSEN, EVERY, "rows")
TRUE_POSITIVE = Rate(CHOSEN, POSITIVE, "positives")
FALSE_POSITIVE = Rate(CHOSEN, ~POSITIVE, "negatives")
PRECISION = Rate(POSITIVE, CHOSEN, "positive decisions")
