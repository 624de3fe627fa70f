"""Selective labels: positive rows of one group are not recorded as positive.

Both kinds are those of Blum and Stangl 2020, "Recovering from biased data: can fairness constraints improve accuracy?":
`removed` is their under-representation bias (positive examples of the group are left out), `negative` their labelling
bias (they are labelled negative). Outcomes known only of those whom an earlier decision selected are the selective
labels of Lakkaraju et al. 2017; `removed` differs from them in that the draw looks at the label and at nothing else of
the row.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data._random import uniforms
from efficienttrust.data.limitations._draws import drawn
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import (
    Mask,
    account,
    change_splits,
    member_of,
    refuse_other_tasks,
    relabelled,
    without,
)


def selective_labels(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Take out positive rows of one group, or call them negative."""
    refuse_other_tasks(problem, limitation, "binary")
    member = member_of(problem, limitation)

    def change(split: Split) -> tuple[Split, Mask]:
        positive = member(split) & (split.y == 1)
        if limitation.kind == "negative":
            hit = positive & (uniforms(split.rows, *key) < limitation.level)
            return relabelled(problem, split, hit, np.zeros(len(split), dtype=np.int64)), hit
        gone = np.zeros(len(split), dtype=bool)
        gone[positive] = drawn(split.rows[positive], split.groups[positive], limitation.level, *key)
        return without(split, gone), gone

    limited, hits = change_splits(problem, change)
    what = "removed" if limitation.kind == "removed" else f"labelled {problem.negative!r}"
    return limited, account(f"{problem.positive!r} rows of {limitation.options['group']!r} {what}", hits)


limitations.register("selective_labels")(
    LimitationKind(
        name="selective_labels",
        definition="Positive rows of one group leave the data (kind=removed) or are labelled negative (kind=negative).",
        level="share of the group's positive rows that is removed, rounded down; or probability that one is labelled "
        "negative",
        run=selective_labels,
        kinds=("removed", "negative"),
        groups="must",
    )
)
