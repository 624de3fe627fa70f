"""Fewer rows: the same population, less of it."""

from __future__ import annotations

import numpy as np

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data.limitations._draws import drawn
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import Mask, account, change_splits, without


def fewer_rows(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Take out a share of the rows, the same from every class within every group."""

    def change(split: Split) -> tuple[Split, Mask]:
        strata = split.y.astype(np.int64) * (len(problem.group_names) + 1) + split.groups + 1
        gone = drawn(split.rows, strata, limitation.level, *key)
        return without(split, gone), gone

    limited, hits = change_splits(problem, change)
    return limited, account("rows removed", hits)


limitations.register("fewer_rows")(
    LimitationKind(
        name="fewer_rows",
        definition="A share of the rows is removed at random, the same share of every class within every group.",
        level="share of the rows removed, rounded down",
        run=fewer_rows,
    )
)
