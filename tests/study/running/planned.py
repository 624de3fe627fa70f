"""Studies of stand-ins, and the driver of one in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from efficienttrust.study import Trial
from efficienttrust.study.store import StudyIdentity
from tests.study.running.stand_in import trial

ROOT = Path(__file__).parents[3]

DRIVER = """
import json, pathlib, sys
from efficienttrust.study.running import ExecutorOptions, executors, run_study
from efficienttrust.study.running.executors import _process
from efficienttrust.study.store import open_store
from tests.study.running import stand_in
from tests.study.running.planned import Plan, of_stand_ins

_process.run_trial, _process.PRELOADED = stand_in.run, stand_in.PRELOADED
store, notes, trials, takes, seconds = sys.argv[1:]
plan = of_stand_ins(int(trials), notes, float(takes))
with open_store(store) as kept, executors.get("local")(ExecutorOptions(workers=2)) as executor:
    driven = run_study(plan, kept, executor, seconds=float(seconds))
print(json.dumps([dict(driven.counts), dict(driven.ended), driven.fenced, driven.interrupted]))
"""


@dataclass(frozen=True)
class Plan:
    """A study as the driver knows it."""

    planned: Sequence[Trial]

    def trials(self) -> Sequence[Trial]:
        return self.planned

    def identity(self) -> StudyIdentity:
        return StudyIdentity("stand-ins", "name: stand-ins\n", {}, {"d": "d" * 64}, {"training": "c" * 64})


def of_stand_ins(count: int, notes: object, takes: float) -> Plan:
    return Plan([trial("work", seed, notes=str(notes), takes=takes) for seed in range(count)])


def start_driver(
    store: Path, notes: Path, *, trials: int = 6, takes: float = 0.0, seconds: float = 60.0
) -> subprocess.Popen[str]:
    """Start the driver of a study of stand-ins; it prints what it came to."""
    command = [sys.executable, "-c", DRIVER, *map(str, (store, notes, trials, takes, seconds))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
