"""The images of a split: bytes on disk or in memory, turned into numbers when a batch is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WHITE = 255


class Pixels:
    """A selection of the images of a source, in [0, 1].

    Nothing is copied or converted before it is asked for, so a set may be larger than memory.

    Args:
        source: uint8 [N, C, H, W], in memory or memory-mapped.
        rows: int64 [n] positions in the source.
    """

    def __init__(self, source: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self._source, self._rows = source, rows

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self._source.shape[1:]
        return int(channels), int(height), int(width)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return the images at these positions (a slice or int64 [m]), float32 [m, C, H, W] in [0, 1]."""
        return np.divide(self.levels(rows), np.float32(WHITE), dtype=np.float32)

    def levels(self, rows: Any) -> NDArray[np.uint8]:
        """Return the images at these positions as they are stored, uint8 [m, C, H, W]."""
        return np.asarray(self._source[self._rows[rows]])

    def take(self, rows: NDArray[np.int64]) -> Pixels:
        """Return a selection of these images; nothing is copied."""
        return Pixels(self._source, self._rows[rows])
