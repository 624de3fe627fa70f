"""Progress of a run on stderr: a live bar on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from efficienttrust.pipeline import ProgressEvent

REFRESH_SECONDS = 0.25
"""Least wall-clock seconds between two drawings of the bar: drawing is charged to the budget like everything else."""

LINE_FRACTION = 0.1
"""Share of the budget after which the next log line of a phase is due."""


@contextmanager
def progress_display(*, quiet: bool, compare_groups: bool = True) -> Iterator[Callable[[ProgressEvent], None] | None]:
    """Yield the callback that shows progress, or None when nothing is to be shown.

    Args:
        quiet: Show nothing.
        compare_groups: Show metrics that compare groups; on monitor rows these may be of a few people.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _live_bar() as show:
            yield show if compare_groups else _without_groups(show)
    else:
        yield _Lines() if compare_groups else _without_groups(_Lines())


def _without_groups(show: Callable[[ProgressEvent], None]) -> Callable[[ProgressEvent], None]:
    from efficienttrust.report import compares_groups

    def told(event: ProgressEvent) -> None:
        show(replace(event, metrics={key: one for key, one in event.metrics.items() if not compares_groups(key)}))

    return told


class _Lines:
    """Print a line whenever the phase changes or a tenth of the budget has passed."""

    def __init__(self) -> None:
        self._phase = ""
        self._next = 0.0

    def __call__(self, event: ProgressEvent) -> None:
        for line in event.lines:
            print(line, file=sys.stderr)
        if event.lines:
            return
        if event.phase != self._phase or event.fraction >= self._next:
            self._phase = event.phase
            self._next = event.fraction + LINE_FRACTION
            parts = (f"{event.fraction:4.0%}", event.phase, f"step {event.step}", event.action, _metrics(event))
            print(" | ".join(part for part in parts if part), file=sys.stderr)


@contextmanager
def _live_bar() -> Iterator[Callable[[ProgressEvent], None]]:
    from rich.console import Console
    from rich.live import Live

    drawn = 0.0
    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:

        def show(event: ProgressEvent) -> None:
            nonlocal drawn
            for line in event.lines:
                live.console.print(line)
            now = time.monotonic()
            if now - drawn >= REFRESH_SECONDS:
                drawn = now
                live.update(_bar(event), refresh=True)

        yield show


def _bar(event: ProgressEvent) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    head = f"{event.phase}, step {event.step}: {_left(event)}"
    bar = ProgressBar(total=1.0, completed=min(event.fraction, 1.0), width=60)
    return Group(Text(head), bar, Text(_metrics(event)), Text(event.action, style="dim"))


def _left(event: ProgressEvent) -> str:
    if event.limit == float("inf"):
        return f"{event.used:.4g} {_unit(event.clock)} used, no limit"
    return f"{max(event.limit - event.used, 0.0):.4g} of {event.limit:.4g} {_unit(event.clock)} left"


def _unit(clock: str) -> str:
    return f"s {clock}" if clock in {"wall", "cpu"} else clock


def _metrics(event: ProgressEvent) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in event.metrics.items())
