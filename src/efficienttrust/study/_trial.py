"""What a trial is and what it comes to: the values that spec, store, executors and analysis hand to each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 1
"""Of the settings and of the outcome; part of every key, so that a change of meaning changes every key."""

Status = Literal["done", "failed", "infeasible"]


@dataclass(frozen=True, eq=False)
class Trial:
    """One training of a study.

    Attributes:
        key: Its content address, from `trial_key`.
        cell: Content address of its factor levels, the seed left out.
        factors: Level by factor, as the analysis knows them; the seed is not one.
        settings: Everything that decides the result, as plain JSON values (see `run_trial`).
        seed: Seed of split and training.
        exclusive: It measures wall-clock time or latency, so that nothing else may run beside it.
        cost: Predicted seconds of one core; 0 where nothing is known.
    """

    key: str
    cell: str
    factors: Mapping[str, str]
    settings: Mapping[str, Any]
    seed: int
    exclusive: bool = False
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a trial came to.

    Attributes:
        status: `done`; `failed`: an error, a time or memory kill, or a figure that is no number where one is due;
            `infeasible`: the budget's arithmetic or a rigorous bound excludes what was asked.
        figures: Columns of the table of results (see `study/_columns.py`); NaN is "cannot be estimated".
        reason: One line: why it failed or is infeasible.
        traceback: Of a failure.
        details: What is kept but not tabulated: verdicts, ledger, groups, environment, as plain JSON values.
    """

    status: Status
    figures: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    traceback: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def canonical(value: object) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces; NaN and infinity are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_address(value: object) -> str:
    """Return the SHA-256 of a plain value, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def trial_key(settings: Mapping[str, Any], *, data: str, code: str) -> str:
    """Return the content address of a trial.

    Args:
        settings: Everything that decides the result; the seed is in it.
        data: Hash of the raw data.
        code: Hash of the code that matters.
    """
    return content_address({"settings": settings, "data": data, "code": code, "schema": SCHEMA_VERSION})
