"""With the same random fields, corruptions by chance give what imagecorruptions or the plain definition gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from efficienttrust.threats.corruptions import SEVERITIES, TABLES
from efficienttrust.threats.corruptions.images._linear_map import cropped_size
from efficienttrust.threats.corruptions.images._motion import motion
from efficienttrust.threats.corruptions.images.catalogue.elastic_transform import SHIFT_SMOOTHNESS_AFFINE as ELASTIC
from efficienttrust.threats.corruptions.images.catalogue.elastic_transform import SIDE, elastic_transform
from efficienttrust.threats.corruptions.images.catalogue.fog import THICKNESS_AND_DECAY, fog, fractal
from efficienttrust.threats.corruptions.images.catalogue.gaussian_noise import SCALE, gaussian_noise
from efficienttrust.threats.corruptions.images.catalogue.glass_blur import (
    SIGMA_DISTANCE_ROUNDS,
    copied_from,
    glass_blur,
)
from efficienttrust.threats.corruptions.images.catalogue.snow import CONSTANTS as SNOW
from efficienttrust.threats.corruptions.images.catalogue.snow import snow
from efficienttrust.threats.corruptions.images.catalogue.spatter import CONSTANTS as SPATTER
from efficienttrust.threats.corruptions.images.catalogue.spatter import spatter
from tests.threats.corruptions.references import FixedStreams, as_levels, as_tensor, peer, pictures, quietly


def fields(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def evenly(seed: int, low: float, high: float, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * (high - low) + low


def test_gaussian_noise_is_the_field_times_its_scale() -> None:
    images, noise = as_tensor(pictures(2, 8, 8)), fields(0, 2, 3, 8, 8)
    for severity, table in itertools.product(SEVERITIES, TABLES):
        expected = (images + SCALE[table][severity - 1] * noise).clamp(0, 1)
        torch.testing.assert_close(gaussian_noise(images, severity, FixedStreams(noise), table), expected)


@pytest.mark.parametrize("angle", [-135.0, -100.3, -45.0, -12.5, 0.0, 3.1, 30.0, 45.0])
@pytest.mark.parametrize(("radius", "sigma"), [(6, 1.0), (10, 3.0), (20, 15.0)])
def test_motion_is_that_of_imagecorruptions(angle: float, radius: int, sigma: float) -> None:
    theirs = peer()._motion_blur
    levels = pictures(1, 32, 40)
    expected = np.clip(theirs(levels[0].astype(np.float64), radius, sigma, angle), 0, 255)
    ours = motion(as_tensor(levels), radius, sigma, [angle])[0].permute(1, 2, 0).numpy() * 255
    np.testing.assert_allclose(ours, expected, atol=1e-2)


@pytest.mark.parametrize("decay", [3.0, 1.75])
def test_fractal_is_that_of_imagecorruptions(decay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = evenly(0, -1, 1, 1, 32, 32)
    theirs = peer().plasma_fractal
    monkeypatch.setattr(np, "float_", np.float64, raising=False)  # what keeps the peer from running
    order = []
    for step in (32, 16, 8, 4, 2):  # the peer draws squares, then diamonds above and beside them
        coarse, finer = slice(0, 32, step), slice(step // 2, 32, step)
        order += [noise[0, finer, finer], noise[0, coarse, finer], noise[0, finer, coarse]]
    monkeypatch.setattr(np.random, "uniform", lambda low, high, shape: high * order.pop(0).double().numpy())
    expected = theirs(32, decay)
    assert not order
    np.testing.assert_allclose(fractal(FixedStreams(noise), 32, decay)[0].numpy(), expected, atol=1e-5)


def test_fog_adds_the_fractal_and_scales_back() -> None:
    images, noise = as_tensor(pictures(2, 20, 32)), evenly(1, -1, 1, 2, 32, 32)
    for severity, table in itertools.product(SEVERITIES, TABLES):
        thickness, decay = THICKNESS_AND_DECAY[table][severity - 1]
        cloud = fractal(FixedStreams(noise), 32, decay)[:, None, :20]
        brightest = images.flatten(1).amax(1)[:, None, None, None]
        expected = ((images + thickness * cloud) * brightest / (brightest + thickness)).clamp(0, 1)
        torch.testing.assert_close(fog(images, severity, FixedStreams(noise), table), expected)


def test_snow_is_that_of_imagecorruptions(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = peer()
    from PIL import Image

    levels = pictures(2, 32, 32)
    for severity in SEVERITIES:
        mean, deviation, zoom, *_ = SNOW["imagenet"][severity - 1]
        middle = cropped_size(32, zoom)
        top = (32 - middle) // 2
        whole, angles = fields(severity, 2, 32, 32), torch.tensor([-60.0, -120.0])
        flakes = whole[:, top : top + middle, top : top + middle]
        ours = as_levels(snow(as_tensor(levels), severity, FixedStreams(flakes, angles), "imagenet"))
        for row in range(2):
            field = mean + deviation * whole[row].double().numpy()
            monkeypatch.setattr(np.random, "normal", lambda size, loc, scale, field=field: field)
            monkeypatch.setattr(np.random, "uniform", lambda low, high, angle=float(angles[row]): angle)
            expected = np.uint8(quietly(theirs.snow, Image.fromarray(levels[row]), severity))
            # The peer does not centre the enlarged flakes; where it cuts others off, the layer is shifted.
            shift = max(0, (round(middle * zoom) - 32) // 2)
            if shift == 0:
                assert np.abs(ours[row] - expected).max() <= 1
            else:
                assert abs(ours[row].mean() - expected.mean()) < 8


@pytest.mark.parametrize("severity", [4, 5])
def test_mud_is_that_of_imagecorruptions(severity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = peer()
    from PIL import Image

    levels, liquid = pictures(2, 48, 40), fields(severity, 2, 1, 48, 40)
    ours = as_levels(spatter(as_tensor(levels), severity, FixedStreams(liquid), "imagenet"))
    mean, deviation, *_ = SPATTER["imagenet"][severity - 1]
    for row in range(2):
        field = mean + deviation * liquid[row, 0].double().numpy()
        monkeypatch.setattr(np.random, "normal", lambda size, loc, scale, field=field: field)
        expected = np.uint8(quietly(theirs.spatter, Image.fromarray(levels[row]), severity))
        assert np.abs(ours[row] - expected).max() <= 1


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_water_covers_the_same_pixels_about_as_brightly(severity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outlines and distances are computed otherwise; the drops are the same, their relief nearly so."""
    theirs = peer()
    from PIL import Image

    levels, liquid = np.full((6, 64, 64, 3), 60, dtype=np.uint8), fields(severity, 6, 1, 64, 64)
    ours = as_levels(spatter(as_tensor(levels), severity, FixedStreams(liquid), "imagenet"))
    mean, deviation, *_ = SPATTER["imagenet"][severity - 1]
    expected = np.empty_like(ours)
    for row in range(6):
        field = mean + deviation * liquid[row, 0].double().numpy()
        monkeypatch.setattr(np.random, "normal", lambda size, loc, scale, field=field: field)
        expected[row] = np.uint8(quietly(theirs.spatter, Image.fromarray(levels[row]), severity))
    wet = expected.max(-1) > 60
    assert (wet == (ours.max(-1) > 60)).mean() > 0.93
    assert abs(ours[wet].mean() - expected[wet].mean()) < 12
    assert np.corrcoef(ours[..., 1].ravel(), expected[..., 1].ravel())[0, 1] > 0.75


