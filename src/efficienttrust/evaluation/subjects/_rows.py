"""The rows under audit: a table or images with labels and groups, whichever they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import SPLITS, Problem
from efficienttrust.data.images import ImageSet
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.int64]
Inputs = Any
"""A frame of raw columns, or an array of images [n, C, H, W]: uint8, or float32 in [0, 1]."""


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """What a model is audited on.

    Attributes:
        kind: `table` or `image`.
        task: `binary`, `multiclass` or `regression`.
        inputs: Raw columns of the source without the label (a frame, index from 0), or images uint8 [n, C, H, W].
        y: Class of each row, int64 0..K-1 (binary: 1 = positive); of a regression the number itself, float64.
        classes: Names of the classes by code; empty of a regression.
        groups: Code of the intersection of all sensitive attributes, -1 unknown.
        group_names: Names of the intersections.
        attributes: Attribute -> (codes, names).
        by_class: Whether the groups are the classes, for want of others.
        weight: Weight of each row, or None.
        row: Row number in the source.
        which: `test split` or `all rows`.
        notes: What a reader must know, one line each.
        source: The problem or image set that the rows came from.
        table: The frame that the problem was loaded from, where it was one: further rows of it are taken from here.
        of_run: Whether they are data of the run under audit, so that it is known which of them trained it.
    """

    kind: Literal["table", "image"]
    task: Literal["binary", "multiclass", "regression"]
    inputs: Inputs
    y: NDArray[Any]
    classes: tuple[str, ...]
    groups: Codes
    group_names: tuple[str, ...]
    attributes: Mapping[str, tuple[Codes, tuple[str, ...]]]
    by_class: bool
    weight: NDArray[np.float32] | None
    row: Codes
    which: str
    notes: tuple[str, ...]
    source: Problem | ImageSet
    table: pd.DataFrame | None = None
    of_run: bool = False

    def __len__(self) -> int:
        return len(self.y)

    @property
    def problem(self) -> Problem:
        """The problem of a table; raises `TypeError` for images."""
        if not isinstance(self.source, Problem):
            raise TypeError("images have no problem")
        return self.source

    @cached_property
    def x(self) -> NDArray[np.float32]:
        """Encoded rows of a table, float32 [n, d]; images as float32 [n, C, H, W] in [0, 1]."""
        if isinstance(self.source, Problem):
            return self.source.encoder.transform(self.inputs)
        return as_unit(self.inputs)

    def take(self, rows: Codes) -> Rows:
        """Return some of the rows, in the order given."""
        chosen = {name: (codes[rows], names) for name, (codes, names) in self.attributes.items()}
        inputs = self.inputs.iloc[rows].reset_index(drop=True) if self.kind == "table" else self.inputs[rows]
        weight = None if self.weight is None else self.weight[rows]
        return replace(
            self, inputs=inputs, y=self.y[rows], groups=self.groups[rows], attributes=chosen, weight=weight,
            row=self.row[rows],
        )  # fmt: skip


def table_rows(problem: Problem, which: Literal["test", "all"], table: pd.DataFrame | None = None) -> Rows:
    """Return the test split of a problem, or all its rows in the order of the source.

    Args:
        problem: The problem.
        which: `test` or `all`.
        table: The table that the problem was loaded from, where that was a frame: a foreign model may read columns that
            the problem leaves out. Files are read again.

    Raises:
        UsageError: The source has changed.
    """
    parts = [problem.splits[name] for name in (("test",) if which == "test" else SPLITS)]
    row = np.concatenate([part.rows for part in parts])
    order = np.argsort(row, kind="stable")

    def joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(arrays)[order]

    weights = [part.weight for part in parts if part.weight is not None]
    attributes = {
        name: (joined([part.codes[name] for part in parts]), problem.attribute_names[name])
        for name in problem.sensitive
    }
    return Rows(
        kind="table",
        task=problem.task,  # type: ignore[arg-type]
        inputs=_raw_frame(problem, row[order], table),
        y=joined([part.y for part in parts]).astype(np.float64 if problem.task == "regression" else np.int64),
        classes=problem.classes,
        groups=joined([part.groups for part in parts]),
        group_names=problem.group_names,
        attributes=attributes,
        by_class=False,
        weight=joined(weights) if weights else None,
        row=row[order],
        which="test split" if which == "test" else "all rows",
        notes=tuple(problem.notes),
        source=problem,
        table=table,
    )


def image_rows(images: ImageSet) -> Rows:
    """Return all images of a set as rows."""
    return Rows(
        kind="image",
        task="binary" if len(images.classes) == 2 else "multiclass",
        inputs=images.x,
        y=images.y,
        classes=images.classes,
        groups=images.groups,
        group_names=images.group_names,
        attributes=images.attributes,
        by_class=images.by_class,
        weight=None,
        row=np.arange(len(images)),
        which={"test": "test split", "train": "train split"}.get(images.part, "all rows"),
        notes=images.notes,
        source=images,
    )


def problem_image_rows(problem: Problem, which: Literal["test", "train", "all"]) -> Rows:
    """Return the images of a split of a problem, or of all its splits, as rows."""
    splits = SPLITS if which == "all" else (which,)
    parts = [problem.splits[name] for name in splits]
    pixels = [part.pixels.levels(slice(None)) for part in parts if part.pixels is not None]

    def joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(arrays)

    x, y = joined(pixels), joined([part.y for part in parts]).astype(np.int64)
    groups = joined([part.groups for part in parts])
    attributes = {
        name: (joined([part.codes[name] for part in parts]), problem.attribute_names[name])
        for name in problem.sensitive
    }
    by_class = problem.sensitive == ("class",) and problem.group_names == problem.classes
    images = ImageSet(
        problem.name, problem.source, which, x, y, problem.classes, groups, problem.group_names, attributes, by_class,
        problem.notes, problem.fingerprint, problem.settings,
    )  # fmt: skip
    return replace(image_rows(images), row=joined([part.rows for part in parts]))


def as_unit(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as float32 in [0, 1]: uint8 is divided by 255, floats are taken as they are."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(images, dtype=np.float32)


def _raw_frame(problem: Problem, row: Codes, table: pd.DataFrame | None) -> pd.DataFrame:
    """Return the columns of the source but the label."""
    from efficienttrust.data._loading import open_table

    name = problem.source
    if table is None and name == "<frame>":
        return problem.inputs.loc[row].reset_index(drop=True)
    if table is None:
        table = open_table(name)[0]
    if len(table) <= int(row.max(initial=0)):
        raise UsageError(f"{name} has fewer rows than when it was loaded; load it again")
    return table.drop(columns=problem.label).iloc[row].reset_index(drop=True)
