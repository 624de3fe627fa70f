"""Errors that a user can act on: one line that says what, where and what to do, with an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EfficientTrustError(Exception):
    """Base of every error meant for the user; the command line prints its one line and exits with `exit_code`."""

    exit_code = 2


class UsageError(EfficientTrustError):
    """Wrong usage or input: a name, a file, a value. Exit code 2."""


class InfeasibleError(EfficientTrustError):
    """A rigorous bound or the arithmetic of the budget excludes what was asked. Exit code 3."""

    exit_code = 3


class RunInterrupted(EfficientTrustError):
    """Ctrl-C was pressed: the step was finished and the state saved. Exit code 130."""

    exit_code = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the closest known name, or the list of names when none is close."""
    names = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f" Did you mean {lowered[close[0]]!r}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" Known: {shown}." if names else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Build the error for an unlisted name, e.g. `unknown metric 'dpp'. Did you mean 'dpd'?`."""
    return UsageError(f"unknown {kind} {name!r}.{did_you_mean(name, known)}")


def in_bytes(amount: float) -> str:
    """Return an amount of bytes for reading, in the largest unit of which there is one: `3.1 kB`, `16 TB`."""
    units = {"PB": 1e15, "TB": 1e12, "GB": 1e9, "MB": 1e6, "kB": 1e3, "bytes": 1.0}
    unit = next((unit for unit, size in units.items() if amount >= size), "bytes")
    return f"{amount / units[unit]:.3g} {unit}"
