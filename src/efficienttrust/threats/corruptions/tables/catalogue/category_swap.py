"""Category swap: the wrong box is ticked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import SHARES, TableCorruption, table_corruptions
from efficienttrust.threats.corruptions.tables._scale import CategoricalScale, TableScale

if TYPE_CHECKING:
    import pandas as pd


def category_swap(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Give each cell, with the probability of the level, another known category; all others are equally likely."""
    changed = {}
    for column in _swappable(batch.scale):
        codes = batch.codes(column)
        k = len(column.categories)
        known = codes < k
        # Draw among the k - 1 others and step over the own one; an unknown category has k others.
        target = (batch.uniform(column, "target") * np.where(known, k - 1, k)).astype(np.int64)
        target += known & (target >= codes)
        hit = (batch.uniform(column) < level) & (codes >= 0)
        changed[column.name] = batch.with_categories(column, target, hit)
    return changed


def _swappable(scale: TableScale) -> tuple[CategoricalScale, ...]:
    return tuple(column for column in scale.mutable_categorical if len(column.categories) > 1)


table_corruptions.register("category_swap")(
    TableCorruption(
        name="category_swap",
        definition="Each categorical cell takes, with the probability of the level, another known category at random.",
        unit="share of the cells of each categorical column",
        levels=SHARES,
        obstacle=lambda scale: "" if _swappable(scale) else "it has no column with two known categories to swap",
        run=category_swap,
    )
)
