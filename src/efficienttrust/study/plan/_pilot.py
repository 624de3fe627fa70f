"""A pilot: a few trials of each cost class, run through the same door as the study and kept in its store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome, Trial
from efficienttrust.study.plan._costs import cost_class

if TYPE_CHECKING:
    from efficienttrust.study.spec import Study

SEEDS = 2  # of a class: the least that shows a spread
BREATH = 0.2  # seconds for which a result is waited for
LEASE = 3_600.0  # seconds; after so many a trial of a pilot that died is claimable again
Run = Callable[[Mapping[str, Any]], Outcome]


def pilot_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of a pilot: the first seeds of the first cell of each cost class."""
    first: dict[tuple[str, str, str], str] = {}
    taken: dict[str, int] = {}
    chosen = []
    for one in trials:
        if first.setdefault(cost_class(one.factors), one.cell) == one.cell and taken.get(one.cell, 0) < SEEDS:
            taken[one.cell] = taken.get(one.cell, 0) + 1
            chosen.append(one)
    return chosen


def run_pilot(
    study: Study, store: str | Path | None = None, *, run: Run | None = None
) -> Iterator[tuple[Trial, Outcome]]:
    """Run the pilot of a study and yield each trial with its outcome; those that have ended are not run again.

    Args:
        study: The study.
        store: Its store; by default the file beside the study file.
        run: What runs the settings of a trial; by default `run_trial` in a fresh process, as the study does.

    Raises:
        UsageError: The store belongs to another study, or another driver holds a trial of the pilot.
    """
    from efficienttrust.study.store import ENDED, open_store

    trials = study.trials()
    chosen = {one.key: one for one in pilot_trials(trials)}
    with open_store(study.store if store is None else store) as kept, _running(run) as run_one:
        kept.begin(study.identity(), trials)
        wanted = chosen.keys() - {one.trial.key for one in kept.trials(*ENDED)}
        while wanted:
            leases = kept.claim("pilot", seconds=LEASE, keys=wanted)
            if not leases:
                raise UsageError(
                    f"{len(wanted)} trials of the pilot are not free: another driver runs them; wait for it, and plan "
                    "without --pilot"
                )
            try:
                outcome = run_one(leases[0].settings)
            except BaseException:  # Ctrl-C: the trial waits again
                kept.release(leases[0])
                raise
            kept.finish(leases[0], outcome)
            wanted -= {leases[0].key}
            yield chosen[leases[0].key], outcome


@contextmanager
def _running(run: Run | None) -> Iterator[Run]:
    if run is not None:
        yield run
        return
    from efficienttrust.study.running import ExecutorOptions, executors

    with executors.get("local")(ExecutorOptions(workers=1)) as executor:

        def run_apart(settings: Mapping[str, Any]) -> Outcome:
            executor.submit("pilot", settings)
            while not (ended := executor.wait(BREATH)):
                pass
            return ended[0].outcome or Outcome("failed", reason=ended[0].reason)

        yield run_apart
