"""Random numbers that belong to a row, and which rows are drawn when an exact share of them must go."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def uniforms(rows: Rows, *key: object) -> NDArray[np.float64]:
    """Return one number per row in the open interval (0, 1), a function of key and row number alone.

    References:
        The mixing step is SplitMix64 (Steele, Lea and Flood 2014), here applied to the row number under two keys.
    """
    first, second = _words(key)
    bits = _mix(_mix(rows.astype(np.uint64) ^ np.uint64(first)) + np.uint64(second))
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def shuffled(names: list[str], *key: object) -> list[str]:
    """Return names in a random order that depends on the key and each name alone."""
    return sorted(names, key=lambda name: _words((*key, name)))


def drawn(rows: Rows, strata: Rows, level: float, *key: object) -> NDArray[np.bool_]:
    """Return which rows [n] are drawn: the level's share of them, rounded down, spread evenly over the strata.

    The rows of a stratum stand in random order at evenly spaced places in [0, 1), and the first places of all are
    drawn. So every stratum gives its share to within the rounding, and whatever is drawn at one level is drawn at every
    higher one.

    Args:
        rows: Row numbers in the source, each once.
        strata: Code of the stratum of each row.
        level: Share, in [0, 1); at least one row is left.
        key: What the draw depends on besides the rows.
    """
    n = len(rows)
    luck = uniforms(rows, *key)
    order = np.lexsort((luck, strata))
    values, starts, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    of = np.repeat(np.arange(len(values)), sizes)
    offset = uniforms(values, *key, "stratum")
    place = np.empty(n)
    place[order] = (np.arange(n) - starts[of] + offset[of]) / sizes[of]
    chosen = np.zeros(n, dtype=bool)
    chosen[np.lexsort((luck, place))[: int(level * n + 1e-9)]] = True  # the product may fall short by rounding
    return chosen


def _words(key: tuple[object, ...]) -> tuple[int, int]:
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
