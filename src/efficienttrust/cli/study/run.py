"""The verb `study run`: run what is left of a study, which is also how it is resumed."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.cli._output import print_json
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.study.running import ExecutorOptions
    from efficienttrust.study.spec import Study

INTERRUPTED = 130


def run(
    study: Path,
    /,
    *,
    workers: int | None = None,
    executor: str | None = None,
    address: str | None = None,
    store: str | None = None,
    accept_change: bool = False,
    limit: int | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Run what is left of a study; the same command again goes on where it stopped.

    Ctrl-C lets the running trials end and starts no more; a second Ctrl-C gives them back at once. Several of these
    commands on one store help each other. After a crash, trials that ran wait a minute until they are begun again. Exit
    codes: 0 no trial failed (with --limit, some may still wait), 1 some failed, 2 wrong usage or input, or a store that
    cannot be written, 130 interrupted.

    Args:
        study: Study file.
        workers: Trials at a time, each in one thread; by default one for each core.
        executor: Who runs them: local (the default), ray or slurm.
        address: Of a Ray cluster, as `auto` or `HOST:PORT`, or the partition of Slurm.
        store: The store, where it is not beside the study file: a path, or a postgresql:// address.
        accept_change: Go on although the study, its data or the code changed since it began.
        limit: Begin at most so many trials.
        json: Print one JSON document on stdout.
        quiet: Print no progress.
    """
    for name, value in (("workers", workers), ("limit", limit)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: use a whole number from 1")
    from efficienttrust.cli.study._run_progress import progress_display
    from efficienttrust.study.running import executors, run_study
    from efficienttrust.study.spec import open_study
    from efficienttrust.study.store import open_store

    opened = open_study(study)
    make = executors.get(executor or opened.spec.executor.name)
    with open_store(store or opened.store) as kept:
        for note in kept.notes:
            print(f"note: {note}", file=sys.stderr)
        with make(_options(opened, workers, address)) as running, progress_display(quiet=quiet) as tell:
            driven = run_study(opened, kept, running, accept_change=accept_change, limit=limit, tell=tell)
        reasons = Counter(one.outcome.reason for one in kept.trials("failed") if one.outcome is not None)
    if json:
        print_json(
            {
                "counts": dict(driven.counts),
                "ended": dict(driven.ended),
                "fenced": driven.fenced,
                "interrupted": driven.interrupted,
                "failures": dict(reasons),
            }
        )
    else:
        print(", ".join(f"{count} {state}" for state, count in driven.counts.items() if count) or "no trials")
        for reason, count in reasons.most_common(5):
            print(f"  {count} failed: {reason}")
    if driven.interrupted:
        print("interrupted; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    return int(driven.counts["failed"] > 0)


def _options(study: Study, workers: int | None, address: str | None) -> ExecutorOptions:
    from efficienttrust.resources import Budget
    from efficienttrust.study.running import ExecutorOptions, Limits

    limits = study.spec.limits
    memory = None if limits.memory is None else Budget.parse(f"memory={limits.memory}").memory
    return ExecutorOptions(workers or study.spec.executor.workers, address, Limits(memory, limits.seconds))
