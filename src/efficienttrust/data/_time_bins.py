"""Notes on the columns of a sequence: one line for a variable, where each of its hours would have one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

BIN = re.compile(r"(?P<variable>.+)@\d+")
"""Name of a column that holds a variable at one time, such as `heart_rate@07`."""
ABOUT = re.compile(r"column (?P<quote>['\"])(?P<column>.+?)(?P=quote)(?P<said>.*)", re.DOTALL)
FIGURE = re.compile(r"\d+(\.\d+)?")
DROPPED = " dropped: "


class _Said(NamedTuple):
    """What a note says of a variable; notes with the same `kind` are told together."""

    variable: str
    kind: str
    text: str


def merged_bins(notes: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return notes in which what is said of several times of a variable is one line.

    Columns that are dropped are told together, with the different reasons. Of other notes, those that differ in figures
    alone are the same, and the figures of the first are told. What is said of every variable at every time is one line.

    Args:
        notes: Lines, of which those that begin with `column 'NAME@TT'` are merged.
        columns: Names of all columns, to tell at how many times a variable stands in the table.
    """
    times = Counter(match["variable"] for match in map(BIN.fullmatch, columns) if match)
    said = [_said(note) for note in notes]
    texts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for told in filter(None, said):
        texts[told.kind][told.variable].append(told.text)
    merged = []
    for note, each in zip(notes, said, strict=True):
        if each is None:
            merged.append(note)
            continue
        alike = texts[each.kind]
        if len(times) > 1 and all(len(alike.get(variable, ())) == times[variable] for variable in times):
            of_all = [text for of_one in alike.values() for text in of_one]
            merged.append(f"every column NAME@TT ({len(times)} variables){_told(of_all)}")
        elif len(mine := alike[each.variable]) > 1:
            about = f"{len(mine)} of {times[each.variable]} time bins"
            merged.append(f"column '{each.variable}@TT' ({about}){_told(mine)}")
        else:
            merged.append(note)
    return list(dict.fromkeys(merged))


def _said(note: str) -> _Said | None:
    """Return what a note says of a variable; None of one that is about no column of a sequence."""
    about = ABOUT.fullmatch(note)
    column = about and BIN.fullmatch(about["column"])
    if not about or not column:
        return None
    text = about["said"]
    return _Said(column["variable"], DROPPED if text.startswith(DROPPED) else FIGURE.sub("#", text), text)


def _told(texts: Sequence[str]) -> str:
    if not texts[0].startswith(DROPPED):
        return texts[0]
    return DROPPED + ", or ".join(dict.fromkeys(text.removeprefix(DROPPED) for text in texts))
