"""Which rows belong to which group, for each sensitive attribute and for all together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Array, Pair

ALL = ""
"""Name of the partition by all sensitive attributes together."""


def partitions_asked(problem: Problem) -> tuple[str, ...]:
    """Return the attributes, and "" for their intersections where there are several."""
    names = tuple(problem.splits["train"].codes)
    return (*names, ALL) if len(names) > 1 else names


def group_rows(problem: Problem, pair: Pair, by: str) -> list[tuple[str, Array]]:
    """Return (name, positions of its rows) of each group of an attribute, or of the intersections of all for ""."""
    codes, names = codes_of(problem, pair, by)
    return list(zip(names, rows_by_code(codes, len(names)), strict=True))


def codes_of(problem: Problem, pair: Pair, by: str) -> tuple[Array, tuple[str, ...]]:
    """Return (codes [n], names) of the groups of an attribute, or of the intersections of all for ""."""
    if by == ALL:
        return pair.split.groups, tuple(problem.group_names)
    return pair.split.codes[by], tuple(problem.attribute_names[by])


def rows_by_code(codes: Array, k: int) -> list[Array]:
    """Return the positions of the rows of each of k codes, ascending; rows with code -1 are in none."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(k + 1))
    return [order[start:end] for start, end in pairwise(ends)]
