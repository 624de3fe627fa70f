"""The alarms of an audit: signs that a figure on the page cannot be trusted, the fired ones first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import plain_number
from efficienttrust.report._figures import Table
from efficienttrust.report._format import as_float, words
from efficienttrust.report._read import Document, rows


@dataclass(frozen=True)
class Alarm:
    """One alarm; `fired` is None where it could not be evaluated."""

    name: str
    fired: bool | None
    value: float
    threshold: float
    meaning: str
    detail: str

    @property
    def title(self) -> str:
        """Return its name in words."""
        return words(self.name)

    @property
    def value_text(self) -> str:
        """Return the number that decided, with as many digits as tell it from the threshold."""
        return plain_number(self.value, self.threshold)

    @property
    def threshold_text(self) -> str:
        """Return the threshold, or a dash where the alarm has none."""
        return plain_number(self.threshold) if math.isfinite(self.threshold) else "–"


def read_alarms(document: Document) -> list[Alarm]:
    """Read the alarms in the order in which they were evaluated."""
    return [
        Alarm(
            name=str(row.get("name") or "alarm"),
            fired=found if isinstance(found := row.get("fired"), bool) else None,
            value=as_float(row.get("value")),
            threshold=as_float(row.get("threshold")),
            meaning=str(row.get("meaning") or ""),
            detail=str(row.get("detail") or ""),
        )
        for row in rows(document, "alarms")
    ]


def alarm_sentence(alarms: Sequence[Alarm]) -> str:
    """Say how many alarms fired and what follows from it, never more than that."""
    fired = sum(alarm.fired is True for alarm in alarms)
    unknown = sum(alarm.fired is None for alarm in alarms)
    rest = f" {unknown} of them could not be evaluated." if unknown else ""
    if not alarms:
        return "No alarm was evaluated, so nothing on this page was cross-checked by one."
    if fired:
        subject = f"{fired} of {len(alarms)} alarms fired." if len(alarms) > 1 else "The only alarm fired."
        return f"{subject} Until each is explained, figures that rest on it may look better than they are.{rest}"
    told = f"None of {len(alarms)} alarms fired." if len(alarms) > 1 else "The only alarm did not fire."
    return f"{told} An alarm finds the faults it looks for; silence is no proof that there is none.{rest}"


def silent_table(alarms: Sequence[Alarm]) -> Table | None:
    """Return the alarms that did not fire, with their numbers."""
    body = [
        [
            alarm.title,
            "silent" if alarm.fired is False else "not evaluated",
            alarm.value_text,
            alarm.threshold_text,
            " ".join(filter(None, (alarm.meaning, alarm.detail))),
        ]
        for alarm in alarms
        if alarm.fired is not True
    ]
    columns = ["alarm", "state", "measured", "threshold", "what it looks for"]
    return Table("Alarms that did not fire", columns, body) if body else None
