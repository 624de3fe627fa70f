"""What the audit page reads out of `audit.json`: measurements, the rows they rest on, eps as a reader writes it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from efficienttrust.report._format import as_float, count, number
from efficienttrust.report._read import Document, Estimate, part, read_estimate, rows

NOT_ESTIMATED = "not estimated"
_PIXELS = re.compile(r"pixel|255|\[\s*0\s*,\s*1\s*\]", re.IGNORECASE)


def measured(raw: object) -> Estimate:
    """Read a measurement; what has no value is shown as not estimated."""
    return read_estimate(raw, NOT_ESTIMATED)


def optional(raw: object) -> Estimate | None:
    """Read a measurement that may be absent, which is something else than not estimated."""
    return measured(raw) if isinstance(raw, Mapping) else None


def with_reason(estimate: Estimate) -> str:
    """Return value and interval as text; for what was not estimated, the reason."""
    if estimate.known or not estimate.note:
        return estimate.text()
    return f"{estimate.missing}: {estimate.note}"


def where(document: Document) -> str:
    """Return what the measured rows are called: `test rows`, or `rows` where all of them were used."""
    said = str(part(document, "data").get("rows") or "")
    return "test rows" if said.startswith("test") else "rows"


def by_group(raw: object) -> list[tuple[str, str, Estimate]]:
    """Return (attribute, group, estimate) for everything under `{attribute: [{group, value, low, high, n}]}`."""
    if not isinstance(raw, Mapping):
        return []
    return [
        (str(attribute), label(row.get("group")), measured(row)) for attribute in raw for row in rows(raw, attribute)
    ]


def label(raw: object) -> str:
    """Return a name of the document as text, a dash where it has none."""
    return "–" if raw is None or raw == "" else str(raw)


def group_label(attribute: str, group: str, attributes: Sequence[str]) -> str:
    """Return the group's name, with its attribute where several are shown."""
    return f"{attribute}: {group}" if len(set(attributes)) > 1 and attribute else group


class EpsScale:
    """How the strengths of an attack are written: in 255ths for images, as they are otherwise."""

    def __init__(self, unit: str, strengths: Sequence[float]) -> None:
        steps = [255 * eps for eps in strengths if math.isfinite(eps)]
        in_pixels = bool(_PIXELS.search(unit)) and all(abs(2 * step - round(2 * step)) < 1e-3 for step in steps)
        self.factor = 255.0 if in_pixels else 1.0
        self.unit = unit

    def tick(self, eps: float) -> str:
        """Return a strength for an axis, where the denominator stands in the axis' name."""
        return f"{self.factor * eps:.4g}"

    def text(self, eps: float) -> str:
        """Return a strength for a sentence: `8/255` or `0.25`."""
        return self.tick(eps) + ("/255" if self.factor != 1.0 and eps != 0 else "")

    @property
    def axis(self) -> str:
        """Return the name of the axis."""
        if self.factor != 1.0:
            return f"eps in 255ths ({self.unit})"
        return f"eps in {self.unit}" if self.unit else "eps"


def plain_number(value: float, near: float = math.nan) -> str:
    """Return a count without decimals and anything else with them."""
    if math.isfinite(value) and value == round(value) and 1 <= abs(value) < 1e9:
        return count(value)
    return "0" if value == 0 else number(value, near=near) if math.isfinite(value) else NOT_ESTIMATED


def tidy(raw: object) -> str:
    """Return a severity, a batch or a size as text without needless decimals."""
    value = as_float(raw)
    return f"{value:g}" if math.isfinite(value) else str(raw if raw is not None else "–")


def of_hundred(share: float) -> str:
    """Return a share as rows out of 100, for a sentence: `84`, `fewer than 1`."""
    rows_of_100 = 100 * share
    if 0 < rows_of_100 < 1:
        return "fewer than 1"
    if 99 < rows_of_100 < 100:
        return "more than 99"
    return f"{rows_of_100:.0f}"
