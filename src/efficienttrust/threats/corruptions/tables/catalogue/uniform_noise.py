"""Uniform noise: rounding and coarse readings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import TableCorruption, table_corruptions, without_numbers
from efficienttrust.threats.corruptions.tables._noise import NOISE_LEVELS, NOISE_UNIT

if TYPE_CHECKING:
    import pandas as pd


def uniform_noise(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Add U(-a, a) to every cell, a = sqrt(3) times the level, so that the level is the standard deviation."""
    return {
        column.name: batch.with_numbers(
            column, batch.numbers(column) + np.sqrt(3.0) * level * column.std * (2.0 * batch.uniform(column) - 1.0)
        )
        for column in batch.scale.mutable_numeric
    }


table_corruptions.register("uniform_noise", "uniform")(
    TableCorruption(
        name="uniform_noise",
        definition=(
            "Every numeric cell gets independent uniform noise with the standard deviation of the Gaussian noise of "
            "the same severity (rounded where the column is whole)."
        ),
        unit=NOISE_UNIT,
        levels=NOISE_LEVELS,
        obstacle=without_numbers,
        run=uniform_noise,
    )
)
