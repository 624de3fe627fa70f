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
    """Say how many of the alarms that were evaluated fired and what follows from it, never more than that."""
    told = fired_of_evaluated(alarms)
    if all(alarm.fired is None for alarm in alarms):
        return f"{told}, so nothing on this page was cross-checked by one."
    if any(alarm.fired for alarm in alarms):
        return f"{told}. Until each is explained, figures that rest on it may look better than they are."
    return f"{told}. An alarm finds the faults it looks for; silence is no proof that there is none."


def fired_of_evaluated(alarms: Sequence[Alarm]) -> str:
    """Return `None of 12 evaluated alarms fired (3 could not be looked for)`."""
    fired, evaluated = (sum(alarm.fired in states for alarm in alarms) for states in ((True,), (True, False)))
    unknown = len(alarms) - evaluated
    rest = f" ({unknown} could not be looked for)" if unknown else ""
    if not evaluated:
        return f"No alarm was evaluated{rest}"
    plural = "s" * (evaluated != 1)
    return f"{fired or 'None'} of {evaluated} evaluated alarm{plural} fired{rest}"


def silent_words(alarms: Sequence[Alarm]) -> str:
    """Name the table of the other alarms: `8 alarms that did not fire, 2 that could not be looked for`."""
    silent, unknown = (sum(alarm.fired is state for alarm in alarms) for state in (False, None))
    first = f"{silent} alarm{'s' * (silent != 1)} that did not fire" if silent else ""
    second = f"{unknown} {'' if silent else 'alarm' + 's' * (unknown != 1) + ' '}that could not be looked for"
    return ", ".join(filter(None, (first, second if unknown else "")))


def silent_table(alarms: Sequence[Alarm]) -> Table | None:
    """Return the alarms that were silent or could not be looked for, with their numbers."""
    body = [
        [
            alarm.title,
            "did not fire" if alarm.fired is False else "could not be looked for",
            alarm.value_text,
            alarm.threshold_text,
            " ".join(filter(None, (alarm.meaning, alarm.detail))),
        ]
        for alarm in alarms
        if alarm.fired is not True
    ]
    columns = ["alarm", "state", "measured", "threshold", "what it looks for"]
    return Table("Alarms that did not fire or could not be looked for", columns, body) if body else None