def _copied_one_by_one(picture: np.ndarray, dx: np.ndarray, dy: np.ndarray, distance: int) -> np.ndarray:
    """Visit pixels in falling raster order, with the assignment of the original script."""
    x = picture.copy()
    height, width = x.shape[:2]
    for h in range(height - distance, distance, -1):
        for w in range(width - distance, distance, -1):
            other = h + dy[h, w], w + dx[h, w]
            x[h, w], x[other] = x[other], x[h, w]  # on arrays of pixels both sides are views: this copies
    return x


@pytest.mark.parametrize("distance", [1, 2, 4])
@pytest.mark.parametrize("size", [(8, 11), (24, 20)])
def test_copies_of_glass_are_those_of_the_loop(distance: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(distance)
    dx, dy = torch.randint(-distance, distance, (2, 5, *size), generator=generator)
    numbers = np.repeat(np.arange(size[0] * size[1]).reshape(*size, 1), 3, axis=2)
    expected = [_copied_one_by_one(numbers, dx[n].numpy(), dy[n].numpy(), distance)[..., 0].ravel() for n in range(5)]
    np.testing.assert_array_equal(copied_from(dx, dy, distance).numpy(), np.stack(expected))


@pytest.mark.parametrize("table", TABLES)
def test_glass_blur_is_that_of_the_original_script(table: str) -> None:
    gaussian = pytest.importorskip("skimage.filters").gaussian
    levels = pictures(1, 20, 24)
    for severity in SEVERITIES:
        sigma, distance, rounds = SIGMA_DISTANCE_ROUNDS[table][severity - 1]
        generator = torch.Generator().manual_seed(severity)
        moves = [torch.randint(-distance, distance, (1, 2, 20, 24), generator=generator) for _ in range(rounds)]
        # The tiny shift takes the side of single precision where a level is all but hit.
        x = np.uint8(gaussian(levels[0] / 255.0, sigma=sigma, channel_axis=-1) * 255 + 1e-4)
        for move in moves:
            x = _copied_one_by_one(x, move[0, 0].numpy(), move[0, 1].numpy(), distance)
        expected = gaussian(x / 255.0, sigma=sigma, channel_axis=-1) * 255
        ours = glass_blur(as_tensor(levels), severity, FixedStreams(*moves), table)[0].permute(1, 2, 0).numpy() * 255
        apart = np.abs(ours - expected)
        assert apart.max() < 1.01
        assert (apart > 0.01).mean() < 0.005


@pytest.mark.parametrize("table", TABLES)
def test_elastic_transform_is_that_of_the_original_script(table: str) -> None:
    cv2 = pytest.importorskip("cv2")
    gaussian = pytest.importorskip("skimage.filters").gaussian
    from scipy.ndimage import map_coordinates

    side, levels = 48, pictures(1, 48, 48)
    for severity in SEVERITIES:
        native, written = SIDE[table]
        shift, smooth, corner = (side / native * written * share for share in ELASTIC[table][severity - 1])
        shift *= side / native
        moves, field = evenly(severity, -corner, corner, 1, 3, 2), evenly(severity, -1, 1, 1, 2, side, side)
        middle, arm = side // 2, side // 3
        points = np.float32([[middle + arm, middle + arm], [middle + arm, middle - arm], [middle - arm, middle - arm]])
        matrix = cv2.getAffineTransform(points, points + moves[0].numpy())
        picture = levels[0].astype(np.float32) / 255
        bent = cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
        dx, dy = (gaussian(part.double().numpy(), smooth, mode="reflect", truncate=3) * shift for part in field[0])
        x, y, z = np.meshgrid(np.arange(side), np.arange(side), np.arange(3))
        expected = map_coordinates(bent, (y + dy[..., None], x + dx[..., None], z), order=1, mode="reflect")
        given = FixedStreams(moves, field) if shift > 0 else FixedStreams(moves)
        ours = elastic_transform(as_tensor(levels), severity, given, table)[0].permute(1, 2, 0).numpy()
        # OpenCV rounds places to 1/32 of a pixel, so a value moves by up to 1/64 of its difference to a neighbour.
        assert np.abs(ours - expected).mean() < 0.5 / 255
        assert np.abs(ours - expected).max() < 4.0 / 64
