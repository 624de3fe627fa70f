"""Which part of a published corrupted set is asked for: one corruption at one severity."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.data.corrupted import COMMON, EXTRA, SEVERITIES
from efficienttrust.data.images._reading import Wanted, refuse_options
from efficienttrust.errors import UsageError, unknown_name


def corruption_asked(path: Path, wanted: Wanted, name: str, *others: str) -> tuple[str, int]:
    """Return the corruption and the severity of `?corruption=fog&severity=3`.

    Both have to be named: a default would be taken for the whole set.

    Args:
        path: The folder of the set.
        wanted: What is asked.
        name: The set as sources call it, for messages.
        others: Further options that it has.

    Raises:
        UsageError: One of the two is missing or unknown, something else is asked for, or the path is no folder.
    """
    refuse_options(wanted, "corruption", "severity", *others)
    if wanted.sensitive or wanted.label:
        raise UsageError(f"{name} has neither groups nor other labels: leave out --sensitive, --label")
    if not path.is_dir():
        raise UsageError(f"{path} is no folder: give the one that the archives of {name} unpack to")
    known = (*COMMON, *EXTRA)
    corruption, severity = wanted.options.get("corruption"), wanted.options.get("severity")
    if corruption is None or severity is None:
        raise UsageError(
            f"which corruption, how severe? Write {name}:{path}?corruption={corruption or 'fog'}"
            f"&severity={severity or 3}; there are {', '.join(known)}, with severities 1 to 5"
        )
    if corruption not in known:
        raise unknown_name("corruption", corruption, known)
    if severity not in map(str, SEVERITIES):
        raise UsageError(f"severity={severity} is not known: {name} has severities 1 to 5")
    return corruption, int(severity)


def note(corruption: str, severity: int) -> str:
    """Return the line that says what was read."""
    return f"test images under {corruption!r} at severity {severity} of 5, as published"
