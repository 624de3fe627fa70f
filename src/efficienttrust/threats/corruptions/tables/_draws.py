"""Random numbers that belong to a row: functions of a key and the row's label, whatever rows stand beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def row_labels(index: pd.Index) -> NDArray[np.uint64]:
    """Return one well-mixed 64-bit number per index label, the same in every process."""
    import pandas as pd

    return np.asarray(pd.util.hash_pandas_object(index, index=False), dtype=np.uint64)


def uniforms(labels: NDArray[np.uint64], *key: object) -> NDArray[np.float64]:
    """Return one number per row in the open interval (0, 1); other keys give independent ones.

    References:
        The mixing step is SplitMix64 (Steele, Lea and Flood 2014), here applied to the label under two keys.
    """
    first, second = _words(key)
    bits = _mix(_mix(labels ^ np.uint64(first)) + np.uint64(second))
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def priority(*key: object) -> int:
    """Return the whole number by which things are put into random order, one key each."""
    return _words(key)[0]


def _words(key: tuple[object, ...]) -> tuple[int, int]:
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
