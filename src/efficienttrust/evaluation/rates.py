"""Threshold-dependent metrics as functions of confusion counts, for many thresholds at once.

The calibrator tries thousands of thresholds, so it needs point values of a whole family of rules in one pass. Each
function here agrees with the metric of the same name in `efficienttrust.metrics`, which adds intervals and notes
(a test holds them together). Letters: G groups, K thresholds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of one split under K rules.

    Attributes:
        tp: [G, K] true positives per group.
        fp: [G, K] false positives per group.
        positives: [G] rows with y = 1 per group.
        negatives: [G] rows with y = 0 per group.
        other_tp: [K] true positives among rows of unknown group.
        other_fp: [K] false positives among rows of unknown group.
        other_positives: Rows with y = 1 of unknown group.
        other_negatives: Rows with y = 0 of unknown group.
    """

    tp: Array
    fp: Array
    positives: Array
    negatives: Array
    other_tp: Array
    other_fp: Array
    other_positives: float
    other_negatives: float

    def only(self, groups: NDArray[np.bool_]) -> Confusion:
        """Return the same with a selection of the groups."""
        return replace(
            self,
            tp=self.tp[groups],
            fp=self.fp[groups],
            positives=self.positives[groups],
            negatives=self.negatives[groups],
        )

    def total(self) -> tuple[Array, Array, float, float]:
        """Return tp [K], fp [K], positives and negatives over all rows."""
        return (
            self.tp.sum(0) + self.other_tp,
            self.fp.sum(0) + self.other_fp,
            float(self.positives.sum()) + self.other_positives,
            float(self.negatives.sum()) + self.other_negatives,
        )


