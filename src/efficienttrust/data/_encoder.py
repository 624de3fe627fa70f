"""The encoder: raw columns to a float32 matrix, with statistics of the train split only.

Layout of the features, in this order: the p numeric columns, standardised; one 0/1 missing indicator per numeric column
that has missing values in train; one one-hot block per categorical column. A block has one slot per known category, a
`(missing)` slot when train has missing values there, and last an `(other)` slot for rare and unseen categories; exactly
one slot of a block is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import NUMBERS, Cells, numbers
from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 50
RARE_ROWS = 10


@dataclass(frozen=True)
class NumericFeature:
    """One numeric column, all statistics in raw units and over the train cells that are not missing.

    Attributes:
        column: Name of the raw column.
        integer: Whether only whole numbers occur.
        fill: Median (the lower one for integers); replaces a missing cell.
        mean: Mean.
        scale: Population standard deviation, > 0.
        lower: Smallest value.
        upper: Largest value.
        indicator: Whether the column has a missing indicator.
    """

    column: str
    integer: bool
    fill: float
    mean: float
    scale: float
    lower: float
    upper: float
    indicator: bool


@dataclass(frozen=True)
class CategoricalFeature:
    """One categorical column; its block is `categories..., [(missing)], (other)`.

    Attributes:
        column: Name of the raw column.
        categories: Known categories, sorted.
        missing_slot: Whether missing cells have their own slot; otherwise they go to `(other)`.
    """

    column: str
    categories: tuple[str, ...]
    missing_slot: bool

    @property
    def width(self) -> int:
        """Number of slots of the block."""
        return len(self.categories) + self.missing_slot + 1


@dataclass(frozen=True)
class Encoder:
    """Turns raw columns into features; frozen and JSON-able.

    Attributes:
        numeric: Numeric columns in feature order.
        categorical: Categorical columns in feature order.
    """

    numeric: tuple[NumericFeature, ...]
    categorical: tuple[CategoricalFeature, ...]

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return self.blocks_start + sum(feature.width for feature in self.categorical)

    @property
    def blocks_start(self) -> int:
        """Index of the first one-hot feature."""
        return len(self.numeric) + sum(feature.indicator for feature in self.numeric)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw input columns: numeric, then categorical."""
        return (*(feature.column for feature in self.numeric), *(block.column for block in self.categorical))

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Readable name of every feature."""
        names = [feature.column for feature in self.numeric]
        names += [f"{feature.column} (missing)" for feature in self.numeric if feature.indicator]
        for block in self.categorical:
            slots = [*block.categories, *(["(missing)"] if block.missing_slot else []), "(other)"]
            names += [f"{block.column}={slot}" for slot in slots]
        return tuple(names)

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """[start, stop) of every one-hot block."""
        stops = np.cumsum([self.blocks_start, *(feature.width for feature in self.categorical)]).tolist()
        return tuple(pairwise(stops))

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Encode a pandas frame that has all `columns`; others are ignored.

        Args:
            frame: Raw columns, types as when the problem was loaded.

        Returns:
            float32 [n, n_features].

        Raises:
            UsageError: A column is missing, or a numeric cell holds text or an infinite value.
        """
        for name in self.columns:
            if name not in frame.columns:
                raise UsageError(f"the table has no column {name!r}.{did_you_mean(name, map(str, frame.columns))}")
        cells = {feature.column: Cells("numeric", numbers(frame[feature.column])) for feature in self.numeric}
        cells |= {
            feature.column: Cells("categorical", *text_codes(frame[feature.column])) for feature in self.categorical
        }
        return self.encode(cells, len(frame))

    def encode(self, cells: Mapping[str, Cells], n: int) -> NDArray[np.float32]:
        """Encode n rows of cells that were read before; `transform` without the reading."""
        x = np.zeros((n, self.n_features), dtype=np.float32)
        indicator = len(self.numeric)
        for position, feature in enumerate(self.numeric):
            values = cells[feature.column].values
            missing = np.isnan(values)
            x[:, position] = (np.where(missing, feature.fill, values) - feature.mean) / feature.scale
            if feature.indicator:
                x[:, indicator] = missing
                indicator += 1
        rows = np.arange(n)
        for (start, stop), block in zip(self.blocks, self.categorical, strict=True):
            column = cells[block.column]
            x[rows, start + slots(block, column.texts, stop - start - 1)[column.values]] = 1.0
        return x

    def raw_numeric(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the numeric columns of encoded rows in raw units, whole numbers rounded; float64 [n, p]."""
        p = len(self.numeric)
        scale = np.array([feature.scale for feature in self.numeric])
        mean = np.array([feature.mean for feature in self.numeric])
        raw: NDArray[np.float64] = np.asarray(x[:, :p], dtype=np.float64) * scale + mean
        whole = [feature.integer for feature in self.numeric]
        raw[:, whole] = np.rint(raw[:, whole])
        return raw

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` is the exact inverse."""
        return {
            "numeric": [asdict(feature) for feature in self.numeric],
            "categorical": [{**asdict(block), "categories": list(block.categories)} for block in self.categorical],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Encoder:
        """Rebuild an encoder from `to_dict`."""
        return cls(
            numeric=tuple(NumericFeature(**feature) for feature in document["numeric"]),
            categorical=tuple(
                CategoricalFeature(**{**block, "categories": tuple(block["categories"])})
                for block in document["categorical"]
            ),
        )


def slots(block: CategoricalFeature, texts: tuple[str, ...], other: int) -> NDArray[np.intp]:
    """Return the slot of every text and, last (so that code -1 finds it), of a missing cell."""
    position = {category: slot for slot, category in enumerate(block.categories)}
    missing = len(block.categories) if block.missing_slot else other
    return np.array([*(position.get(text, other) for text in texts), missing], dtype=np.intp)


def fit_encoder(cells: Mapping[str, Cells], train: NDArray[np.int64]) -> tuple[Encoder, list[str]]:
    """Fit the encoder on the train rows; columns that are constant there are left out with a note."""
    numeric: list[NumericFeature] = []
    categorical: list[CategoricalFeature] = []
    notes: list[str] = []
    for name, column in cells.items():
        taken = column.take(train)
        feature = _fit_numeric(name, taken) if column.kind in NUMBERS else _fit_categorical(name, taken, notes)
        if isinstance(feature, NumericFeature):
            numeric.append(feature)
        elif isinstance(feature, CategoricalFeature):
            categorical.append(feature)
        else:
            notes.append(f"column {name!r} dropped: {feature}")
    return Encoder(tuple(numeric), tuple(categorical)), notes


def _fit_numeric(name: str, train: Cells) -> NumericFeature | str:
    missing = train.missing
    observed = train.values[~missing]
    if not len(observed):
        return "it has no values in the train split"
    if observed.min() == observed.max():
        return "it is constant in the train split"
    whole = train.kind == "integer"
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(observed.mean()), float(observed.std())
    if not np.isfinite(scale) or scale <= 0.0:
        return "its spread cannot be computed in double precision"
    return NumericFeature(
        column=name,
        integer=whole,
        fill=float(np.quantile(observed, 0.5, method="lower" if whole else "linear")),
        mean=mean,
        scale=scale,
        lower=float(observed.min()),
        upper=float(observed.max()),
        indicator=bool(missing.any()),
    )


def _fit_categorical(name: str, train: Cells, notes: list[str]) -> CategoricalFeature | str:
    counts = np.bincount(train.values[~train.missing], minlength=len(train.texts))
    missing_slot = bool(train.missing.any())
    occurring = np.flatnonzero(counts)
    if len(occurring) + missing_slot < 2:
        return "it is constant in the train split"
    kept = occurring
    if len(occurring) > RARE_ROWS:
        kept = kept[counts[kept] >= RARE_ROWS]
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")][:MOST_CATEGORIES])
    if not len(kept):
        return f"none of its {len(occurring)} categories has {RARE_ROWS} train rows (an identifier?)"
    if len(kept) < len(occurring):
        pooled = len(occurring) - len(kept)
        rows = int(counts.sum() - counts[kept].sum())
        notes.append(f"column {name!r}: rare categories ({pooled}, with {rows} train rows) are pooled as (other)")
    return CategoricalFeature(name, tuple(train.texts[code] for code in kept), missing_slot)
