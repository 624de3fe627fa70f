"""What sections share: how methods, notes and refusals of the analysis are shown."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from efficienttrust.report._format import number
from efficienttrust.report._palette import PLAIN, Style
from efficienttrust.report.study._cells import interval_text
from efficienttrust.report.study._content import Block, Heading, Interval, Lines
from efficienttrust.report.study._source import Source


def remarks(source: Source, *sections: str) -> Iterator[Block]:
    """Yield notes, refusals with their reasons, and the methods of sections of the analysis."""
    parts = [source.section(name) for name in sections]
    notes = [str(note) for part in parts for note in part.get("notes") or ()]
    refused = [f"{one['what']}: {one['reason']}" for part in parts for one in part.get("refusals") or ()]
    methods = [str(line) for part in parts for line in part.get("method") or ()]
    for title, lines in (("Notes", notes), ("Refused, and why", refused)):
        if lines:
            yield Heading(title)
            yield Lines(tuple(dict.fromkeys(lines)))
    if methods:
        yield Lines(tuple(dict.fromkeys(methods)), folded="How it was computed")


def clear(one: Interval) -> bool:
    """Whether an interval excludes 0."""
    return math.isfinite(one.low) and math.isfinite(one.high) and (one.low > 0 or one.high < 0)


def extreme(rows: Iterable[tuple[str, Interval]], level: str, what: str) -> str:
    """Say how many of these differences are clear of 0 and which is the largest."""
    known = [(name, one) for name, one in rows if math.isfinite(one.value)]
    if not known:
        return f"No difference of {what} can be estimated."
    sure = sum(clear(one) for _, one in known)
    name, most = max(known, key=lambda row: abs(row[1].value))
    return (
        f"{sure} of {len(known)} differences of {what} have a {level} interval that excludes 0; "
        f"the largest is {name}: {interval_text(most)}."
    )


def listed(names: Sequence[str], most: int = 6) -> str:
    """Return names in one line, the first few of many."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def share(part: float, whole: float) -> str:
    """Return `12 of 40 (30 %)`."""
    return f"{part:,.0f} of {whole:,.0f} ({number(100 * part / whole, 1)} %)" if whole else "0 of 0"


def slug(text: str) -> str:
    """Return a text as a part of a file's name."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in text).split())[:48] or "unnamed"


def seen(looks: Mapping[str, Style], used: Collection[str]) -> dict[str, Style]:
    """Return the styles of the series that are drawn, in the order of the study file."""
    return {**{one: look for one, look in looks.items() if one in used},
            **{one: PLAIN for one in used if one not in looks}}  # fmt: skip
