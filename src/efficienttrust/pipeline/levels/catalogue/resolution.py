"""Resolution: images with a share of the pixels of their sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    pixels = baseline.problem.splits["train"].pixels
    if pixels is None:
        raise UsageError("level resolution: tables have no pixels; choose data for fewer rows, or width")
    _channels, height, width = pixels.shape
    return Measured(float(min(height, width)), "pixels", "shorter side of the images that the baseline read")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    side = max(1, round(share * measured.value))
    return Limited({**arguments, "resolution": side}, f"resolution={side}")


constraints.register("resolution")(
    Constraint(
        "resolution",
        "The level is a share of the pixels of a side of the images, to the nearest whole one; images are averaged "
        "over areas when they are loaded.",
        ("resolution",),
        _measure,
        _apply,
    )
)
