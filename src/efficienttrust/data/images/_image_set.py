"""The image set: pictures, labels, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """n labelled images of one size.

    Attributes:
        name: Short name, for people.
        source: What it was read from, as `load_images` takes it.
        part: `test`, `train` or `all`.
        x: Pixels, uint8 [n, C, H, W], 0 to 255; a read-only memory map where the set was decoded into the cache.
        y: Class of each image, int64 [n], 0..K-1.
        classes: Names of the classes, by code.
        groups: Code of the intersection of all attributes, int64 [n]; -1 where one is unknown.
        group_names: Names of the intersections, by code.
        attributes: Attribute name -> (codes, names).
        by_class: Whether the groups are the classes, for want of others; parity between them means nothing then.
        notes: What a reader must know, one line each.
        fingerprint: sha256 over classes, pixels, labels and attributes: the same wherever the files lie. It is computed
            in chunks, so that a memory map is read once and never copied.
        settings: Keyword arguments with which `load_images(source, **settings)` loads it again, unless it was made from
            a data set in memory.
        unit: Code of what must not be divided between splits (the patient), int64 [n]; `None` where each image stands
            alone. Codes are dense within this set and mean nothing outside it.
        split: Official split of each image, texts `train`, `validate` or `test`, [n]; `None` where there is none.
    """

    name: str
    source: str
    part: str
    x: NDArray[np.uint8]
    y: Codes
    classes: tuple[str, ...]
    groups: Codes
    group_names: tuple[str, ...]
    attributes: Mapping[str, tuple[Codes, tuple[str, ...]]]
    by_class: bool
    notes: tuple[str, ...]
    fingerprint: str
    settings: Mapping[str, object] = field(default_factory=dict)
    unit: Codes | None = None
    split: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.x.shape[1:]))
        return f"ImageSet({self.name!r}: {len(self)} images of {size}, {len(self.classes)} classes)"
