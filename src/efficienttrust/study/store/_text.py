"""Values as text: figures bit for bit, and whatever a traceback may hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def figures_text(figures: Mapping[str, float]) -> str:
    """Return figures as strict JSON; what is no finite number is a text."""
    values = {name: float(value) for name, value in figures.items()}
    return json.dumps({name: value if math.isfinite(value) else str(value) for name, value in values.items()})


def figures_of(text: str) -> dict[str, float]:
    """Return figures from their text; the inverse of `figures_text`."""
    figures: dict[str, Any] = json.loads(text)
    for name, value in figures.items():
        if isinstance(value, str):
            figures[name] = _ODD[value]
    return figures


def plain_text(value: Mapping[str, Any]) -> str:
    """Return plain values as JSON in ASCII, keys in order; NaN stays NaN, as Python writes it."""
    return json.dumps(dict(value), sort_keys=True)


def storable(text: str) -> str:
    """Return a text that every database takes: without NUL and lone surrogates, which become their escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
