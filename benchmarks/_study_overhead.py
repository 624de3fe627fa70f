"""What a trial costs beyond what its ledger charges: a process, data from the cache, the outcome."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

from _study_grid import TARGET, policy

from efficienttrust.study.running import Executor, ExecutorOptions, executors

AIM = 0.150  # s
SECONDS = 1.0  # of a training


def run(quick: bool) -> list[str]:
    """Run trials one after another in the local executor and return lines of Markdown."""
    trials = 2 if quick else 12
    with executors.get("local")(ExecutorOptions(workers=1)) as executor:
        before = time.monotonic()
        _trial(executor, "first", "wall")  # waits for the libraries, and prepares the data for all others
        first = time.monotonic() - before
        wall, cpu = [], []
        for number in range(trials):
            begun = time.monotonic()
            ledger = _trial(executor, f"wall {number}", "wall")
            wall.append(time.monotonic() - begun - _charged(ledger, "wall"))
        for number in range(trials):
            used = _cpu_below()
            ledger = _trial(executor, f"cpu {number}", "cpu")
            cpu.append(_cpu_below() - used - _charged(ledger, "cpu"))
    lines = [
        "## A trial beyond its training",
        "",
        (
            f"{trials} trials on each clock, one at a time, Adult, {SECONDS:g} s each; what is left of a trial when "
            "everything is taken away that its ledger charged inside the budget (probe, training, calibration, proof "
            "of the choice, export) or after it (measuring the file, evaluation): making the process, reading the "
            "prepared data, checking the request, the outcome and its way back. Beside it, a driver's first trial "
            f"waits for the libraries once, which took {first - SECONDS:.1f} s."
        ),
        "",
        "| clock | median ms | range | aim |",
        "|---|---|---|---|",
    ]
    for name, found in (("wall", wall), ("cpu", cpu)):
        low, middle, high = (1000 * one for one in (min(found), statistics.median(found), max(found)))
        lines.append(f"| {name} | {middle:.0f} | {low:.0f}-{high:.0f} | ≤ {1000 * AIM:.0f} |")
    return lines


def _trial(executor: Executor, name: str, clock: str) -> Mapping[str, Any]:
    """Return the ledger of a trial; on the clock that is asked for, it names the share of each phase."""
    settings = {
        "data": {"source": "adult", "sensitive": "sex"},
        "model": "mlp(widths=64-32)",
        "policy": policy(1.0),
        "budget": f"time={SECONDS:g}s {clock}",
        "targets": [TARGET],
        "seed": 0,
    }
    executor.submit(name, settings)
    while not (ended := executor.wait(60)):
        pass
    outcome = ended[0].outcome
    assert outcome is not None, ended
    assert outcome.status == "done", outcome.reason
    found: Mapping[str, Any] = outcome.details["ledger"]
    return found


def _cpu_below() -> float:
    """Return the CPU seconds of the servers below this process and of all their children that have ended."""
    import psutil

    return float(sum(sum(one.cpu_times()[:4]) for one in psutil.Process().children(recursive=True)))


def _charged(ledger: Mapping[str, Any], clock: str) -> float:
    """Return the seconds that a ledger accounts for, without preparing the data, which an earlier trial did."""
    inside = sum(seconds for phase, seconds in ledger["time"]["phases"].items() if phase != "data")
    return float(inside + sum(one[clock] for one in ledger["outside"].values()))