def _ratio(numerator: Array, denominator: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(numerator / denominator, dtype=np.float64)


def _spread(rates: Array) -> Array:
    return np.asarray(rates.max(0) - rates.min(0))


def _selection(c: Confusion) -> Array:
    return _ratio(c.tp + c.fp, (c.positives + c.negatives)[:, None])


def _tpr(c: Confusion) -> Array:
    return _ratio(c.tp, c.positives[:, None])


def _fpr(c: Confusion) -> Array:
    return _ratio(c.fp, c.negatives[:, None])


def _accuracy(c: Confusion) -> Array:
    tp, fp, positives, negatives = c.total()
    return (tp + negatives - fp) / (positives + negatives)


def _balanced_accuracy(c: Confusion) -> Array:
    tp, fp, positives, negatives = c.total()
    return 0.5 * (_ratio(tp, np.asarray(positives)) + 1 - _ratio(fp, np.asarray(negatives)))


def _f1(c: Confusion) -> Array:
    tp, fp, positives, _ = c.total()
    return _ratio(2 * tp, tp + fp + positives)


def _mcc(c: Confusion) -> Array:
    tp, fp, positives, negatives = c.total()
    tn, fn = negatives - fp, positives - tp
    denominator = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.where(denominator > 0, _ratio(tp * tn - fp * fn, np.maximum(denominator, 1e-300)), 0.0)


def _dp_ratio(c: Confusion) -> Array:
    rates = _selection(c)
    return _ratio(rates.min(0), rates.max(0))


def _group_accuracy(c: Confusion) -> Array:
    return _ratio(c.tp + c.negatives[:, None] - c.fp, (c.positives + c.negatives)[:, None])


RATE_METRICS: dict[str, Callable[[Confusion], Array]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "mcc": _mcc,
    "demographic_parity_difference": lambda c: _spread(_selection(c)),
    "demographic_parity_ratio": _dp_ratio,
    "equal_opportunity_difference": lambda c: _spread(_tpr(c)),
    "equalized_odds_difference": lambda c: 0.5 * (_spread(_tpr(c)) + _spread(_fpr(c))),
    "equalized_odds_difference_max": lambda c: np.maximum(_spread(_tpr(c)), _spread(_fpr(c))),
    "accuracy_gap": lambda c: _spread(_group_accuracy(c)),
    "predictive_parity_difference": lambda c: _spread(_ratio(c.tp, c.tp + c.fp)),
    "worst_group_accuracy": lambda c: _group_accuracy(c).min(0),
}
"""Point values [K] by metric name; NaN where a group's cell is empty."""

ROBUST_METRICS: dict[str, Callable[[Confusion], Array]] = {
    "robust_accuracy": _accuracy,
    "robust_accuracy_gap": lambda c: _spread(_group_accuracy(c)),
    "worst_group_robust_accuracy": lambda c: _group_accuracy(c).min(0),
}
"""The same on attacked margins: a row counts as right if it is right under attack."""


def point_values(metric: Callable[[Confusion], Array], counts: Confusion) -> Array:
    """Return a metric's values [K], left to the groups that can be estimated where an empty cell hides them all.

    A report shows such a metric as not estimable. A search for a rule must still see the groups that can be seen.
    """
    both = (counts.positives > 0) & (counts.negatives > 0)
    for groups in (np.ones_like(both), counts.positives + counts.negatives > 0, both):
        found = metric(counts.only(groups)) if groups.sum() >= 1 else np.full(counts.tp.shape[1], np.nan)
        if not np.isnan(found).all():
            break
    return found


def count_above(
    margin: Floats,
    thresholds: Array,
    y: NDArray[np.int8],
    groups: NDArray[np.int64],
    n_groups: int,
    weight: NDArray[np.float32] | None = None,
) -> Confusion:
    """Count confusions of the rules `margin > threshold` for every threshold.

    Rows that all count once are sorted cell by cell and the thresholds looked up in them, which is several times faster
    than looking up every row among the thresholds.

    Args:
        margin: [n] margins.
        thresholds: [K] thresholds, ascending.
        y: [n] labels.
        groups: [n] group codes, -1 unknown.
        n_groups: G.
        weight: [n] what a row counts; None counts every row once.
    """
    cell = np.where(groups < 0, n_groups, groups) * 2 + y
    count = _by_sorting if weight is None else partial(_by_weight, weight)
    above, sizes = count(margin, thresholds.astype(margin.dtype), cell, n_groups)
    return Confusion(
        above[:-1, 1], above[:-1, 0], sizes[:-1, 1], sizes[:-1, 0], above[-1, 1], above[-1, 0],
        float(sizes[-1, 1]), float(sizes[-1, 0]),
    )  # fmt: skip


def _by_weight(
    weight: NDArray[np.float32], margin: Floats, thresholds: Floats, cell: NDArray[np.signedinteger], n_groups: int
) -> tuple[Array, Array]:
    """Return the weight of the rows of each cell above each threshold [G + 1, 2, K], and in all [G + 1, 2]."""
    k = len(thresholds)
    passed = np.searchsorted(thresholds, margin, side="left")  # thresholds below the margin
    counts = np.bincount(cell * (k + 1) + passed, weights=weight, minlength=2 * (n_groups + 1) * (k + 1))
    counts = counts.reshape(n_groups + 1, 2, k + 1).astype(np.float64)
    above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]  # rows that passed more than k thresholds
    return above, counts.sum(axis=2)


def _by_sorting(
    margin: Floats, thresholds: Floats, cell: NDArray[np.signedinteger], n_groups: int
) -> tuple[Array, Array]:
    """Return how many rows of each cell lie above each threshold [G + 1, 2, K], and how many there are [G + 1, 2]."""
    n_cells = 2 * (n_groups + 1)
    sizes = np.bincount(cell, minlength=n_cells)
    small = cell.astype(np.uint8 if n_cells <= 256 else np.uint16 if n_cells <= 65536 else np.int64)
    by_cell = margin[np.argsort(small, kind="stable")]  # of so few values: a radix sort
    above, begin = np.zeros((n_cells, len(thresholds))), 0
    for index in np.flatnonzero(sizes):
        ordered = by_cell[begin : begin + sizes[index]]
        ordered.sort()
        above[index] = sizes[index] - ordered.searchsorted(thresholds, side="right")
        begin += sizes[index]
    return above.reshape(n_groups + 1, 2, -1), sizes.reshape(n_groups + 1, 2).astype(np.float64)
