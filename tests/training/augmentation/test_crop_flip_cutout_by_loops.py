"""Crops, flips and cut-outs are, image by image, what a loop over all that could have been drawn finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.training.augmentation import augment


def images(n: int, height: int = 16, width: int = 16) -> torch.Tensor:
    return torch.rand(n, 2, height, width, generator=torch.Generator().manual_seed(1))


def drawn(x: torch.Tensor, name: str, strength: float, seed: int = 0) -> torch.Tensor:
    return augment(x, {name: strength}, torch.Generator().manual_seed(seed)).images


@pytest.mark.parametrize(("strength", "reach"), [(1.0, 2), (0.5, 1)])
def test_every_crop_is_a_window_of_the_reflected_image_and_all_are_equally_likely(strength, reach):
    x = images(1, 16, 20)
    extended = np.pad(x[0].numpy(), ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
    windows = [
        extended[:, i : i + 16, j : j + 20].tobytes() for i in range(2 * reach + 1) for j in range(2 * reach + 1)
    ]
    found = [image.numpy().tobytes() for image in drawn(x.expand(4000, -1, -1, -1), "crop", strength)]
    counts = np.array([found.count(window) for window in windows])
    assert counts.sum() == 4000
    expected = 4000 / len(windows)
    assert ((counts - expected) ** 2 / expected).sum() < len(windows) - 1 + 5 * (2 * len(windows)) ** 0.5


def test_weak_crops_that_reach_no_pixel_change_nothing():
    x = images(10)
    assert torch.equal(drawn(x, "crop", 0.2), x)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_flips_mirror_the_stated_share_of_images(strength):
    x = images(4000, 4, 5)
    y = drawn(x, "flip", strength)
    flipped = torch.tensor([torch.equal(b, a.flip(2)) for a, b in zip(x, y, strict=True)])
    assert all(torch.equal(b, a.flip(2) if f else a) for a, b, f in zip(x, y, flipped, strict=True))
    assert abs(float(flipped.float().mean()) - strength / 2) < 4 * (0.25 / 4000) ** 0.5


@pytest.mark.parametrize(("strength", "side"), [(1.0, 8), (0.5, 4), (0.4, 3)])
def test_cutouts_hide_a_clipped_square_around_a_pixel_drawn_evenly(strength, side):
    x = images(1)
    mean = x.mean((2, 3))[0]
    squares = {}
    for row in range(16):
        for column in range(16):
            image = x[0].clone()
            top, left = row - side // 2, column - side // 2
            image[:, max(top, 0) : top + side, max(left, 0) : left + side] = mean[:, None, None]
            squares.setdefault(image.numpy().tobytes(), []).append((row, column))
    found = [image.numpy().tobytes() for image in drawn(x.expand(3000, -1, -1, -1), "cutout", strength)]
    assert set(found) <= set(squares)
    assert len(set(found)) > 0.95 * len(squares)
