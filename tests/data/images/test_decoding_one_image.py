"""One encoded image becomes the pixels that Pillow gives by the plain road: decode, convert, scale, cut."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from efficienttrust.data.images._decoding import Form, decode, size_of
from efficienttrust.data.images._files import Archives, ImageFile

RNG = np.random.default_rng(0)


def smooth(height: int, width: int, channels: int = 3) -> Image.Image:
    """Return a picture without sharp edges, which JPEG keeps."""
    shape = (height // 10, width // 10, channels) if channels > 1 else (height // 10, width // 10)
    return Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )


def written(folder, image: Image.Image, name: str = "one.png", **options) -> ImageFile:
    image.save(folder / name, **options)
    return ImageFile(folder / name)


def decoded(file: ImageFile, **form) -> np.ndarray:
    with Archives() as archives:
        return decode(file, Form(**form), archives)


def test_lossless_files_keep_their_pixels(tmp_path):
    image = smooth(30, 50)
    assert np.array_equal(decoded(written(tmp_path, image), channels=3), np.asarray(image).transpose(2, 0, 1))
    grey = smooth(30, 50, 1)
    file = written(tmp_path, grey, "grey.png")
    assert np.array_equal(decoded(file, channels=1)[0], np.asarray(grey))
    assert np.array_equal(decoded(file, channels=3), np.repeat(np.asarray(grey)[None], 3, axis=0))
    with Archives() as archives:
        assert size_of(file, archives) == (30, 50)


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "CMYK"])
def test_every_kind_of_picture_is_converted(tmp_path, mode):
    image = smooth(20, 20).convert(mode)
    file = written(tmp_path, image, "one.tif" if mode == "CMYK" else "one.png")
    assert np.array_equal(decoded(file, channels=3), np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def test_a_palette_with_transparency_does_not_warn(tmp_path):
    file = written(tmp_path, smooth(20, 20).convert("P"), transparency=bytes(range(256)))
    assert decoded(file, channels=3).shape == (3, 20, 20)


def test_sixteen_bits_keep_the_upper_eight(tmp_path):
    values = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    assert np.array_equal(decoded(written(tmp_path, Image.fromarray(values)), channels=1)[0], values // 256)


def test_fractions_are_refused(tmp_path):
    file = written(tmp_path, Image.fromarray(np.ones((8, 8), np.float32)), "one.tif")
    with pytest.raises(ValueError, match="fractions"):
        decoded(file, channels=1)


def test_scaling_is_bilinear(tmp_path):
    image = smooth(60, 90)
    expected = image.resize((30, 20), Image.Resampling.BILINEAR)
    assert np.array_equal(
        decoded(written(tmp_path, image), channels=3, size=(20, 30)), np.asarray(expected).transpose(2, 0, 1)
    )


@pytest.mark.parametrize(("height", "width"), [(120, 301), (301, 120), (100, 100), (64, 64)])
def test_the_cut_is_in_the_middle_of_the_scaled_image(tmp_path, height, width):
    """By arithmetic: a horizontal ramp, scaled to a shorter side of 64 and cut to 56, is a ramp about the middle."""
    short = min(height, width)
    ramp = np.tile(np.linspace(0, 255, width), (height, 1)).astype(np.uint8)
    file = written(tmp_path, Image.fromarray(ramp))
    found = decoded(file, channels=1, size=(56, 56), short_side=64)[0].astype(float)
    centres = width / 2 + (np.arange(56) - 27.5) * short / 64
    expected = 255 * (centres - 0.5) / (width - 1)
    inside = (centres > short / 64) & (centres < width - short / 64)  # the ramp ends at the border
    assert found.shape == (56, 56)
    assert np.abs(found - expected)[:, inside].max() < 255 / 64  # one pixel of the scaled image


@pytest.mark.parametrize("channels", [1, 3])
def test_coarse_decoding_of_a_big_jpeg_leaves_no_trace(tmp_path, channels):
    image = smooth(1600, 2000, channels)
    file = written(tmp_path, image, "big.jpg", quality=95)
    with Image.open(file.path) as whole:
        plain = whole.resize((100, 80), Image.Resampling.BILINEAR)
    expected = np.asarray(plain).reshape(80, 100, channels).transpose(2, 0, 1).astype(float)
    difference = np.abs(decoded(file, channels=channels, size=(80, 100)) - expected)
    assert difference.mean() < 0.5
    assert difference.max() <= 4


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        Form(2)
    with pytest.raises(ValueError, match="does not fit"):
        Form(3, (64, 64), 32)
