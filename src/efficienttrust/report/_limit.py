"""The limit on a trade-off plot: the highest utility estimated to be attainable under each gap, with its band."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.report._figures import Table
from efficienttrust.report._format import as_float, number
from efficienttrust.report._read import Document, Estimate, part
from efficienttrust.report._scale import Scale

PLACES = 80  # at which a drawn limit is evaluated
LIMIT_WORDS = "the highest value that is estimated to be attainable, with its 95 % band"


@dataclass(frozen=True, eq=False)
class LimitCurve:
    """The limit as it was recorded.

    Attributes:
        key: Metric of the gap.
        gap: [D] gaps, rising.
        utility: [D] the highest utility under each.
        low: [D] lower end of its band.
        high: [D] upper end of its band.
        how: How it was estimated, in one sentence.
        kind: `estimate`, or `exact`.
    """

    key: str
    gap: Sequence[float]
    utility: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    how: str
    kind: str

    def at(self, gap: float) -> Estimate:
        """Return the limit under a gap; missing where the gap is."""
        if not math.isfinite(gap):
            return Estimate(math.nan)
        value, low, high = (_between(gap, self.gap, values) for values in (self.utility, self.low, self.high))
        return Estimate(value, low, high)

    def distance(self, utility: Estimate, gap: float) -> Estimate:
        """Return how far a model lies below the limit under its gap; negative where it beats the estimate.

        The interval joins that of the model with the band, as if both were independent.
        """
        limit = self.at(gap)
        if not (limit.known and utility.known):
            return Estimate(math.nan)
        between = limit.value - utility.value
        if not (limit.bounded and utility.bounded):
            return Estimate(between)
        down = math.hypot(limit.value - limit.low, utility.high - utility.value)
        up = math.hypot(limit.high - limit.value, utility.value - utility.low)
        return Estimate(between, between - down, between + up)


def read_limit(document: Document) -> LimitCurve | None:
    """Return the recorded limit, or None where there is none."""
    said = part(document, "limit")
    columns = [_numbers(said.get(name)) for name in ("gap", "utility", "low", "high")]
    if len(columns[0]) < 2 or len({len(column) for column in columns}) > 1:
        return None
    gap, utility, low, high = columns
    return LimitCurve(
        str(said.get("metric") or ""), gap, utility, low, high, str(said.get("how") or ""), str(said.get("kind") or "")
    )


@dataclass(frozen=True)
class DrawnLimit:
    """The limit in a panel: points of a polyline and of the polygon of its band, in percent."""

    line: str
    band: str


def draw_limit(limit: LimitCurve, x: Scale, y: Scale) -> DrawnLimit:
    """Place the limit in a panel whose axes are the gap and the utility; what lies outside of them is cut off."""
    first, last = max(x.low, limit.gap[0]), min(x.high, limit.gap[-1])
    inside = [first + (last - first) * step / (PLACES - 1) for step in range(PLACES)]

    def placed(values: Sequence[float]) -> list[str]:
        return [f"{x.at(gap)},{round(100 - y.at(_between(gap, limit.gap, values)), 2)}" for gap in inside]

    line, low, high = (placed(values) for values in (limit.utility, limit.low, limit.high))
    return DrawnLimit(" ".join(line), " ".join([*high, *reversed(low)]))


def distance_table(limit: LimitCurve, named: Sequence[tuple[str, Estimate, float]], utility: str) -> Table:
    """Return how far each model lies below the limit.

    Args:
        limit: The limit.
        named: Name, utility and gap of each model.
        utility: What the utility is called.
    """
    body = [
        [name, number(gap), said.text(), limit.at(gap).text(), limit.distance(said, gap).text()]
        for name, said, gap in named
        if said.known and math.isfinite(gap)
    ]
    return Table(
        "Distance to the limit: the highest value that is estimated under the same gap, less the model's",
        ["", limit.key, utility, "limit", "distance"],
        body,
        note=limit.how,
    )


def _between(at: float, places: Sequence[float], values: Sequence[float]) -> float:
    """Interpolate linearly; beyond the ends, the end."""
    right = bisect.bisect_left(places, at)
    if right == 0:
        return values[0]
    if right == len(places):
        return values[-1]
    share = (at - places[right - 1]) / (places[right] - places[right - 1])
    return values[right - 1] + share * (values[right] - values[right - 1])


def _numbers(values: object) -> list[float]:
    return [as_float(value) for value in values] if isinstance(values, list | tuple) else []
