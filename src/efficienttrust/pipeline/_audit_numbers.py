"""Audits of a label that is a number: what of an audit has no meaning there, said in a line or refused."""

from __future__ import annotations

from efficienttrust.errors import UsageError
from efficienttrust.pipeline._audit_examination import Section
from efficienttrust.pipeline._audit_request import AuditRequest
from efficienttrust.report import NOT_OF_NUMBERS

NO_ALARMS = f"alarms about decisions were not looked for: {NOT_OF_NUMBERS['alarms']}"

SAID = {"robustness": "robustness was", "corruptions": "corruptions were", "ood": "detection was"}


def not_of_numbers(section: str) -> Section | None:
    """Return the note in place of a section that measures decisions; None for one that a number allows."""
    why = NOT_OF_NUMBERS.get(section)
    return None if why is None else Section(notes=(f"{SAID[section]} not measured: {why}",))


def refuse_decisions_only(request: AuditRequest) -> None:
    """Refuse what was asked for and measures decisions, as a radius of attacks, for a label that is a number.

    Raises:
        UsageError: Radii, a norm, seconds of attacks, or rows from elsewhere were named.
    """
    asked = {
        "eps": (bool(request.eps), "robustness"),
        "norm": (request.norm != "linf", "robustness"),
        "seconds": (request.seconds is not None, "robustness"),
        "ood": (bool(request.ood), "ood"),
    }
    for option, (given, section) in asked.items():
        if given:
            raise UsageError(f"{NOT_OF_NUMBERS[section]}: leave out --{option}")
