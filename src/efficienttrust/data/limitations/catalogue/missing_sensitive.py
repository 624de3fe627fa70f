"""Missing sensitive attribute: of many rows nobody knows the group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data.limitations._cells import without_cells
from efficienttrust.data.limitations._draws import drawn
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import Mask, account, attribute_named, change_splits
from efficienttrust.errors import UsageError


def missing_sensitive(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Forget the group of a share of the rows, and the raw cells that tell it."""
    if not problem.attributes:
        raise UsageError(f"limitation {limitation} needs groups: name a column that holds them as sensitive")
    named = (attribute_named(problem, limitation),) if "by" in limitation.options else tuple(problem.attributes)

    def change(split: Split) -> tuple[Split, Mask]:
        gone = drawn(split.rows, split.groups, limitation.level, *key)
        codes = {name: np.where(gone & (name in named), -1, codes) for name, codes in split.codes.items()}
        return replace(split, codes=codes, groups=np.where(gone, -1, split.groups)), gone

    limited, hits = change_splits(problem, change)
    return without_cells(limited, dict.fromkeys(named, hits)), account("rows whose group is unknown", hits)


limitations.register("missing_sensitive")(
    LimitationKind(
        name="missing_sensitive",
        definition="The sensitive attributes (or the one named by `by`) of a share of the rows become unknown, the "
        "same share of every group.",
        level="share of the rows, rounded down",
        run=missing_sensitive,
        groups="attribute",
    )
)
