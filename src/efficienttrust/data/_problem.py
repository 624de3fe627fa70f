"""The problem: data that is ready to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._bundled import DatasetCard
from efficienttrust.data._columns import Column
from efficienttrust.data._domain import Domain
from efficienttrust.data._encoder import Encoder
from efficienttrust.data._groups import Attribute
from efficienttrust.data._pixels import Pixels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """One of the five splits; n rows in the order of the source.

    Attributes:
        x: float32 [n, d], encoded inputs; d = 0 where the rows are images.
        y: [n] labels: int8, 1 = positive, of a binary problem; int64 class codes of a multiclass one; float32 numbers
            of a regression.
        groups: int64 [n], code of the intersection of all sensitive attributes, -1 where one is missing.
        codes: Attribute name to int64 [n] group codes, -1 where missing.
        weight: float32 [n] sample weights, or `None`.
        rows: int64 [n], row number in the source (first data row = 0).
        pixels: The images, where the rows are images.
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    groups: NDArray[np.int64]
    codes: Mapping[str, NDArray[np.int64]]
    weight: NDArray[np.float32] | None
    rows: NDArray[np.int64]
    pixels: Pixels | None = None

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        if self.pixels is not None:
            return f"Split({len(self)} images of {'x'.join(map(str, self.pixels.shape))})"
        return f"Split({len(self)} rows, {self.x.shape[1]} features)"

    def inputs(self, rows: Any) -> NDArray[np.float32]:
        """Return what a model reads of the rows at these positions (a slice or int64 [m]), float32 [m, ...]."""
        return self.x[rows] if self.pixels is None else self.pixels[rows]


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Data ready to learn from: splits, inputs, groups, encoder and perturbation domain.

    Attributes:
        name: Short name, for people.
        source: Bundled name, absolute path, or `<frame>`.
        task: `binary`, `multiclass` or `regression`.
        label: Label column.
        positive: Text of the positive label; "" unless the task is binary.
        negative: Text of the negative label; "" unless the task is binary.
        columns: Input columns in the order of the source.
        sensitive: Sensitive columns.
        attributes: Sensitive column to its groups and how a cell finds them.
        group_names: Names of the intersections that occur, by code ("Female & 25-44").
        encoder: Fitted on the train split.
        domain: What a perturbation may change.
        splits: The five splits by name.
        inputs: Raw input and sensitive columns of all rows with a label; the index is the row number in the source.
        notes: Warnings and counts, one readable line each.
        card: Licence and origin, for bundled data sets.
        fingerprint: sha256 over content, roles and seed: what a run pins.
        settings: Keyword arguments with which `load_problem(source, **settings)` loads it again; JSON-able.
        preparation: What loading cost: `wall` and `cpu`, in seconds.
        classes: Names of the classes by code, negative and positive of a binary problem; empty for a regression.
    """

    name: str
    source: str
    task: str
    label: str
    positive: str
    negative: str
    columns: tuple[Column, ...]
    sensitive: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    group_names: tuple[str, ...]
    encoder: Encoder
    domain: Domain
    splits: Mapping[str, Split]
    inputs: pd.DataFrame
    notes: tuple[str, ...]
    card: DatasetCard | None
    fingerprint: str
    settings: Mapping[str, object]
    preparation: Mapping[str, float]
    classes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What a row is: `image`, or `table`."""
        return "table" if self.splits["train"].pixels is None else "image"

    @property
    def outputs(self) -> int:
        """How many numbers a model answers with: one logit of two classes, one for each of more, one for a number."""
        return len(self.classes) if self.task == "multiclass" else 1

    @property
    def attribute_names(self) -> Mapping[str, tuple[str, ...]]:
        """Sensitive column to its group names by code."""
        return {name: attribute.groups for name, attribute in self.attributes.items()}

    def raw(self, split: str) -> pd.DataFrame:
        """Return the raw input and sensitive columns of a split, in the row order of the split, index from 0."""
        return self.inputs.loc[self.splits[split].rows].reset_index(drop=True)

    def __repr__(self) -> str:
        if self.kind == "image":
            n = sum(len(split) for split in self.splits.values())
            return (
                f"Problem({self.name!r}: {n} images, {len(self.classes)} classes, groups {', '.join(self.group_names)})"
            )
        learned = {"binary": f" = {self.positive!r}", "multiclass": f" of {len(self.classes)} classes"}
        return (
            f"Problem({self.name!r}: {len(self.inputs)} rows, {len(self.columns)} inputs, label {self.label!r}"
            f"{learned.get(self.task, ', a number')}, groups {', '.join(self.group_names)})"
        )
