"""Label noise: labels that are wrong by chance, in all rows, by class, or in one group.

`uniform` is symmetric noise: a label becomes any other class with the same probability (Angluin and Laird 1988 for two
classes). `class` depends on the class: with two classes only the positive one loses labels, the extreme of the
class-conditional noise of Natarajan et al. 2013; with more, every class is taken for the next one, the pair flips of
Patrini et al. 2017.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data._random import uniforms
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import (
    Mask,
    account,
    change_splits,
    member_of,
    refuse_other_tasks,
    relabelled,
)


def label_noise(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Give each row another label with the probability of the level."""
    refuse_other_tasks(problem, limitation, "binary", "multiclass")
    member, k = member_of(problem, limitation), len(problem.classes)

    def change(split: Split) -> tuple[Split, Mask]:
        hit = member(split) & (uniforms(split.rows, *key) < limitation.level)
        y = split.y.astype(np.int64)
        steps = np.ones(len(split), dtype=np.int64)
        if limitation.kind == "uniform":
            steps += (uniforms(split.rows, *key, "class") * (k - 1)).astype(np.int64)
        elif k == 2:
            hit &= y == 1
        return relabelled(problem, split, hit, (y + steps) % k), hit

    limited, hits = change_splits(problem, change)
    return limited, account("labels changed", hits)


limitations.register("label_noise")(
    LimitationKind(
        name="label_noise",
        definition="Each label becomes another class: any other (kind=uniform), or by class (kind=class: positive "
        "becomes negative; with more than two classes each becomes the next).",
        level="probability that a label of the rows concerned is changed",
        run=label_noise,
        kinds=("uniform", "class"),
        groups="may",
    )
)
