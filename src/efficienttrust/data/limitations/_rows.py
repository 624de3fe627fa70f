"""What limitations do to rows: find those of a group, take some out, change labels; and the account of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._problem import Problem, Split
from efficienttrust.data.limitations._limitation import Limitation
from efficienttrust.errors import UsageError, unknown_name

LIMITED = ("train", "monitor", "calibrate")
"""The splits that a limitation may change: what a team collects and learns from. Certify and test stay as they are."""

Mask = NDArray[np.bool_]


def change_splits(problem: Problem, change: Callable[[Split], tuple[Split, Mask]]) -> tuple[Problem, dict[str, Mask]]:
    """Return the problem with `change` applied to every limited split, and which rows it hit there."""
    changed = {name: change(problem.splits[name]) for name in LIMITED}
    splits = dict(problem.splits) | {name: split for name, (split, _) in changed.items()}
    return replace(problem, splits=splits), {name: hit for name, (_, hit) in changed.items()}


def account(what: str, hits: Mapping[str, Mask]) -> str:
    """Return `labels changed: 81 of 400 in train, …`."""
    counts = ", ".join(f"{int(hit.sum()):,} of {len(hit):,} in {name}" for name, hit in hits.items())
    return f"{what}: {counts}"


def member_of(problem: Problem, limitation: Limitation) -> Callable[[Split], Mask]:
    """Return the function that finds the rows that a limitation is about: those of its group, or all.

    Raises:
        UsageError: The attribute or the group is unknown, or no training row is of the group.
    """
    if "by" not in limitation.options:
        return lambda split: np.ones(len(split), dtype=bool)
    by, group = attribute_named(problem, limitation), limitation.options["group"]
    names = problem.attribute_names[by]
    if group not in names:
        raise unknown_name(f"group of {by!r} in limitation {limitation}:", group, names)
    code = names.index(group)
    if not np.any(problem.splits["train"].codes[by] == code):
        raise UsageError(f"limitation {limitation}: no row of the train split is {group!r}; choose another group")
    return lambda split: np.asarray(split.codes[by] == code)


def attribute_named(problem: Problem, limitation: Limitation) -> str:
    """Return the sensitive attribute that `by` names; raises `UsageError` with a did-you-mean."""
    by = limitation.options["by"]
    if not problem.attributes:
        raise UsageError(f"limitation {limitation} needs groups: name the column that holds {by!r} as sensitive")
    if by not in problem.attributes:
        raise unknown_name(f"sensitive attribute in limitation {limitation}:", by, problem.attributes)
    return by


def refuse_other_tasks(problem: Problem, limitation: Limitation, *tasks: str) -> None:
    """Raise `UsageError` where a limitation has no meaning for the task."""
    if problem.task not in tasks:
        raise UsageError(f"limitation {limitation} is for {' and '.join(tasks)} labels; these are {problem.task}")


def refuse_images(problem: Problem, limitation: Limitation) -> None:
    """Raise `UsageError` where a limitation of columns meets images."""
    if problem.kind == "image":
        raise UsageError(f"limitation {limitation} takes away columns and images have none: use it on tables")


def without(split: Split, gone: Mask) -> Split:
    """Return a split without some of its rows."""
    keep = np.flatnonzero(~gone)
    return replace(
        split,
        x=split.x[keep],
        y=split.y[keep],
        groups=split.groups[keep],
        codes={name: codes[keep] for name, codes in split.codes.items()},
        weight=None if split.weight is None else split.weight[keep],
        rows=split.rows[keep],
        pixels=None if split.pixels is None else split.pixels.take(keep),
    )


def relabelled(problem: Problem, split: Split, hit: Mask, labels: NDArray[np.int64]) -> Split:
    """Return a split with other labels in some rows; where the classes are the groups, the groups follow."""
    y = np.where(hit, labels, split.y).astype(split.y.dtype)
    codes = {
        name: y.astype(np.int64)
        if problem.attribute_names[name] == problem.classes and np.array_equal(old, split.y)
        else old
        for name, old in split.codes.items()
    }
    follows = problem.group_names == problem.classes and np.array_equal(split.groups, split.y)
    return replace(split, y=y, codes=codes, groups=y.astype(np.int64) if follows else split.groups)
