"""Trials a second that a store takes, and up to how many workers that is enough: the figures of `_study_store`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _study_store import ENOUGH, Row, enough_for, simulate, throughput

WRITERS = (1, 4, 16)
TRAININGS = (1.0, 10.0, 60.0)  # mean seconds
CROWD = 1000
KINDS = ("SQLite", "PostgreSQL")


def run(quick: bool) -> list[str]:
    """Measure stores of both kinds and return lines of Markdown."""
    trials = 60 if quick else 600
    lines = [
        "## The store",
        "",
        (
            f"Processes that claim and finish {trials} trials of no duration and 40 figures, as quickly as they can; "
            "on disk, all on this machine. Milliseconds are of claim and finish together, as a writer sees them."
        ),
        "",
        "| store | writers | trials/s | p50 ms | p99 ms | max ms | lost or doubled |",
        "|---|---|---|---|---|---|---|",
    ]
    alone: dict[str, Row] = {}
    for kind in KINDS:
        with _places(kind) as places:
            if isinstance(places, str):
                lines.append(f"| {kind} | {places} | | | | | |")
                continue
            for writers in WRITERS:
                row = throughput(next(places), writers, trials)
                alone.setdefault(kind, row)
                found = row.columns()
                lines.append(
                    f"| {kind} | {writers} | {found['trials/s']:.0f} | {found['p50 ms']:.1f} | {found['p99 ms']:.1f} | "
                    f"{found['max ms']:.1f} | {found['lost']:.0f} |"
                )
    return [*lines, "", *_simulated(alone)]


def _simulated(alone: dict[str, Row]) -> list[str]:
    lines = [
        (
            "On a virtual clock, with the times of transactions measured with one writer, one transaction at a time "
            f"and a renewal of each lease every 20 s; the store is no bottleneck as long as {ENOUGH:.0%} of a worker's "
            "time is training."
        ),
        "",
        f"| store | mean s a training | no bottleneck up to workers | share of training, {CROWD:,d} workers |",
        "|---|---|---|---|",
    ]
    for kind, row in alone.items():
        transactions = [*row.claim, *row.finish]
        for seconds in TRAININGS:
            most = enough_for(seconds, transactions)
            crowd = simulate(CROWD, seconds, transactions, trials=4 * CROWD)
            lines.append(f"| {kind} | {seconds:g} | **{most:,d}** | {crowd.efficiency:.0%} |")
    return lines


@contextmanager
def _places(kind: str) -> Iterator[Iterator[str] | str]:
    """Yield addresses of new stores on a disk, or why there are none."""
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as folder:
            yield (str(Path(folder) / f"{number}.db") for number in range(len(WRITERS)))
        return
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.postgres_server import missing, server

    if reason := missing():
        yield f"not measured: {reason}"
        return
    with server(on_disk=True) as one:
        yield (one.database(f"study_{number}") for number in range(len(WRITERS)))
