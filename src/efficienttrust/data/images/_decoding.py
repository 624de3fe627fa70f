"""From one encoded image to uint8 pixels [C, H, W]."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.images._files import Archives, ImageFile

if TYPE_CHECKING:
    from PIL.Image import Image

MODES = {1: "L", 3: "RGB"}
SPARE = 4
"""A JPEG is decoded at no less than so many times the wanted size: its own coarse scaling then moves pixels by a
fraction of a level (0.3 of 255 on average at the most detail; at twice the size it was 1.2)."""


@dataclass(frozen=True)
class Form:
    """What decoded images look like.

    Attributes:
        channels: 1 (grey) or 3 (red, green, blue).
        size: (height, width) in pixels; `None` keeps the size of the file.
        short_side: With it, the image is scaled until its shorter side has so many pixels, and `size` is cut from the
            centre; without, it is scaled to `size` whatever its proportions.
    """

    channels: int
    size: tuple[int, int] | None = None
    short_side: int | None = None

    def __post_init__(self) -> None:
        if self.channels not in MODES:
            raise ValueError(f"images have 1 or 3 channels, not {self.channels}")
        if self.short_side is not None and (self.size is None or max(self.size) > self.short_side):
            raise ValueError(f"a cut of {self.size} does not fit into a shorter side of {self.short_side} pixels")


def decode(file: ImageFile, form: Form, archives: Archives) -> NDArray[np.uint8]:
    """Return pixels, uint8 [C, H, W]; scaling is bilinear over the covered area, 16 bits become the upper 8.

    Raises one of `DAMAGE` when the file is broken.
    """
    with _opened(file, archives) as image:
        target = form.size and _scaled_size(image, form)
        if target is not None:
            image.draft(MODES[form.channels], (SPARE * target[1], SPARE * target[0]))
        flat = _flat(image, MODES[form.channels])
        if target is not None and flat.size != (target[1], target[0]):
            flat = flat.resize((target[1], target[0]), _bilinear())
        if form.short_side is not None:
            flat = _centre(flat, form)
        pixels = np.asarray(flat)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def size_of(file: ImageFile, archives: Archives) -> tuple[int, int]:
    """Return (height, width) from the header of a file; raises one of `DAMAGE` when that is broken."""
    with _opened(file, archives) as image:
        return image.height, image.width


def _opened(file: ImageFile, archives: Archives) -> Image:
    from PIL import Image

    try:
        return Image.open(file.path if file.member is None else io.BytesIO(archives.read(file)))
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"it has more than the {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels that are decoded; scale it down first"
        ) from error


def _scaled_size(image: Image, form: Form) -> tuple[int, int]:
    """Return (height, width) to scale to."""
    assert form.size is not None
    if form.short_side is None:
        return form.size
    short = min(image.height, image.width)
    return image.height * form.short_side // short, image.width * form.short_side // short


def _flat(image: Image, mode: str) -> Image:
    from PIL import Image

    if image.mode.startswith("I"):  # Pillow would cut off at 255 instead of dropping the lower bits
        values: NDArray[Any] = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its pixels have more than 16 bits")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert(mode)
    if image.mode == "F":
        raise ValueError("its pixels are fractions, whose range is not known")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _centre(image: Image, form: Form) -> Image:
    assert form.size is not None
    height, width = form.size
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    return image.crop((left, top, left + width, top + height))


def _bilinear() -> Any:
    from PIL import Image

    return Image.Resampling.BILINEAR
