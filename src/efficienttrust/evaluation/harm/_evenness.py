"""Do the flips fall on the groups alike? One p-value per attribute, adjusted for their number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Array, Pair
from efficienttrust.evaluation.harm._groups import group_rows
from efficienttrust.metrics import holm

EXPECTED = 5.0
"""Expected flips (and rows that stay) in each group from which on the chi-square distribution is trusted."""
DRAWS = 9999
"""Random tables, where it is not."""


@dataclass(frozen=True)
class Evenness:
    """A test that the flips (of a regression: the distances moved) do not depend on the group.

    Attributes:
        by: The attribute, "" for the intersections of all.
        p: p-value; NaN where there is nothing to test, and then `note` says why.
        adjusted: The same after Holm's adjustment for all that were tested.
        n: Rows.
        how: The test.
        note: Why there is none.
    """

    by: str
    p: float
    adjusted: float
    n: int
    how: str
    note: str = ""


def evenness_of(problem: Problem, pair: Pair, asked: Sequence[str]) -> tuple[Evenness, ...]:
    """Test each partition; rows count once each, whatever their weights."""
    found = []
    for by in asked:
        rows = [each for _, each in group_rows(problem, pair, by) if len(each)]
        n = sum(map(len, rows))
        if len(rows) < 2:
            found.append((by, math.nan, n, "not tested", "needs rows of at least 2 groups"))
        elif pair.decides:
            sizes = np.array([len(each) for each in rows])
            flips = np.array([int(pair.flipped[each].sum()) for each in rows])
            found.append((by, *even_flips(sizes, flips)))
        else:
            found.append((by, *_even_distances([pair.moved[each] for each in rows])))
    adjusted = holm({by: p for by, p, *_ in found}) if found else {}
    return tuple(Evenness(by, p, adjusted[by], n, how, note) for by, p, n, how, note in found)


def even_flips(sizes: Array, flips: Array) -> tuple[float, int, str, str]:
    """Return (p, rows, test, note) of "every row is as likely to flip, whatever its group".

    Two groups are tested by Fisher's exact test, more by chi-square, and where a group expects fewer than five flips by
    the same statistic over random tables with these margins (seeded).

    Args:
        sizes: Rows of each group, int [G], each at least 1.
        flips: Flips among them, int [G].
    """
    from scipy import stats

    n, total = int(sizes.sum()), int(flips.sum())
    if total in (0, n):
        return math.nan, n, "not tested", "no row flipped" if total == 0 else "every row flipped"
    table = np.stack([flips, sizes - flips])
    if len(sizes) == 2:
        return float(stats.fisher_exact(table).pvalue), n, "Fisher exact", ""
    expected = sizes * total / n
    if min(expected.min(), (sizes - expected).min()) >= EXPECTED:
        return float(stats.chi2_contingency(table).pvalue), n, "chi-square", ""
    drawn = np.random.default_rng(0).multivariate_hypergeometric(sizes, total, size=DRAWS, method="marginals")
    seen = ((flips - expected) ** 2 / expected / (1 - expected / sizes)).sum()
    others = ((drawn - expected) ** 2 / expected / (1 - expected / sizes)).sum(axis=1)
    p = (1 + int((others >= seen * (1 - 1e-12)).sum())) / (1 + DRAWS)
    return p, n, f"chi-square over {DRAWS} random tables", ""


def _even_distances(moved: list[Array]) -> tuple[float, int, str, str]:
    from scipy import stats

    together = np.concatenate(moved)
    if np.ptp(together) == 0:
        return math.nan, len(together), "not tested", "all numbers moved alike"
    return float(stats.kruskal(*moved).pvalue), len(together), "Kruskal-Wallis", ""
