"""What the loaders yield, and which corruptions the published sets hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError

COMMON: Final = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The 15 corruptions over which the mean corruption error is taken."""

EXTRA: Final = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 that are kept for validation."""

SEVERITIES: Final = (1, 2, 3, 4, 5)


class Images(Protocol):
    """Images that are read when sliced."""

    def __len__(self) -> int:
        """Return how many images there are."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]:
        """Return uint8 [m, C, H, W]."""
        ...


class CorruptedImages(NamedTuple):
    """A test set under one corruption at one severity.

    Attributes:
        name: Name of the corruption.
        severity: 1 (mild) to 5 (strong).
        images: n images; `images[a:b]` is uint8 [b - a, C, H, W].
        labels: [n] int64.
    """

    name: str
    severity: int
    images: Images
    labels: NDArray[np.int64]


def checked_request(
    folder: str | Path, names: Sequence[str] | None, severities: Iterable[int]
) -> tuple[Path, tuple[str, ...], tuple[int, ...]]:
    """Return the folder, the names (by default `COMMON`) and the severities asked for; raises `UsageError`."""
    place = Path(folder)
    if not place.is_dir():
        raise UsageError(f"{place} is not a folder; give the folder that the archive of the set unpacks to")
    if isinstance(names, str):
        raise UsageError(f"names must be a list of names, not the text {names!r}: write names=[{names!r}]")
    wanted = tuple(severities)
    for severity in wanted:
        if severity not in SEVERITIES:
            raise UsageError(f"severity must be a whole number from 1 to 5, not {severity}")
    return place, COMMON if names is None else tuple(names), wanted


def missing(what: Path, others: Iterable[str]) -> UsageError:
    """Build the error for a part of a set that is not there, with what is there instead."""
    found = ", ".join(sorted(others)) or "nothing"
    return UsageError(f"{what} is missing; the folder holds {found}. Unpack the whole set, or ask for one of these")
