"""Areas and calibration errors from score histograms, each with the most that the bins can have moved it.

Letters: bin i of the histogram holds the weight p_i of positives and q_i of negatives, as shares of their label. Pairs
in different bins are in the same order as on the rows; pairs in one bin count half and would count 0 to 1. So the area
under the ROC curve is at most sum p_i q_i / 2 from that of the rows. The calibration error has bins of equal mass; only
rows in the bins of the histogram in which an edge between them lies can be on its other side. Their residuals
y - score, positive for hits and negative for misses, then leave one sum and enter another: the error moves by at most
twice the larger of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from efficienttrust.metrics.calibration import BINS, ROWS_PER_BIN, Calibration
from efficienttrust.metrics.ranking import Area, widest_spread
from efficienttrust.metrics.streaming._tally import Cells, Regroup, Tally
from efficienttrust.metrics.values import Array, Estimate, Floats


@dataclass(frozen=True, eq=False)
class Histogram:
    """The scores of one group.

    Attributes:
        cells: [2, bins] rows that missed and that hit.
        scores: [2, bins] sums of w score.
    """

    cells: Cells
    scores: Floats

    @classmethod
    def of(cls, tally: Tally, regroup: Regroup, output: int) -> list[Histogram]:
        """Return the histogram of one score in each group."""
        cells = tally.cells("histogram", regroup).take((slice(None), output))
        scores = regroup(tally.tables["scores"])[:, output]
        return [cls(cells.take(group), scores[group]) for group in range(len(scores))]


def roc_area(histogram: Histogram) -> tuple[Area, float] | None:
    """Return (area under the ROC curve, its distance from that of the rows at most); None where a label is absent."""
    mass, m = histogram.cells.mass.astype(np.float64), histogram.cells.rows.sum(axis=1)
    total = mass.sum(axis=1)
    if (total == 0).any():
        return None
    q, p = mass / total[:, None]
    below, above = np.cumsum(q) - q / 2, 1 - (np.cumsum(p) - p / 2)
    value = float(p @ below)
    # The influence of a row is w (place - area) / weight of its label; summed in squares over the rows of a bin.
    influence = [
        np.sqrt(squares * count / (count - 1)) / weight * np.abs(place - value)
        if count > 1
        else np.array([widest_spread(value)])
        for squares, count, weight, place in zip(histogram.cells.squares, m, total, (above, below), strict=True)
    ]
    rarer = float((total**2 / histogram.cells.squares.sum(axis=1)).min())
    return Area(value, np.concatenate(influence), rarer), float(p @ q) / 2


def calibration_of(histogram: Histogram) -> tuple[Calibration, float]:
    """Return (calibration in bins of equal mass, the distance of its error from that of the rows at most)."""
    cells, scores = histogram.cells, histogram.scores
    rows = cells.rows.sum(axis=0)
    n, mass = int(rows.sum()), float(cells.mass.sum())
    cuts = _cuts(rows)
    of_bin = np.searchsorted(cuts, np.arange(len(rows)), side="left")
    k = len(cuts) + 1
    residual = cells.mass[1] - scores.sum(axis=0)
    # Within a bin of the histogram all rows count as having the mean score of their label.
    mean = np.divide(scores, cells.mass, out=np.zeros_like(scores), where=cells.mass > 0)
    squares = (cells.squares * (np.array([[0.0], [1.0]]) - mean) ** 2).sum(axis=0)
    count = np.maximum(np.bincount(of_bin, rows, k), 1)
    total = np.bincount(of_bin, residual, k)
    spread = np.bincount(of_bin, squares, k) - total**2 / count
    variance = np.maximum(spread, 0) * count / np.maximum(count - 1, 1) + cells.squares.sum() / n / 4
    moved = np.maximum(scores[0], cells.mass[1] - scores[1])[cuts].sum()
    return Calibration(total / mass, np.sqrt(variance) / mass), min(1.0, 2 * float(moved) / mass)


def widened(estimate: Estimate, bound: float, bins: int, what: str = "") -> Estimate:
    """Return an estimate in [0, 1] with an interval that holds what the rows would give as well."""
    if np.isnan(estimate.value):
        return estimate
    low, high = max(0.0, estimate.low - bound), min(1.0, estimate.high + bound)
    return replace(estimate, low=low, high=high, how=f"{estimate.how}, {binning(bound, bins, what)}")


def binning(bound: float, bins: int, what: str = "") -> str:
    """Return how far bins of scores may move a value (`what`: which one) at most, rounded up, for `how`."""
    unit = 10.0 ** np.floor(np.log10(max(bound, 1e-12)) - 1)
    return f"scores in {bins} bins ({what}off by at most {np.ceil(bound / unit) * unit:.2g})"


def _cuts(rows: Array) -> Array:
    """Return the bins of the histogram in which an edge of the bins of equal mass lies; each ends such a bin.

    An edge lies between two neighbours among the sorted rows. Where these are in different bins of the histogram, it
    parts no rows but those that equal the lower one, so only the bin of the lower one matters.
    """
    n = int(rows.sum())
    bins = int(np.clip(n // ROWS_PER_BIN, 1, BINS))
    lower = np.floor(np.linspace(0, 1, bins + 1)[1:-1] * (n - 1))
    return np.unique(np.searchsorted(np.cumsum(rows), lower, side="right"))
