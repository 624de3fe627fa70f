"""Refusals that concern many columns for one reason, told once."""

from __future__ import annotations

from efficienttrust.study.analysis._document import Refusal

MOST_NAMED = 3


class Refusals:
    """Collects refusals by column."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], list[str]] = {}

    def add(self, what: str, column: str, reason: str) -> None:
        """Refuse something of a column; `what` goes before its name."""
        self._columns.setdefault((what, reason), []).append(column)

    def listed(self) -> tuple[Refusal, ...]:
        """Return one refusal for each thing and reason, with the names of the first columns."""
        return tuple(Refusal(f"{what} {_named(columns)}", reason) for (what, reason), columns in self._columns.items())


def _named(columns: list[str]) -> str:
    more = len(columns) - MOST_NAMED
    return ", ".join(columns[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
