"""Gaussian noise: an unbiased, imprecise sensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import TableCorruption, table_corruptions, without_numbers
from efficienttrust.threats.corruptions.tables._noise import NOISE_LEVELS, NOISE_UNIT

if TYPE_CHECKING:
    import pandas as pd


def gaussian_noise(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Add N(0, (level times the column's standard deviation)^2) to every cell."""
    from scipy.special import ndtri

    return {
        column.name: batch.with_numbers(
            column, batch.numbers(column) + level * column.std * ndtri(batch.uniform(column))
        )
        for column in batch.scale.mutable_numeric
    }


table_corruptions.register("gaussian_noise", "gaussian")(
    TableCorruption(
        name="gaussian_noise",
        definition="Every numeric cell gets independent Gaussian noise (rounded where the column is whole).",
        unit=NOISE_UNIT,
        levels=NOISE_LEVELS,
        obstacle=without_numbers,
        run=gaussian_noise,
    )
)
