"""Random fields, one stream per row: the result of a row depends on no other row, on no batch and on no device."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF  # the Mersenne twister of torch is seeded with 32 bits
_ODD = 0x9E3779B1  # an odd factor maps rows to seeds one to one, so two rows of a set never share a stream


class RowStreams:
    """Independent random streams for the rows of a batch.

    Each call draws one field per row. Fields are drawn on the CPU and then moved, so CPU and CUDA see the same numbers.

    Args:
        key: What the streams belong to; another key gives other numbers.
        rows: Number of each row in its data set, 0 to 2^32 - 1.
        device: Where the fields are wanted.
    """

    def __init__(self, key: str, rows: Sequence[int], device: torch.device | str = "cpu") -> None:
        self._key = key
        self._rows = rows
        self._device = device
        self._calls = 0
        self._source = torch.Generator()

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal fields [n, *shape]."""
        return self._fill(shape, lambda field, source: field.normal_(generator=source))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Draw fields [n, *shape], uniform in [low, high)."""
        return self._fill(shape, lambda field, source: field.uniform_(low, high, generator=source))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Draw int64 fields [n, *shape], uniform over low, ..., high - 1."""
        return self._fill(shape, lambda field, source: field.random_(low, high, generator=source), torch.int64)

    def _fill(
        self,
        shape: tuple[int, ...],
        draw: Callable[[Tensor, torch.Generator], Tensor],
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        base = zlib.crc32(f"{self._key} {self._calls}".encode())
        self._calls += 1
        fields = torch.empty(len(self._rows), *shape, dtype=dtype)
        for field, row in zip(fields, self._rows, strict=True):
            draw(field, self._source.manual_seed((base + row * _ODD) & _MASK))
        return fields.to(self._device)
