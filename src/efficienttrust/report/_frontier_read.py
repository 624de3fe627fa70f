"""What the page of a curve reads out of `frontier.json`: the axes, and the points with their values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._format import as_float, in_levels
from efficienttrust.report._read import Document, Estimate, part, read_estimate, read_target, rows

DIALS = {"lambda_fair": "λ_F", "adversarial_share": "q"}
"""Names of dials as tables show them; others stand as they are."""


@dataclass(frozen=True)
class Axis:
    """One of the quantities that are traded.

    Attributes:
        key: Key of its measurements.
        higher: Whether higher is better.
        words: The key for readers, radii of pixels in levels.
    """

    key: str
    higher: bool
    words: str

    @property
    def relation(self) -> str:
        """Return the sign of a target on this axis."""
        return ">=" if self.higher else "<="


@dataclass(frozen=True)
class CurvePoint:
    """One point of the curve.

    Attributes:
        name: Its name, as `P3`.
        number: What marks it in a drawing, as `3`.
        model: Name of the model.
        setting: Dial -> value; empty where no network was told any.
        threshold: Margin from which the model decides for the positive class; NaN where it has no threshold.
        offsets: What is added to the threshold by group.
        test: One estimate an axis, utility first.
        calibrate: One value an axis on the calibrate split; NaN where it is not told.
        size: Bytes of its file.
    """

    name: str
    number: str
    model: str
    setting: Mapping[str, float]
    threshold: float
    offsets: Sequence[float]
    test: Sequence[Estimate]
    calibrate: Sequence[float]
    size: float


def read_axes(document: Document) -> list[Axis]:
    """Return the axes, utility first."""
    said = part(document, "axes")
    image = part(document, "problem").get("kind") == "image"
    found = [Axis(str(said.get("utility") or "accuracy"), True, str(said.get("utility") or "accuracy"))]
    for role in ("fairness", "robustness"):
        if said.get(role):
            target = read_target(str(said[role]))
            words = in_levels(target.key) if image else target.key
            found.append(Axis(target.key, target.relation == "≥", words))
    return found


def read_points(document: Document, axes: Sequence[Axis]) -> list[CurvePoint]:
    """Return the points in the order of the document."""
    return [_read_point(row, index, axes) for index, row in enumerate(rows(document, "points"))]


def _read_point(row: Mapping[str, object], index: int, axes: Sequence[Axis]) -> CurvePoint:
    decision, offsets = part(row, "decision"), part(row, "decision").get("group_offsets")
    name = str(row.get("name") or f"P{index + 1}")
    return CurvePoint(
        name=name,
        number=name.removeprefix("P"),
        model=str(row.get("model") or ""),
        setting={str(dial): as_float(value) for dial, value in part(row, "setting").items()},
        threshold=as_float(decision.get("threshold")),
        offsets=[as_float(one) for one in offsets] if isinstance(offsets, list | tuple) else [],
        test=[read_estimate(part(row, "test").get(axis.key)) for axis in axes],
        calibrate=[as_float(part(row, "calibrate").get(axis.key)) for axis in axes],
        size=as_float(row.get("size_bytes")),
    )


def unbeaten(points: Sequence[CurvePoint], axes: Sequence[Axis], chosen: Sequence[int]) -> list[int]:
    """Return positions of points that no other beats on the chosen axes, by their values on the calibrate split.

    Args:
        points: The points.
        axes: The axes.
        chosen: Positions of the axes to compare.
    """
    values = {
        index: [point.calibrate[at] if axes[at].higher else -point.calibrate[at] for at in chosen]
        for index, point in enumerate(points)
    }
    known = {index: row for index, row in values.items() if all(map(math.isfinite, row))}

    def beats(one: Sequence[float], other: Sequence[float]) -> bool:
        return one != other and all(a >= b for a, b in zip(one, other, strict=True))

    return [index for index, row in known.items() if not any(beats(other, row) for other in known.values())]
