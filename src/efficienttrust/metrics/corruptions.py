"""Errors under all corruptions that an outcome holds, row by row: every corruption counts the same."""

from __future__ import annotations

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.metrics.metric import read_corruption_key
from efficienttrust.metrics.values import Floats, Outcome


def mean_errors(outcome: Outcome) -> Floats:
    """Return, for each row [n], the mean over corruptions of its mean error over their severities.

    Raises:
        UsageError: The outcome holds no corruption.
    """
    names = _severities(outcome)
    if not names:
        raise UsageError("no corruption was measured on these rows")
    errors = np.zeros(len(outcome.y))
    for key, right in outcome.corrupted.items():
        name, _ = read_corruption_key(key)
        errors += ~np.asarray(right, dtype=bool) / (len(names[name]) * len(names))
    return errors


def missing_severities(outcome: Outcome) -> str:
    """Return which of the severities 1 to 5 were not measured, or an empty text."""
    partial = [
        f"{name} at {', '.join(map(str, sorted(found)))} only"
        for name, found in sorted(_severities(outcome).items())
        if len(found) < 5
    ]
    return f"measured at some severities: {'; '.join(partial)}" if partial else ""


def _severities(outcome: Outcome) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for key in outcome.corrupted:
        name, severity = read_corruption_key(key)
        found.setdefault(name, set()).add(severity)
    return found
