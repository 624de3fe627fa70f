"""Corruptions: what goes wrong with data without an adversary, at five severities.

`corrupt` applies one corruption of ImageNet-C (Hendrycks and Dietterich 2019; all 15 and the 4 extra ones) to a batch
of images of any size from 8 x 8. The constants of a severity come from a table: `cifar` holds those of CIFAR-10-C,
`imagenet` those of ImageNet-C, and `auto` takes the first for images of up to 64 pixels; `corruption` returns the
choice with its reason. Every row draws from random streams of its own, keyed by (seed, name, severity, row), so that
the result of a row depends on neither the batch it came in nor the device. Results are not rounded to 8 bits, as the
official images are.

A corruption is a function from (images, severity, generator, table) to images; registering one is enough to add it.
`generator` is a `RowStreams`: ask it for random fields, one per row. Corruptions of tables are in
`corruptions.tables`.

    >>> import torch
    >>> from efficienttrust.threats.corruptions import RowStreams, corrupt, image_corruptions
    >>> photos = torch.rand(4, 3, 32, 32)
    >>> corrupt(photos, "gaussian_noise", 3, seed=7).shape
    torch.Size([4, 3, 32, 32])

    >>> @image_corruptions.register("dead_rows")
    ... def dead_rows(images, severity, generator, table):
    ...     '''Rows of a sensor that stay black.'''
    ...     alive = generator.uniform(0.0, 1.0, images.shape[2]) >= 0.05 * severity
    ...     return images * alive[:, None, :, None]
    >>> bool((corrupt(photos, "dead_rows", 5) <= photos).all())
    True
"""

from efficienttrust.data.corrupted import COMMON, EXTRA, SEVERITIES
from efficienttrust.threats.corruptions._corruption import (
    TABLES,
    Corruption,
    ImageCorruption,
    corrupt,
    corruption,
    image_corruptions,
)
from efficienttrust.threats.corruptions._streams import RowStreams

__all__ = [
    "COMMON",
    "EXTRA",
    "SEVERITIES",
    "TABLES",
    "Corruption",
    "ImageCorruption",
    "RowStreams",
    "corrupt",
    "corruption",
    "image_corruptions",
]
