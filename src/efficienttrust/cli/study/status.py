"""The verb `study status`: how far a study is, what failed, and what one trial went through."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table
from efficienttrust.cli.study._store import KEY, levels, opened

if TYPE_CHECKING:
    from efficienttrust.study.store import Outlook, Store, StoredTrial

SHOWN = 40  # cells and failures without --all


def status(
    study: str, /, *, store: str | None = None, trial: str | None = None, all: bool = False, json: bool = False
) -> int:
    """Show the states of all trials, by cell, the work that is left, and the failures with their reasons.

    Args:
        study: Study file, or the store itself (a path or a postgresql:// address).
        store: The store, where it is not beside the study file.
        trial: First digits of a trial's key: show its attempts, with their tracebacks.
        all: Show all cells and failures, and not the first 40.
        json: Print one JSON document on stdout.
    """
    with opened(study, store) as one:
        if trial is not None:
            _show_trial(one, one.full_key(trial), json)
        elif json:
            print_json(_document(one))
        else:
            _show_study(one, study, all)
    return 0


def _document(store: Store) -> dict[str, Any]:
    from efficienttrust.study.store import outlook

    found = outlook(store)
    return {
        "study": store.identity().name,
        "store": store.address,
        "states": found.counts,
        "seconds_left": found.seconds_left,
        "cells": [dataclasses.asdict(cell) for cell in found.cells],
        "failures": [_failure(one) for one in store.trials("failed")],
        "identities": len(store.identities()),
    }


def _failure(stored: StoredTrial) -> dict[str, Any]:
    assert stored.outcome is not None
    return {
        "trial": stored.trial.key, "factors": stored.trial.factors, "seed": stored.trial.seed,
        "attempts": stored.attempts, "worker": stored.worker, "reason": stored.outcome.reason,
    }  # fmt: skip


def _show_study(store: Store, study: str, everything: bool) -> None:
    from efficienttrust.study.store import STATES, outlook

    found = outlook(store)
    print(f"{store.identity().name}: {sum(found.counts.values()):,} trials in {store.address}")
    print(", ".join(f"{found.counts[state]:,} {state}" for state in STATES))
    if line := _left(found):
        print(line)
    most = len(found.cells) if everything else SHOWN
    if found.cells:
        rows = [
            (levels(cell.factors), *(cell.counts[state] for state in STATES), cell.seconds)
            for cell in found.cells[:most]
        ]
        print_table(["cell", *STATES, "seconds a trial"], rows)
    if len(found.cells) > most:
        print(f"... and {len(found.cells) - most} more cells: --all shows them")
    failures = list(store.trials("failed"))
    most = len(failures) if everything else SHOWN
    for one in failures[:most]:
        assert one.outcome is not None
        where = f"{levels(one.trial.factors)}, seed {one.trial.seed}"
        print(f"failed: {one.trial.key[:KEY]} ({where}): {one.outcome.reason}")
    if len(failures) > most:
        print(f"... and {len(failures) - most} more failures: --all shows them")
    if failures:
        print(f"the traceback: efficienttrust study status {study} --trial {failures[0].trial.key[:KEY]}")
        print(f"try them again: efficienttrust study retry {study} --failed, then study run")


def _left(found: Outlook) -> str:
    """Return a line on the work that is left; empty where there is none, or nothing is known of it."""
    if not found.seconds_left or math.isnan(found.seconds_left):
        return ""
    running = found.counts["running"]
    line = f"about {_duration(found.seconds_left)} of one worker left"
    return f"{line}, {_duration(found.seconds_left / running)} with the {running} that run now" if running else line


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _show_trial(store: Store, key: str, json: bool) -> None:
    attempts = store.attempts(key)
    if json:
        print_json({"trial": key, "attempts": [dataclasses.asdict(one) for one in attempts]})
        return
    print(key)
    rows = [
        (one.number, one.state, one.worker, None if one.finished is None else one.finished - one.started, one.reason)
        for one in attempts
    ]
    print_table(["attempt", "state", "worker", "seconds", "reason"], rows)
    for one in attempts:
        if one.traceback:
            print(f"attempt {one.number}:\n{one.traceback.rstrip()}")
