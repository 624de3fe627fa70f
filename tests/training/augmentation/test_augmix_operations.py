"""The operations of AugMix agree with Pillow's, and the mixture is what the paper says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from efficienttrust.training.augmentation import _operations as operations
from efficienttrust.training.augmentation import augment
from efficienttrust.training.augmentation.catalogue import augmix


def pictures(n: int = 6, height: int = 24, width: int = 20) -> np.ndarray:
    """Uint8 [n, 3, H, W]: waves of several contrasts, one of a single value, one of two values, one of noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / 10
    waves = [np.sin(y * f + x / f + c) for f in (0.5, 1.0, 2.0) for c in range(3)]
    smooth = np.array(waves).reshape(3, 3, height, width) * [[[[20]]], [[[60]]], [[[110]]]] + 128
    flat = np.full((1, 3, height, width), 77.0)
    two = np.where(rng.random((1, 3, height, width)) < 0.1, 30.0, 200.0)
    noise = rng.integers(0, 256, (n - 5, 3, height, width))
    return np.concatenate([smooth, flat, two, noise]).astype(np.uint8)


def by_pillow(operation, images: np.ndarray) -> np.ndarray:
    converted = [np.asarray(operation(Image.fromarray(image.transpose(1, 2, 0)))) for image in images]
    return np.stack(converted).transpose(0, 3, 1, 2)


def levels(images: torch.Tensor) -> np.ndarray:
    return (images * 255).round().numpy().astype(np.uint8)


def as_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).float() / 255


def test_equalise_is_pillows():
    images = pictures()
    np.testing.assert_array_equal(levels(operations.equalise(as_input(images))), by_pillow(ImageOps.equalize, images))


def test_autocontrast_is_pillows_up_to_rounding():
    images = pictures()
    found = levels(operations.autocontrast(as_input(images))).astype(int)
    assert np.abs(found - by_pillow(ImageOps.autocontrast, images)).max() <= 1


@pytest.mark.parametrize("bits", [1, 3, 4])
def test_posterise_is_pillows(bits):
    images = pictures()
    found = operations.posterise(as_input(images), torch.full((len(images),), bits))
    np.testing.assert_array_equal(levels(found), by_pillow(lambda image: ImageOps.posterize(image, bits), images))


@pytest.mark.parametrize("threshold", [100, 200])
def test_solarise_is_pillows(threshold):
    images = pictures()
    found = operations.solarise(as_input(images), torch.full((len(images),), (threshold - 0.5) / 255))
    np.testing.assert_array_equal(levels(found), by_pillow(lambda image: ImageOps.solarize(image, threshold), images))


@pytest.mark.parametrize("degrees", [-17.0, 9.0])
def test_rotation_is_pillows_away_from_the_border(degrees):
    images = pictures()[:3]
    found = operations.warp(as_input(images), operations.rotation(torch.full((3,), degrees)))
    wanted = by_pillow(lambda image: image.rotate(degrees, resample=Image.Resampling.BILINEAR), images)
    inner = (slice(None), slice(None), slice(7, -7), slice(7, -7))
    assert np.abs(levels(found)[inner].astype(int) - wanted[inner]).max() <= 2


def test_shifts_by_whole_pixels_move_pixels_and_leave_black():
    x = as_input(pictures())
    moved = operations.warp(x, operations.shift_across(torch.full((len(x),), 3.0)))
    torch.testing.assert_close(moved[..., :-3], x[..., 3:], atol=1e-5, rtol=0)
    assert moved[..., -3:].abs().max() < 1e-5
    moved = operations.warp(x, operations.shift_down(torch.full((len(x),), -2.0)))
    torch.testing.assert_close(moved[:, :, 2:], x[:, :, :-2], atol=1e-5, rtol=0)
    assert moved[:, :, :2].abs().max() < 1e-5


@pytest.mark.parametrize(("make", "swap"), [(operations.shear_across, False), (operations.shear_down, True)])
def test_shears_are_pillows_away_from_the_border(make, swap):
    images = pictures(height=24, width=24)[:3]
    found = levels(operations.warp(as_input(images), make(torch.full((3,), 0.2)))).astype(int)
    # Pillow shears about the corner: (x + 0.2 y, y), so that the centre has to be shifted back.
    across = (1, 0.2, -0.2 * 12, 0, 1, 0)
    down = (1, 0, 0, 0.2, 1, -0.2 * 12)
    wanted = by_pillow(
        lambda image: image.transform(
            image.size, Image.Transform.AFFINE, down if swap else across, Image.Resampling.BILINEAR
        ),
        images,
    )
    inner = (slice(None), slice(None), slice(5, -5), slice(5, -5))
    assert np.abs(found[inner] - wanted[inner]).max() <= 2


def test_a_share_of_the_images_is_mixed():
    x = torch.rand(2000, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    y = augment(x, {"augmix": 0.3}, torch.Generator().manual_seed(1)).images
    changed = (y != x).flatten(1).any(1).float().mean()
    assert 0.25 < changed < 0.33


def test_chain_weights_are_dirichlet():
    weights = augmix._simplex(torch.rand(3, 50_000, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(weights.sum(0), torch.ones(50_000))
    torch.testing.assert_close(weights.mean(1), torch.full((3,), 1 / 3), atol=0.005, rtol=0)
    torch.testing.assert_close(weights.var(1), torch.full((3,), 1 / 18), atol=0.002, rtol=0)  # 1/3 · 2/3 / 4
    assert augmix._simplex(torch.zeros(3, 2)).isfinite().all()


def test_mixture_equals_a_loop_over_images(monkeypatch):
    """With operations that say what they did, written out one image at a time from the same draws."""
    n = 40
    x = torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    record = {}
    monkeypatch.setattr(augmix, "_operate", lambda images, kinds, levels, signs: operate(images, kinds, levels, signs))

    def operate(images, kinds, levels, signs):
        step = len(record)
        record[step] = kinds
        done = torch.where(
            (kinds >= 0)[:, None, None, None], (images + (kinds + 1)[:, None, None, None] / 10) / 2, images
        )
        return done.clone()

    y = augment(x, {"augmix": 1.0}, torch.Generator().manual_seed(1)).images
    draws = torch.Generator().manual_seed(1)
    torch.rand(n, generator=draws)  # which images: all
    own, uniforms = torch.rand(n, generator=draws), torch.rand(3, n, generator=draws)
    depth = torch.randint(3, (3, n), generator=draws) + 1
    kinds = torch.randint(9, (3, 3, n), generator=draws)
    for i in range(n):
        exponential = -torch.log1p(-uniforms[:, i])
        mixed = torch.zeros_like(x[i])
        for chain in range(3):
            image = x[i]
            for step in range(int(depth[chain, i])):
                image = (image + (int(kinds[step, chain, i]) + 1) / 10) / 2
            mixed += exponential[chain] / exponential.sum() * image
        torch.testing.assert_close(y[i], own[i] * x[i] + (1 - own[i]) * mixed, atol=1e-5, rtol=1e-5)
    assert len(record) == 3
