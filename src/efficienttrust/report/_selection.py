"""How the model was chosen: the order of the candidates, what passed on certify, and what `certified` rests on."""

from __future__ import annotations

import math

from efficienttrust.report._format import as_float
from efficienttrust.report._read import Document, part, rows, texts

MOST_NAMED = 6


def selection_lines(document: Document) -> list[str]:
    """Return in sentences how the delivered candidate was chosen; none where it is not on record."""
    record = part(document, "selection")
    if not record:
        return []
    chosen, level = str(record.get("chosen") or "?"), _percent(record.get("level"))
    tested = rows(record, "tested")
    if not tested:
        why = str(record.get("ended") or "")
        lines = [f"“{chosen}” was chosen on the calibrate split alone{f': {why}' if why else ''}."]
        if level and rows(document, "verdicts"):
            lines.append(f"Each target has a certificate of its own, at {level}.")
        return [*lines, *texts(record, "assumptions")]
    said = ", ".join(
        f"“{row.get('name', '?')}” {'passed' if row.get('valid') else 'failed'}" for row in tested[:MOST_NAMED]
    )
    how = f"{_percent(record.get('level_of_the_sequence'))}; {record.get('ended', '')}"
    lines = [f"Candidates were tested on certify for all targets at once, in an order fixed before: {said} ({how})."]
    if record.get("guarantee") == "joint":
        lines.append(f"“{chosen}” is delivered: of those that passed, the most useful on the calibrate split.")
    else:
        left = f"each target has a certificate of its own, at {level}" if level else "no level is left to certify it"
        lines.append(f"None passed: “{chosen}” is delivered, which the calibrate split alone prefers; {left}.")
    return [*lines, *texts(record, "assumptions")]


def _percent(raw: object) -> str:
    """Return a level as `97.5 %`; empty where there is none, or where all of it was spent."""
    level = as_float(raw)
    return f"{100 * level:.4g} %" if math.isfinite(level) and 0 < level < 1 else ""
