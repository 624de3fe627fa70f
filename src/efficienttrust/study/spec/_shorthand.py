"""Short forms of a study file, turned into the long ones before validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

MOST_SEEDS = 10_000


def as_named(value: object) -> object:
    """Turn a list of texts into a mapping of each to itself; a repeated one is a fault."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | int | float) for one in value):
        return value
    names = [str(one) for one in value]
    _refuse_repeated(names, "level")
    return {name: name for name in names}


def as_data(value: object) -> object:
    """Turn names of data sets into levels, and texts of levels into sources."""
    named = as_named(value)
    if not isinstance(named, Mapping):
        return named
    return {name: {"source": one} if isinstance(one, str) else one for name, one in named.items()}


def as_patches(value: object) -> object:
    """Let a level of a further factor that changes nothing be written as null."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {str(level): {} if patch is None else patch for level, patch in levels.items()}
        if isinstance(levels, Mapping)
        else levels
        for name, levels in value.items()
    }


def as_cells(value: object) -> object:
    """Let one level stand for a list of one."""
    if not isinstance(value, list | tuple):
        return value
    return tuple(
        {name: (levels,) if isinstance(levels, str) else levels for name, levels in one.items()}
        if isinstance(one, Mapping)
        else one
        for one in value
    )


def as_seeds(value: object) -> object:
    """Turn a number of replicates or a range such as `0-9` into seeds; a repeated one is a fault."""
    if isinstance(value, bool):
        raise ValueError("give how many, a range as 0-9, or a list of whole numbers")
    if isinstance(value, int):
        if not 1 <= value <= MOST_SEEDS:
            raise ValueError(f"{value} replicates; give 1 to {MOST_SEEDS}, a range as 0-9, or a list")
        return tuple(range(value))
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", value)
        if found is None or not 0 <= int(found[2]) - int(found[1]) < MOST_SEEDS:
            raise ValueError(f"{value!r} is no range such as 0-9; at most {MOST_SEEDS} seeds")
        return tuple(range(int(found[1]), int(found[2]) + 1))
    if isinstance(value, list | tuple):
        _refuse_repeated(list(value), "seed")
        if any(isinstance(one, int) and one < 0 for one in value):
            raise ValueError("seeds are 0 or more")
    return value


def form_of(value: object) -> Literal["<text>", "<parts>"]:
    """Tell the two forms apart that references and constraints may have."""
    return "<text>" if isinstance(value, str) else "<parts>"


def _refuse_repeated(values: list[Any], what: str) -> None:
    repeated = [one for index, one in enumerate(values) if one in values[:index]]
    if repeated:
        raise ValueError(f"{what} {repeated[0]} is given twice; keep one")
