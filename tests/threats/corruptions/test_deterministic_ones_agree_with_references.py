"""Corruptions without chance agree with imagecorruptions, Pillow, scikit-image and scipy within 1/255 everywhere."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

from efficienttrust.threats.corruptions import SEVERITIES, TABLES, corrupt
from efficienttrust.threats.corruptions.images.catalogue import (
    brightness,
    contrast,
    defocus_blur,
    gaussian_blur,
    jpeg_compression,
    pixelate,
    saturate,
    zoom_blur,
)
from tests.threats.corruptions.references import as_levels, as_tensor, peer, pictures, quietly

DETERMINISTIC = (
    "brightness",
    "contrast",
    "defocus_blur",
    "jpeg_compression",
    "pixelate",
    "saturate",
    "zoom_blur",
)


@pytest.mark.parametrize("side", [32, 224])
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_agrees_with_imagecorruptions(name: str, side: int) -> None:
    theirs = getattr(peer(), name)
    from PIL import Image

    levels = pictures(4 if side == 32 else 1, side, side)
    for severity in SEVERITIES if side == 32 else (1, 5):
        expected = np.stack([np.uint8(quietly(theirs, Image.fromarray(picture), severity)) for picture in levels])
        ours = as_levels(corrupt(as_tensor(levels), name, severity, table="imagenet"))
        assert np.abs(ours - expected).max() <= 1, severity


def _value_channel(picture: np.ndarray, added: float) -> np.ndarray:
    from skimage import color

    hsv = color.rgb2hsv(picture / 255.0)
    hsv[..., 2] = np.clip(hsv[..., 2] + added, 0, 1)
    return color.hsv2rgb(hsv) * 255


def _saturation_channel(picture: np.ndarray, constants: tuple[float, float]) -> np.ndarray:
    from skimage import color

    hsv = color.rgb2hsv(picture / 255.0)
    hsv[..., 1] = np.clip(hsv[..., 1] * constants[0] + constants[1], 0, 1)
    return color.hsv2rgb(hsv) * 255


def _about_the_mean(picture: np.ndarray, kept: float) -> np.ndarray:
    mean = picture.mean((0, 1), keepdims=True)
    return np.clip((picture - mean) * kept + mean, 0, 255)


def _disc(picture: np.ndarray, constants: tuple[float, float]) -> np.ndarray:
    cv2 = pytest.importorskip("cv2")
    radius, sigma = constants
    reach, side = (8, 3) if radius <= 8 else (int(radius), 5)
    x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    kernel = (x**2 + y**2 <= radius**2).astype(np.float32)
    kernel = cv2.GaussianBlur(kernel / kernel.sum(), (side, side), sigma)
    return np.clip(cv2.filter2D(picture / 255.0, -1, kernel), 0, 1) * 255


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    from skimage.filters import gaussian

    return gaussian(picture / 255.0, sigma=sigma, channel_axis=-1) * 255


def _zoomed(picture: np.ndarray, constants: tuple[float, float]) -> np.ndarray:
    from scipy.ndimage import zoom

    height, width = picture.shape[:2]
    factors = np.arange(1, *constants)
    total = picture / 255.0
    for factor in factors:
        rows, columns = int(np.ceil(height / factor)), int(np.ceil(width / factor))
        top, left = (height - rows) // 2, (width - columns) // 2
        enlarged = zoom(picture[top : top + rows, left : left + columns] / 255.0, (factor, factor, 1), order=1)
        total = total + enlarged[:height, :width]
    return total / (len(factors) + 1) * 255


def _through_a_file(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _shrunk_and_enlarged(picture: np.ndarray, share: float) -> np.ndarray:
    from PIL import Image

    height, width = picture.shape[:2]
    small = Image.fromarray(picture).resize((int(width * share), int(height * share)), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BOX))


@pytest.mark.parametrize("size", [(32, 32), (27, 45)])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("name", "reference", "constants"),
    [
        ("brightness", _value_channel, brightness.ADDED),
        ("saturate", _saturation_channel, saturate.SCALE_AND_SHIFT),
        ("contrast", _about_the_mean, contrast.KEPT),
        ("defocus_blur", _disc, defocus_blur.RADIUS_AND_EDGE),
        ("gaussian_blur", _blurred, gaussian_blur.SIGMA),
        ("zoom_blur", _zoomed, zoom_blur.ZOOMS),
        ("jpeg_compression", _through_a_file, jpeg_compression.QUALITY),
        ("pixelate", _shrunk_and_enlarged, pixelate.SHRINK),
    ],
)
def test_agrees_with_the_definition_for_both_tables(name, reference, constants, table, size) -> None:
    pytest.importorskip("skimage")
    pytest.importorskip("PIL")
    levels = pictures(4, *size)
    for severity in SEVERITIES:
        expected = np.stack([np.uint8(reference(picture, constants[table][severity - 1])) for picture in levels])
        ours = as_levels(corrupt(as_tensor(levels), name, severity, table=table))
        assert np.abs(ours - expected).max() <= 1, severity


@pytest.mark.parametrize("size", [(224, 224), (96, 72)])
def test_gaussian_blur_agrees_with_scikit_image_on_large_images(size) -> None:
    pytest.importorskip("skimage")
    levels = pictures(1, *size)
    for severity, sigma in zip(SEVERITIES, gaussian_blur.SIGMA["imagenet"], strict=True):
        ours = corrupt(as_tensor(levels), "gaussian_blur", severity, table="imagenet")
        np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy() * 255, _blurred(levels[0], sigma), atol=1e-3)


def test_grey_pictures_agree_with_pillows_grey_jpeg() -> None:
    pytest.importorskip("PIL")
    levels = pictures(3, 40, 24, channels=1)
    for severity, quality in zip(SEVERITIES, jpeg_compression.QUALITY["imagenet"], strict=True):
        expected = np.stack([_through_a_file(picture[..., 0], quality) for picture in levels])[..., None]
        ours = as_levels(corrupt(as_tensor(levels), "jpeg_compression", severity, table="imagenet"))
        np.testing.assert_array_equal(ours, expected)
