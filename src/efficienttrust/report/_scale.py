"""A linear scale from data to percent of a drawing's width or height, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """A tick: its place in percent, its text, and how that text is anchored so that it stays inside."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Scale:
    """Maps `low .. high` to 0 .. 100 percent; `step` is the distance of the ticks."""

    low: float
    high: float
    step: float

    def at(self, value: float) -> float:
        """Return the place of a value in percent, kept inside the drawing."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 2)

    def ticks(self, suffix: str = "") -> list[Tick]:
        """Return the ticks inside the range, in data order."""
        digits = next((d for d in range(13) if abs(round(self.step, d) - self.step) < 1e-3 * self.step), 12)
        first, last = math.ceil(self.low / self.step - 1e-6), math.floor(self.high / self.step + 1e-6)
        found = []
        for index in range(first, last + 1):
            value = index * self.step
            at = self.at(value)
            anchor = "start" if at < 4 else "end" if at > 96 else "middle"
            found.append(Tick(at, self._text(value, digits).replace("-", "−") + suffix, anchor))
        return found

    def _text(self, value: float, digits: int) -> str:
        if abs(value) < 1e6:
            return f"{value:.{digits}f}"
        apart = math.floor(math.log10(abs(value))) - math.floor(math.log10(self.step)) + 1
        return f"{value:.{max(apart, 1)}e}"


def scale_over(
    values: Iterable[float], *, ticks: int = 4, floor: float = -math.inf, ceiling: float = math.inf
) -> Scale:
    """Return a scale that holds all finite values with a little room, not beyond `floor` and `ceiling` without need."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        room = max(abs(high) * 0.05, 0.01)
        low, high = low - room, high + room
    room = 0.06 * (high - low)
    low = low - room if low < floor else max(low - room, floor)
    high = high + room if high > ceiling else min(high + room, ceiling)
    raw = (high - low) / ticks
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
    return Scale(low, high, step)
