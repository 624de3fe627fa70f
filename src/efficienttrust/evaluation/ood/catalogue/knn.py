"""Distance to the k-th nearest fit row (Sun et al. 2022)."""

from __future__ import annotations

from typing import Final

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors

CELLS: Final = 8_000_000
"""Similarities held at a time: 32 MB in float32."""
TILE: Final = 40
"""Similarities of which only the largest takes part in the search for a bound."""


@detectors.register("knn")
class NearestNeighbours(Detector):
    """Negative Euclidean distance to the k-th nearest fit row, all rows scaled to length 1.

    Similarities are matrix products in the precision of the features, over blocks of rows whose size bounds the memory;
    the distance to the neighbour that was found is then taken exactly, in float64.

    Args:
        k: Which neighbour; the source takes 50 for 50,000 fit rows. At most the number of fit rows.
    """

    name = "knn"
    definition = "Negative distance to the k-th nearest fit row, features scaled to length 1 (Sun et al. 2022)."
    needs = frozenset({"features"})

    def __init__(self, k: int = 50) -> None:
        if k < 1:
            raise UsageError(f"k of knn must be 1 or more, not {k}")
        self.k = k

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        self._bank = _unit_rows(features)
        self._nth = min(self.k, len(features))
        if self._nth < self.k:
            self.notes = (f"knn: k is {self._nth}, as there are no more fit rows",)

    def _score(self, features: Array, logits: Floats) -> Floats:
        rows = _unit_rows(features)
        step = max(1, CELLS // len(self._bank))
        parts = [self._distance(rows[start : start + step]) for start in range(0, len(rows), step)]
        return -np.concatenate(parts)

    def _distance(self, rows: Array) -> Floats:
        neighbour = _kth_largest(rows @ self._bank.T, self._nth)
        distance: Floats = np.linalg.norm(rows.astype(np.float64) - self._bank[neighbour], axis=1)
        return distance


def _kth_largest(values: Array, k: int) -> Array:
    """Return the column of the k-th largest value of each row.

    The k-th largest of the maxima of strided tiles is a bound that at least k values reach, and few more; only those
    are sorted. That takes a tenth of the time of a partition of all values.
    """
    rows, width = values.shape
    tile = max(1, min(TILE, width // k))
    maxima = values[:, : width // tile * tile].reshape(rows, tile, -1).max(axis=1)
    position = maxima.shape[1] - k
    bound = np.partition(maxima, position, axis=1)[:, position]
    found = np.flatnonzero(values >= bound[:, None])
    row = found // width
    order = np.lexsort((-values.ravel()[found], row))
    first = np.searchsorted(row, np.arange(rows))
    column: Array = found[order[first + k - 1]] % width
    return column


def _unit_rows(features: Array) -> Array:
    """Return the rows scaled to length 1; a row of zeros stays one."""
    length = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    return (features / np.where(length > 0, length, 1.0)[:, None]).astype(features.dtype)
