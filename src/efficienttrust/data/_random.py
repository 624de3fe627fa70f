"""Random numbers that belong to a row: functions of a key and the row's number, whatever rows stand beside it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def uniforms(rows: NDArray[np.integer[Any]], *key: object) -> NDArray[np.float64]:
    """Return one number per row in the open interval (0, 1); other keys give independent ones.

    Args:
        rows: Number of each row, 0 or more, or any other 64 bits that name it.
        key: Anything with a text of its own: a seed, a name.

    References:
        The mixing step is SplitMix64 (Steele, Lea and Flood 2014), here applied to the row's number under two keys.
    """
    first, second = _words(key)
    bits = _mix(_mix(rows.astype(np.uint64) ^ np.uint64(first)) + np.uint64(second))
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
