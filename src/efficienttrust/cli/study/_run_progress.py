"""Progress of a study on stderr: drawn anew on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from efficienttrust.cli.study._store import levels

if TYPE_CHECKING:
    from efficienttrust.study.running import Progress

LINE_SECONDS = 10.0
FAILURES = 10  # that are told one by one


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield the callback that shows the progress of a study."""
    if quiet:
        yield lambda progress: None
        return
    failures = _Failures()
    if not sys.stderr.isatty():
        yield _Lines(failures)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:

        def show(progress: Progress) -> None:
            from rich.text import Text

            for line in failures.of(progress):
                live.console.print(Text(line))
            running = [f"  {levels(factors)}: {seconds:.0f} s" for factors, seconds in progress.running]
            live.update(Text("\n".join([_line(progress), *running])), refresh=True)

        yield show


class _Failures:
    """Tells of the first failures, one line each."""

    def __init__(self) -> None:
        self._told = 0

    def of(self, progress: Progress) -> Iterator[str]:
        for lease, outcome in progress.ended:
            if outcome.status == "failed" and self._told < FAILURES:
                self._told += 1
                yield f"failed: {levels(lease.factors)}, seed={lease.seed}: {outcome.reason}"


class _Lines:
    """Prints a line after a while, and when nothing more is started."""

    def __init__(self, failures: _Failures) -> None:
        self._failures = failures
        self._next = 0.0
        self._stopping = False

    def __call__(self, progress: Progress) -> None:
        for line in self._failures.of(progress):
            print(line, file=sys.stderr)
        now = time.monotonic()
        if now >= self._next or progress.stopping != self._stopping:
            self._next, self._stopping = now + LINE_SECONDS, progress.stopping
            print(_line(progress), file=sys.stderr, flush=True)


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
