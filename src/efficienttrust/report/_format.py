"""Numbers as text: what is missing is said to be missing, and rounding never hides the side of a bound."""

from __future__ import annotations

import math
import re

NOT_ESTIMABLE = "not estimable"
_CLOCK_UNITS = {"wall": "s wall", "cpu": "s cpu"}
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def as_float(raw: object) -> float:
    """Return any cell of a document as a float; what is missing or no number becomes NaN."""
    if isinstance(raw, bool) or raw is None:
        return math.nan
    try:
        return float(raw)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def number(value: float, digits: int = 3, *, near: float = math.nan) -> str:
    """Format with `digits` decimals, fewer from 100 on, more (at most 6) when the value would look equal to `near`."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 0.5 * 10**-digits):
        return f"{value:.2e}".replace("e+0", "e").replace("e-0", "e−").replace("e+", "e").replace("-", "−")
    digits = max(0, digits - max(0, math.floor(math.log10(abs(value))) - 1)) if value else digits
    while value != near and digits < 6 and f"{value:.{digits}f}" == f"{near:.{digits}f}":
        digits += 1
    return f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """Format a difference with its sign, `±0` when it rounds to nothing."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    text = f"{abs(value):.{digits}f}"
    return "±0" if float(text) == 0 else ("+" if value > 0 else "−") + text


def count(value: object) -> str:
    """Format a count with thousands separators."""
    amount = as_float(value)
    return "unknown" if not math.isfinite(amount) else f"{amount:,.0f}".replace("-", "−")


def percent(share: float) -> str:
    """Format a share as a percentage, with one decimal where whole percents would read as none or as all."""
    if not math.isfinite(share):
        return NOT_ESTIMABLE
    digits = 1 if 0 < share < 0.0995 or 0.99 < share < 1 or 1 < share < 1.01 else 0
    return f"{100 * share:.{digits}f} %"


def amount(resource: str, value: float, clock: str = "wall") -> str:
    """Format an amount of one resource with its unit: `19.7 s cpu`, `248 kB`, `0.087 ms`, `3,120 steps`."""
    if not math.isfinite(value):
        return "unknown"
    if resource == "time":
        unit = _CLOCK_UNITS.get(clock)
        return (
            f"{_significant(value)} {unit}" if unit else f"{_scaled(value) if value >= 1e7 else count(value)} {clock}"
        )
    if resource in ("size", "memory"):
        return f"{_scaled(value)}B"
    if resource == "latency":
        return f"{_significant(value)} ms"
    if resource == "throughput":
        return f"{count(value)} rows/s"
    return count(value)


def words(name: str) -> str:
    """Turn a name of the code into words: `selection_rate` becomes `selection rate`."""
    return re.sub(r"[_\s]+", " ", name).strip()


def in_levels(key: str) -> str:
    """Return the key of a metric on images with its radius in levels of a pixel, `eps=4/255`, where these are whole."""

    def level(match: re.Match[str]) -> str:
        levels = 255 * float(match[1])
        whole = round(levels) > 0 and math.isclose(levels, round(levels), rel_tol=1e-4)
        return f"eps={round(levels)}/255" if whole else match[0]

    return re.sub(r"eps=(\d*\.?\d+(?:e-?\d+)?)", level, key)


def shorten(text: str, most: int = 40) -> str:
    """Cut a long name for use inside a sentence."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _significant(value: float) -> str:
    digits = 0 if value == 0 or abs(value) >= 1000 else max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 6)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def _scaled(value: float) -> str:
    for factor, prefix in _PREFIXES:
        if abs(value) >= factor:
            return f"{_significant(value / factor)} {prefix}"
    return f"{_significant(value)} "
