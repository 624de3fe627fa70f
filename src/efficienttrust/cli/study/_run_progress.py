"""Progress of a study on stderr: drawn anew on a terminal, a line for each trial that ended elsewhere."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from efficienttrust.cli.study._store import levels

if TYPE_CHECKING:
    from efficienttrust.study import Outcome
    from efficienttrust.study.running import Progress
    from efficienttrust.study.store import Lease

LINE_SECONDS = 10.0
FAILURES = 10  # that are told one by one on a terminal


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield the callback that shows the progress of a study."""
    if quiet:
        yield lambda progress: None
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:
        told = itertools.count()

        def show(progress: Progress) -> None:
            from rich.text import Text

            for lease, outcome in progress.ended:
                if outcome.status == "failed" and next(told) < FAILURES:
                    live.console.print(Text(_ended(lease, outcome)))
            running = [f"  {levels(factors)}: {seconds:.0f} s" for factors, seconds in progress.running]
            live.update(Text("\n".join([_line(progress), *running])), refresh=True)

        yield show


class _Lines:
    """Prints a line for each trial that ended, and where the study stands after a while and when it stops."""

    def __init__(self) -> None:
        self._next = 0.0
        self._stopping = False

    def __call__(self, progress: Progress) -> None:
        for lease, outcome in progress.ended:
            print(_ended(lease, outcome), file=sys.stderr, flush=True)
        now = time.monotonic()
        if now >= self._next or progress.stopping != self._stopping:
            self._next, self._stopping = now + LINE_SECONDS, progress.stopping
            print(_line(progress), file=sys.stderr, flush=True)


def _ended(lease: Lease, outcome: Outcome) -> str:
    """Return what a trial came to: `failed: data=adult, model=mlp, seed=0: its process ended with exit code 1`."""
    return ": ".join(filter(None, (outcome.status, f"{levels(lease.factors)}, seed={lease.seed}", outcome.reason)))


def _line(progress: Progress) -> str:
    """Return where a study stands: `12 of 60 trials, 2 running, 1 failed, about 3 min left`."""
    counts = progress.counts
    ended = sum(counts[state] for state in ("done", "failed", "infeasible"))
    parts = [f"{ended} of {sum(counts.values())} trials"]
    parts += [f"{counts[state]} {state}" for state in ("running", "infeasible", "failed") if counts[state]]
    if progress.left is not None:
        minutes = progress.left / 60
        parts.append(f"about {minutes:.0f} min left" if minutes >= 1.5 else f"about {progress.left:.0f} s left")
    if progress.stopping:
        parts.append("stopping when the running trials have ended; Ctrl-C again gives them back")
    return ", ".join(parts)
