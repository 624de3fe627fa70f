"""What a corruption must know of every input column, from the training rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem
from efficienttrust.data._columns import numbers
from efficienttrust.data._text import cell_text, text_codes

if TYPE_CHECKING:
    import pandas as pd

MOST_REFERENCE_ROWS = 100_000
"""Beyond this many training rows, ranks are taken among an evenly spaced selection of them."""


@dataclass(frozen=True, eq=False)
class NumericScale:
    """One numeric input column, in raw units, over the training cells that are not missing.

    Attributes:
        name: Column name.
        integer: Whether only whole numbers occur.
        mutable: Whether it may be corrupted.
        mean: Mean.
        std: Population standard deviation, > 0.
        low: Smallest value.
        high: Largest value.
        reference: float64, sorted training values: what ranks are taken among.
        complete: Whether no training cell is missing.
    """

    name: str
    integer: bool
    mutable: bool
    mean: float
    std: float
    low: float
    high: float
    reference: NDArray[np.float64]
    complete: bool

    def rank(self, series: pd.Series[Any]) -> NDArray[np.float64]:
        """Return each cell's mid-rank among the training values, in [0, 1] with mean 1/2 there; NaN where missing."""
        values = numbers(series)
        below = np.searchsorted(self.reference, values, side="left")
        up_to = np.searchsorted(self.reference, values, side="right")
        return np.where(np.isnan(values), np.nan, (below + up_to) / (2 * len(self.reference)))


@dataclass(frozen=True, eq=False)
class CategoricalScale:
    """One categorical input column.

    Attributes:
        name: Column name.
        mutable: Whether it may be corrupted.
        categories: Texts of the known categories, in the order of the encoder.
        values: For each category a cell as it stands in the table (`True`, not `"True"`).
        shares: float64, share of each category among the training cells with a known one.
        complete: Whether no training cell is missing.
    """

    name: str
    mutable: bool
    categories: tuple[str, ...]
    values: tuple[object, ...]
    shares: NDArray[np.float64]
    complete: bool

    def codes(self, series: pd.Series[Any]) -> NDArray[np.int64]:
        """Return each cell's position in `categories`, -1 where missing, `len(categories)` where unknown."""
        codes, texts = text_codes(series)
        position = {category: code for code, category in enumerate(self.categories)}
        return np.array([*(position.get(text, len(position)) for text in texts), -1], dtype=np.int64)[codes]

    def rank(self, series: pd.Series[Any]) -> NDArray[np.float64]:
        """Return mid-ranks in [0, 1], from the commonest category to the rarest; unknown 1, NaN where missing."""
        order = np.argsort(-self.shares, kind="stable")
        middle = np.empty(len(order))
        middle[order] = np.cumsum(self.shares[order]) - self.shares[order] / 2
        return np.array([*middle, 1.0, np.nan])[self.codes(series)]


@dataclass(frozen=True, eq=False)
class TableScale:
    """The input columns of a model and their scales.

    Attributes:
        numeric: Numeric columns.
        categorical: Categorical columns.
    """

    numeric: tuple[NumericScale, ...]
    categorical: tuple[CategoricalScale, ...]

    @property
    def columns(self) -> tuple[NumericScale | CategoricalScale, ...]:
        """All input columns, numeric ones first."""
        return (*self.numeric, *self.categorical)

    @property
    def mutable(self) -> tuple[NumericScale | CategoricalScale, ...]:
        """The columns that may be corrupted."""
        return tuple(column for column in self.columns if column.mutable)

    @property
    def mutable_numeric(self) -> tuple[NumericScale, ...]:
        """The numeric columns that may be corrupted."""
        return tuple(column for column in self.numeric if column.mutable)

    @property
    def mutable_categorical(self) -> tuple[CategoricalScale, ...]:
        """The categorical columns that may be corrupted."""
        return tuple(column for column in self.categorical if column.mutable)


def table_scale(problem: Problem) -> TableScale:
    """Return the scales of a problem's input columns, from its train split alone."""
    rows = problem.splits["train"].rows
    train = problem.inputs.loc[rows[:: len(rows) // MOST_REFERENCE_ROWS + 1]]
    mutable = {column.name: column.mutable for column in problem.columns}
    numeric = []
    for feature in problem.encoder.numeric:
        values = numbers(train[feature.column])
        numeric.append(
            NumericScale(
                name=feature.column,
                integer=feature.integer,
                mutable=mutable[feature.column],
                mean=feature.mean,
                std=feature.scale,
                low=feature.lower,
                high=feature.upper,
                reference=np.sort(values[~np.isnan(values)]),
                complete=not feature.indicator,
            )
        )
    categorical = [
        _categorical(train[block.column], block.categories, mutable[block.column], not block.missing_slot)
        for block in problem.encoder.categorical
    ]
    return TableScale(tuple(numeric), tuple(categorical))


def _categorical(train: pd.Series[Any], categories: tuple[str, ...], mutable: bool, complete: bool) -> CategoricalScale:
    cells: dict[str | None, object] = {}
    for value in train.unique():
        cells.setdefault(cell_text(value), value.item() if isinstance(value, np.generic) else value)
    codes, texts = text_codes(train)
    counted = dict(zip(texts, np.bincount(codes[codes >= 0], minlength=len(texts)).tolist(), strict=True))
    counts = np.array([counted.get(category, 0) for category in categories], dtype=np.float64)
    return CategoricalScale(
        name=str(train.name),
        mutable=mutable,
        categories=categories,
        values=tuple(cells.get(category, category) for category in categories),
        shares=counts / max(counts.sum(), 1.0),
        complete=complete,
    )
