"""Biased sampling: one group is under-represented."""

from __future__ import annotations

import numpy as np

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data.limitations._draws import drawn
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import Mask, account, change_splits, member_of, without


def biased_sampling(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Take out a share of the rows of one group, the same from every class, so that its base rate stays."""
    member = member_of(problem, limitation)

    def change(split: Split) -> tuple[Split, Mask]:
        inside = member(split)
        gone = np.zeros(len(split), dtype=bool)
        gone[inside] = drawn(split.rows[inside], split.y[inside].astype(np.int64), limitation.level, *key)
        return without(split, gone), gone

    limited, hits = change_splits(problem, change)
    return limited, account(f"rows of {limitation.options['group']!r} removed", hits)


limitations.register("biased_sampling")(
    LimitationKind(
        name="biased_sampling",
        definition="A share of the rows of one group is removed at random, the same share of each of its classes.",
        level="share of the group's rows removed, rounded down",
        run=biased_sampling,
        groups="must",
    )
)
