"""The picture of a curve: utility over each other axis, one numbered mark a point with its intervals both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.report._frontier_read import Axis, CurvePoint, unbeaten
from efficienttrust.report._limit import DrawnLimit, LimitCurve, draw_limit
from efficienttrust.report._read import Estimate
from efficienttrust.report._scale import Scale, Tick, scale_over

WIDTH, HEIGHT = 420.0, 260.0  # px of a panel on a desk, by which numbers are kept apart
_PLACES = ((9, -6), (-9, -6), (9, 14), (-9, 14), (0, -10), (0, 19), (13, 4), (-13, 4))
"""Where a number may stand beside its mark, in px, preferred first."""


@dataclass(frozen=True)
class ScatterPoint:
    """A mark: places in percent of the panel, None where there is no interval.

    Attributes:
        number: What stands beside it.
        words: All its values, for a tooltip.
        x: Across.
        y: Down.
        x_ends: Interval across.
        y_ends: Interval down.
        on_curve: Whether no other point beats it on the two axes of the panel.
        shift: Where its number stands, in px from the mark.
        anchor: How that text is anchored.
    """

    number: str
    words: str
    x: float
    y: float
    x_ends: tuple[float, float] | None
    y_ends: tuple[float, float] | None
    on_curve: bool
    shift: tuple[float, float]
    anchor: str


@dataclass(frozen=True)
class ScatterPanel:
    """Utility over one other axis."""

    title: str
    across: str
    up: str
    points: Sequence[ScatterPoint]
    curve: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    limit: DrawnLimit | None = None


def scatter_panels(
    points: Sequence[CurvePoint], axes: Sequence[Axis], limit: LimitCurve | None = None
) -> list[ScatterPanel]:
    """Draw utility over each other axis; points without a value on either are left out.

    Args:
        points: The points.
        axes: The axes, utility first.
        limit: What is drawn over the axis of its metric.
    """
    limited = (
        [limit.at(point.test[at].value) for at in range(1, len(axes)) for point in points if _limits(limit, axes[at])]
        if limit
        else []
    )
    y = _scale([*(point.test[0] for point in points), *limited])
    return [_panel(points, axes, at, y, limit) for at in range(1, len(axes))]


def _limits(limit: LimitCurve | None, axis: Axis) -> bool:
    return limit is not None and limit.key == axis.key


def words_of(point: CurvePoint, axes: Sequence[Axis]) -> str:
    """Return a point in one line: its name, and its values on test with their intervals."""
    values = "; ".join(f"{axis.words} {one.text()}" for axis, one in zip(axes, point.test, strict=True))
    return f"{point.name}: {values}"


def _panel(
    points: Sequence[CurvePoint], axes: Sequence[Axis], at: int, y: Scale, limit: LimitCurve | None
) -> ScatterPanel:
    x = _scale([point.test[at] for point in points])
    drawn = [index for index, point in enumerate(points) if point.test[0].known and point.test[at].known]
    front = set(unbeaten(points, axes, (0, at)))
    spots = [(x.at(points[i].test[at].value), 100 - y.at(points[i].test[0].value)) for i in drawn]
    shifts = _numbers_apart(spots, [points[i].number for i in drawn])
    marks = [
        ScatterPoint(
            number=points[i].number,
            words=words_of(points[i], axes),
            x=spot[0],
            y=round(spot[1], 2),
            x_ends=_ends(points[i].test[at], x, downwards=False),
            y_ends=_ends(points[i].test[0], y, downwards=True),
            on_curve=i in front or not front,
            shift=shift,
            anchor="start" if shift[0] > 0 else "end" if shift[0] < 0 else "middle",
        )
        for i, spot, shift in zip(drawn, spots, shifts, strict=True)
    ]
    better = "further right is better" if axes[at].higher else "further left is better"
    path = sorted((i for i in drawn if i in front), key=lambda i: points[i].calibrate[at])
    return ScatterPanel(
        title=f"{axes[0].words} over {axes[at].words}",
        across=f"Across: {axes[at].words}, {better}.",
        up=f"Up: {axes[0].words}, higher is better.",
        points=marks,
        curve=" ".join(
            f"{x.at(points[i].test[at].value)},{round(100 - y.at(points[i].test[0].value), 2)}" for i in path
        ),
        x_ticks=x.ticks(),
        y_ticks=[Tick(round(100 - tick.at, 2), tick.text) for tick in y.ticks()],
        limit=draw_limit(limit, x, y) if limit is not None and _limits(limit, axes[at]) else None,
    )


def _scale(estimates: Sequence[Estimate]) -> Scale:
    return scale_over([v for one in estimates for v in (one.value, one.low, one.high)], floor=0.0, ceiling=1.0)


def _ends(one: Estimate, scale: Scale, *, downwards: bool) -> tuple[float, float] | None:
    if not one.bounded:
        return None
    low, high = scale.at(one.low), scale.at(one.high)
    return (round(100 - low, 2), round(100 - high, 2)) if downwards else (low, high)


def _numbers_apart(spots: Sequence[tuple[float, float]], numbers: Sequence[str]) -> list[tuple[float, float]]:
    """Place the number of each mark where it covers as few marks and other numbers as possible, one after the other."""
    marks = [(x / 100 * WIDTH, y / 100 * HEIGHT) for x, y in spots]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in marks]
    found = []
    for (x, y), number in zip(marks, numbers, strict=True):
        boxes = [_box(x + dx, y + dy, number, dx) for dx, dy in _PLACES]
        covered = [sum(_overlaps(box, other) for other in taken) for box in boxes]
        best = covered.index(min(covered))
        taken.append(boxes[best])
        found.append(_PLACES[best])
    return [(float(dx), float(dy)) for dx, dy in found]


def _box(x: float, y: float, number: str, dx: float) -> tuple[float, float, float, float]:
    width = 7.0 * len(number)
    left = x if dx > 0 else x - width if dx < 0 else x - width / 2
    return left, y - 10, left + width, y + 1


def _overlaps(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
