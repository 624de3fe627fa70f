"""Which study a store belongs to: its spec, its data, its code; and how two of them differ, for reading."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from efficienttrust.study._trial import content_address

SHOWN = 40  # lines of a difference
_PASSWORDS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]*@"), r"\1:***@"),  # up to the last @: it may hold one
    (re.compile(r"(password=)[^\s&'\"]+", re.IGNORECASE), r"\1***"),
)


@dataclass(frozen=True, eq=False)
class StudyIdentity:
    """What a study was when a driver began it. Passwords in the command or the environment are replaced by `***`.

    Attributes:
        name: Of the study.
        spec_text: The study file as it was written.
        design: As plain values (`Design.as_plain`), with the hash of the resolved study file as `spec_hash`.
        data: SHA-256 by source of data.
        code: SHA-256 by part of the code that decides results.
        environment: Versions and machine, by name; a change of it is recorded, not refused.
        command: That began it.
    """

    name: str
    spec_text: str
    design: Mapping[str, Any]
    data: Mapping[str, str]
    code: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        environment = {name: without_passwords(value) for name, value in self.environment.items()}
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "command", without_passwords(self.command))

    def content(self) -> str:
        """Return the hash of what decides results: name, design, data and code."""
        design = json.loads(json.dumps(self.design, allow_nan=False))
        return content_address([self.name, design, dict(self.data), dict(self.code)])

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> StudyIdentity:
        """Return it from plain JSON values; the inverse of `as_plain`."""
        return cls(**values)


def differences(before: StudyIdentity, after: StudyIdentity) -> list[str]:
    """Return what differs in name, spec, data and code as lines for reading; empty where results may be mixed."""
    lines = [] if before.name == after.name else [f"name: {before.name!r} is now {after.name!r}"]
    old, new = (json.loads(json.dumps(one.design)) for one in (before, after))
    if old != new:
        lines += [*_text_difference(before.spec_text, after.spec_text)] or [*_changed("design", old, new)]
    for kind in ("data", "code"):
        lines += _changed(kind, getattr(before, kind), getattr(after, kind))
    return lines


def shown(lines: list[str]) -> str:
    """Return lines of a difference as an indented text of bounded length."""
    rest = [f"... and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    return "\n".join(f"  {line}" for line in [*lines[:SHOWN], *rest])


def without_passwords(text: str) -> str:
    """Return a text with the passwords of addresses in it replaced by `***`."""
    for pattern, replacement in _PASSWORDS:
        text = pattern.sub(replacement, text)
    return text


def _text_difference(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "spec, before", "spec, now", n=1, lineterm="")
    return (line for line in lines if not line.startswith("@@"))


def _changed(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None or new is None:
            yield f"{kind} of {name}: {'was not there' if old is None else 'is gone'}"
        else:
            yield f"{kind} of {name}: {_short(old)} is now {_short(new)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{32,}", text) else text[:60]
