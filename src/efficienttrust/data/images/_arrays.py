"""From arrays of any layout and type to uint8 pixels [n, C, H, W] and class codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.images._reading import Array
from efficienttrust.errors import UsageError

CHANNELS = (1, 3, 4)
LOSSLESS = 1e-3
"""A pixel this near to a level of 0-255 is that level."""


def pixels(x: Array, where: str, notes: list[str]) -> NDArray[np.uint8]:
    """Return images as uint8 [n, C, H, W]; what was found and changed is added to `notes`.

    Args:
        x: [n, H, W], [n, H, W, C] or [n, C, H, W] with 1, 3 or 4 channels; whole numbers 0-255 or floats in [0, 1].
        where: Names the source in messages.
        notes: Is extended.

    Raises:
        UsageError: Another shape, no images, or values outside the range of pixels.
    """
    if not len(x) or x.ndim < 2 or 0 in x.shape:
        raise UsageError(f"{where} holds no images (an array of shape {list(x.shape)})")
    return np.ascontiguousarray(_channels_first(_levels(x, where, notes), where, notes))


def class_codes(
    y: Array, classes: tuple[str, ...] | None, where: str, vocabulary: Array | None = None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return (codes 0..K-1, names) of labels given as numbers, texts or one-hot rows.

    Args:
        y: Labels, [n], [n, 1], or one-hot [n, K].
        classes: Names by code, where the source has them; then `y` holds codes.
        where: Names the source in messages.
        vocabulary: Further labels of the same set, which are classes even where `y` lacks them.

    Raises:
        UsageError: Labels of another shape, a code without a name, or one class only.
    """
    flat = _flat_labels(y, where)
    if classes is not None and flat.dtype.kind in "iub":
        codes = flat.astype(np.int64)
        if codes.min() < 0 or codes.max() >= len(classes):
            code = codes.min() if codes.min() < 0 else codes.max()
            raise UsageError(f"{where} has the label {code}, but names {len(classes)} classes: 0 to {len(classes) - 1}")
        names = classes
    else:
        values = np.unique(flat if vocabulary is None else np.concatenate([flat, _flat_labels(vocabulary, where)]))
        codes = np.searchsorted(values, flat)
        names = tuple(str(value.decode() if isinstance(value, bytes) else value) for value in values.tolist())
    if len(np.unique(codes)) < 2:
        raise UsageError(f"{where} holds one class only, {names[int(codes[0])]!r}; two are needed to measure anything")
    return codes.astype(np.int64), names


def _flat_labels(y: Array, where: str) -> Array:
    """Return one label an image: one-hot rows as their position, whole floats as integers."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "iufb" and _is_one_hot(labels):
        labels = labels.argmax(axis=1)
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] != 1:
        raise UsageError(f"{where} has labels of shape {list(np.shape(y))}; give one class an image")
    flat: Array = labels[:, 0]
    if flat.dtype.kind != "f":
        return flat
    if not np.all(flat == np.rint(flat)):
        raise UsageError(f"{where} has labels such as {flat[flat != np.rint(flat)][0]}: give classes, not numbers")
    return flat.astype(np.int64)


def _levels(x: Array, where: str, notes: list[str]) -> NDArray[np.uint8]:
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "iufb":
        raise UsageError(f"{where} holds images of type {x.dtype}; give uint8 pixels or floats in [0, 1]")
    low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UsageError(f"{where} holds pixels that are not numbers")
    if low < 0 or high > 255:
        raise UsageError(
            f"{where} holds pixels from {low:.3g} to {high:.3g}: give them as 0-255 or in [0, 1], and put the "
            "normalisation into the model"
        )
    scale = 255.0 if x.dtype.kind == "b" or (x.dtype.kind == "f" and high <= 1) else 1.0
    scaled = x.astype(np.float64) * scale
    rounded = np.rint(scaled)
    if scale != 1:
        notes.append("pixels in [0, 1] were multiplied by 255")
    if (moved := float(np.abs(scaled - rounded).max())) > LOSSLESS:
        notes.append(f"pixels were rounded to whole numbers 0-255 (by {moved:.2f} at most)")
    return rounded.astype(np.uint8)


def _channels_first(x: NDArray[np.uint8], where: str, notes: list[str]) -> NDArray[np.uint8]:
    if x.ndim == 3:
        notes.append(f"images are grey, {x.shape[1]}x{x.shape[2]}")
        return x[:, None]
    if x.ndim != 4 or (x.shape[1] not in CHANNELS and x.shape[3] not in CHANNELS):
        raise UsageError(
            f"{where} holds an array of shape {list(x.shape)}: give images as [n, H, W], [n, H, W, C] or [n, C, H, W] "
            "with 1, 3 or 4 channels"
        )
    if x.shape[3] in CHANNELS:  # also where both could be: files for people keep channels last
        notes.append(f"channels were found last, {list(x.shape[1:])}")
        return x.transpose(0, 3, 1, 2)
    notes.append(f"channels were found first, {list(x.shape[1:])}")
    return x


def _is_one_hot(labels: Array) -> bool:
    return bool(np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))
