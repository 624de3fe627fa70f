"""What became of margins, and whether a small one foretold a flip.

The margin of a row is its distance to the threshold (binary) or the lead of its class (more classes), in logits.
Iofinova et al. 2023 found that the rows which a pruned model decides otherwise are those of which the dense model was
unsure; where that holds, they can be named before compressing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Answers, Array, Pair
from efficienttrust.evaluation.harm._groups import group_rows
from efficienttrust.evaluation.harm._paired import share
from efficienttrust.metrics import Estimate
from efficienttrust.metrics.ranking import area_estimate, roc_area

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NEAR = 0.1
"""Share of the rows that count as near the threshold."""


@dataclass(frozen=True)
class MarginRow:
    """Quantiles of the margin of a set of rows, in logits.

    Attributes:
        by: The attribute; "" for all together, or for all rows.
        group: Name of the group, "" for all rows.
        n: Rows.
        before: Quantiles at 5, 25, 50, 75 and 95 % of the dense model's margins, NaN without rows.
        after: Those of the compressed model's.
    """

    by: str
    group: str
    n: int
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Margins:
    """Margins before and after; weights play no part in the quantiles.

    Attributes:
        quantiles: Which quantiles.
        rows: All rows, then the groups of each attribute.
        near_cut: Dense margin up to which a row is among the tenth nearest to the threshold.
        near_flips: Share of flips among these.
        far_flips: Share of flips among the others.
        foretold: Area under the ROC curve of "small dense margin" as a sign of a flip; 0.5 is no sign.
    """

    quantiles: tuple[float, ...]
    rows: tuple[MarginRow, ...]
    near_cut: float
    near_flips: Estimate
    far_flips: Estimate
    foretold: Estimate


def margins_of(problem: Problem, pair: Pair, asked: Sequence[str], level: float) -> Margins:
    """Return margins before and after, by the groups of each partition asked."""
    before, after, flipped, weight = sizes_of(pair.before), sizes_of(pair.after), pair.flipped, pair.split.weight
    rows = [_row("", "", before, after)]
    for by in asked:
        rows += [_row(by, name, before[part], after[part]) for name, part in group_rows(problem, pair, by)]
    cut = float(np.quantile(before, NEAR, method="inverted_cdf")) if len(before) else float("nan")
    near = before <= cut
    kept = (lambda part: None) if weight is None else weight.__getitem__
    area = roc_area(flipped, -before, weight)
    note = "no row flipped" if not flipped.any() else "every row flipped, or margins are not numbers"
    return Margins(
        QUANTILES, tuple(rows), cut, share(flipped[near], kept(near), level), share(flipped[~near], kept(~near), level),
        area_estimate(area, len(before), note, level),
    )  # fmt: skip


def sizes_of(answers: Answers) -> Array:
    """Return how sure a model is of each row, its margin without the sign, float64 [n]."""
    return np.abs(np.asarray(answers.margin, dtype=np.float64))


def _row(by: str, group: str, before: Array, after: Array) -> MarginRow:
    return MarginRow(by, group, len(before), _quantiles(before), _quantiles(after))


def _quantiles(margins: Array) -> tuple[float, ...]:
    if not len(margins):
        return (float("nan"),) * len(QUANTILES)
    return tuple(float(value) for value in np.quantile(margins, QUANTILES))
