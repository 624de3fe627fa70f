"""Pictures to corrupt, random fields to inject, and the peer."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from efficienttrust.threats.corruptions import RowStreams


def peer() -> ModuleType:
    """Return the module of imagecorruptions with its functions; skips where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources and moved scipy names
        pytest.importorskip("imagecorruptions")
        from imagecorruptions import corruptions

    assert isinstance(corruptions, ModuleType)
    return corruptions


def quietly(function, *args):
    """Call a function of the peer, whose warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args)


def pictures(n: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Draw 8-bit pictures [n, H, W, C]: smooth ones, and from the third on one of pure noise and one plain grey."""
    generator = torch.Generator().manual_seed(seed)
    knots = torch.randn(n, channels, height // 8 + 3, width // 8 + 3, generator=generator)
    knots = 0.5 * knots + 0.8 * knots.mean(1, keepdim=True)
    smooth = torch.nn.functional.interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
    levels = (128 + 75 * smooth + 6 * torch.randn(smooth.shape, generator=generator)).clamp(0, 255)
    if n > 2:
        levels[2] = torch.rand(levels[2].shape, generator=generator) * 255.99
    if n > 3:
        levels[3] = 128.0
    return levels.permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()


def as_tensor(levels: np.ndarray) -> Tensor:
    """Return 8-bit pictures as our input."""
    return torch.from_numpy(levels).permute(0, 3, 1, 2).contiguous().float() / 255


def as_levels(images: Tensor) -> np.ndarray:
    """Return our output cut to 8 bits, as the original scripts do; the slack takes up single precision."""
    return np.floor(images.permute(0, 2, 3, 1).double().numpy() * 255 + 1e-3)


class FixedStreams(RowStreams):
    """Streams that return given fields, in order."""

    def __init__(self, *fields: Tensor) -> None:
        super().__init__("fixed", range(len(fields[0])))
        self._fields = list(fields)

    def _next(self, shape: tuple[int, ...]) -> Tensor:
        field = self._fields.pop(0)
        assert tuple(field.shape[1:]) == shape
        return field.clone()

    def normal(self, *shape: int) -> Tensor:
        return self._next(shape)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        field = self._next(shape)
        assert bool(((field >= low) & (field <= high)).all())
        return field

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        field = self._next(shape)
        assert bool(((field >= low) & (field < high)).all())
        return field
