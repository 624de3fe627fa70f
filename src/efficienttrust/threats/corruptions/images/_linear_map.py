"""Linear maps along the rows or columns of images: blurs, zooms and resizing as banded matrices.

Resampling and blurring are separable: each axis has a matrix of its own whose borders are part of it, applied to a
whole batch at once. Along the rows, where a tap is a whole row of pixels, few taps are summed by `embedding_bag`,
which reads each row once, and along the columns very few taps are gathered; else dense blocks around the band are
multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_BLOCK = 32  # outputs of one dense block
_SMALL = 64  # matrices of up to this size are multiplied whole
_TAP = 3  # what adding a tap to a row costs, in products of a dense block
_FEW = 4  # taps up to which gathering columns beats multiplying blocks


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A map from `inputs` to `outputs` pixels along one axis.

    Attributes:
        matrix: [outputs, inputs].
        places: [outputs, taps] inputs that each output reads.
        weights: [outputs, taps] their weights; 0 fills up.
        blocks: (first output, end, first input, end, that part of the matrix), covering all that is not 0.
    """

    matrix: Tensor
    places: Tensor
    weights: Tensor
    blocks: tuple[tuple[int, int, int, int, Tensor], ...]

    def along_rows(self, images: Tensor) -> Tensor:
        """Map [..., inputs, W] to [..., outputs, W]."""
        outputs, inputs = self.matrix.shape
        lead, width = images.shape[:-2], images.shape[-1]
        if _TAP * self.places.shape[1] <= max(high - low for _, _, low, high, _ in self.blocks):
            lines = images.reshape(-1, width)
            places, weights = self._bags(len(lines) // inputs, images.device)
            summed = functional.embedding_bag(places, lines, mode="sum", per_sample_weights=weights)
            return summed.view(*lead, outputs, width)
        result = images.new_empty(*lead, outputs, width)
        for start, end, low, high, part in self.blocks:
            result[..., start:end, :] = part.to(images.device) @ images[..., low:high, :]
        return result

    @lru_cache(maxsize=128)  # noqa: B019 - maps live in caches of their own
    def _bags(self, planes: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return places and weights [planes * outputs, taps] for planes stacked on each other."""
        first = torch.arange(planes)[:, None, None] * self.matrix.shape[1]
        places = (first + self.places).view(-1, self.places.shape[1])
        return places.to(device), self.weights.repeat(planes, 1).to(device)

    @lru_cache(maxsize=128)  # noqa: B019
    def _taps(self, device: torch.device) -> list[tuple[Tensor, Tensor]]:
        """Return for each tap the place and weight [outputs] that it has in every output."""
        return [
            (self.places[:, tap].clone().to(device), self.weights[:, tap].clone().to(device))
            for tap in range(self.places.shape[1])
        ]

    def along_columns(self, images: Tensor) -> Tensor:
        """Map [..., H, inputs] to [..., H, outputs]."""
        outputs, inputs = self.matrix.shape
        lines = images.reshape(-1, inputs)
        if self.places.shape[1] <= _FEW:
            return self._gathered(lines).view(*images.shape[:-1], outputs)
        result = images.new_empty(len(lines), outputs)
        for start, end, low, high, part in self.blocks:
            torch.mm(lines[:, low:high], part.to(images.device).t(), out=result[:, start:end])
        return result.view(*images.shape[:-1], outputs)

    def _gathered(self, lines: Tensor) -> Tensor:
        """Map [lines, inputs] by gathering one tap of all outputs at a time."""
        (place, weight), *others = self._taps(lines.device)
        total = lines.index_select(1, place).mul_(weight)
        for place, weight in others:
            total.addcmul_(lines.index_select(1, place), weight)
        return total


def linear_map(matrix: NDArray[Any]) -> LinearMap:
    """Prepare a matrix [outputs, inputs]; entries of exactly 0 cost nothing where they stand outside the band."""
    dense = np.ascontiguousarray(matrix, dtype=np.float32)
    outputs, inputs = dense.shape
    step = outputs if max(outputs, inputs) <= _SMALL else _BLOCK
    blocks = []
    for start in range(0, outputs, step):
        rows = dense[start : start + step]
        used = np.flatnonzero(rows.any(0))
        low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        blocks.append((start, start + len(rows), low, high, torch.from_numpy(rows[:, low:high].copy())))
    taps = max(1, int((dense != 0).sum(1).max()))
    places = np.argsort(dense == 0, axis=1, kind="stable")[:, :taps]
    weights = np.take_along_axis(dense, places, 1)
    return LinearMap(torch.from_numpy(dense), torch.from_numpy(places.copy()), torch.from_numpy(weights), tuple(blocks))


def linear_map_of(transform: Callable[[NDArray[Any]], NDArray[Any]], inputs: int) -> LinearMap:
    """Prepare the map that a linear function of columns does along its first axis: it is applied to the identity."""
    return linear_map(transform(np.eye(inputs)))


@lru_cache(maxsize=64)
def gaussian_map(size: int, sigma: float, mode: str = "nearest", truncate: float = 4.0) -> LinearMap:
    """Prepare the Gaussian filter of scipy (and scikit-image) for an axis of `size` pixels.

    Args:
        size: Pixels along the axis.
        sigma: Standard deviation, in pixels.
        mode: What stands beyond the border, as in `scipy.ndimage.gaussian_filter1d`.
        truncate: Where the kernel ends, in standard deviations.
    """
    from scipy.ndimage import gaussian_filter1d

    return linear_map_of(lambda eye: gaussian_filter1d(eye, sigma, axis=0, mode=mode, truncate=truncate), size)


def gaussian(images: Tensor, sigma: float, mode: str = "nearest", truncate: float = 4.0) -> Tensor:
    """Blur [..., H, W] by a Gaussian of `sigma` pixels, as `skimage.filters.gaussian` does."""
    rows = gaussian_map(images.shape[-2], sigma, mode, truncate)
    columns = gaussian_map(images.shape[-1], sigma, mode, truncate)
    return columns.along_columns(rows.along_rows(images))


@lru_cache(maxsize=256)
def zoom_map(size: int, factor: float) -> LinearMap:
    """Prepare the clipped zoom of ImageNet-C: the middle of an axis, enlarged by `factor` and cut back to `size`.

    Inputs are the `cropped_size(size, factor)` pixels in the middle.
    """
    from scipy.ndimage import zoom

    enlarged = zoom(np.eye(cropped_size(size, factor)), (factor, 1.0), order=1)
    cut = max(0, (len(enlarged) - size) // 2)
    return linear_map(enlarged[cut : cut + size])


def cropped_size(size: int, factor: float) -> int:
    """Return how many pixels of an axis a zoom by `factor` shows."""
    return int(np.ceil(size / float(factor)))
