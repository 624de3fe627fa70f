"""Which rows are drawn when an exact share of them must go, and names in random order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._random import priority, uniforms

Rows = NDArray[np.int64]


def shuffled(names: list[str], *key: object) -> list[str]:
    """Return names in a random order that depends on the key and each name alone."""
    return sorted(names, key=lambda name: priority(*key, name))


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
