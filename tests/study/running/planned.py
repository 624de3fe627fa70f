"""Studies of stand-ins, and drivers and commands in processes of their own whose trials are stand-ins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from efficienttrust.study import Trial
from efficienttrust.study.store import StudyIdentity
from tests.study.running.stand_in import LONG, trial

ROOT = Path(__file__).parents[3]

WITH_STAND_INS = """
import json, os, pathlib, sys
from efficienttrust.study.running import _drive, _host
from efficienttrust.study.running.executors import _process
from tests.study.running import stand_in
_process.run_trial, _process.PRELOADED = stand_in.run, stand_in.PRELOADED
_drive.HostLock = lambda: _host.HostLock(pathlib.Path(os.environ["STAND_IN_HOST"]))
"""

DRIVER = f"""{WITH_STAND_INS}
from efficienttrust.study.running import ExecutorOptions, executors, run_study
from efficienttrust.study.store import open_store
from tests.study.running.planned import of_stand_ins

store, trials, seconds = sys.argv[1:]
with open_store(store) as kept, executors.get("local")(ExecutorOptions(workers=2)) as executor:
    driven = run_study(of_stand_ins(int(trials)), kept, executor, seconds=float(seconds))
print(json.dumps([driven.counts, driven.ended, driven.fenced, driven.interrupted]))
"""

WITH_CHILDREN = f"""{WITH_STAND_INS}
from efficienttrust.study.running import ExecutorOptions, executors
with executors.get("local")(ExecutorOptions(workers=2)) as executor:
    executor.submit("one", stand_in.trial("leave children").settings)
    executor.submit("two", stand_in.trial("hang in C", 1).settings)
    executor.wait(stand_in.LONG)
"""

COMMAND = f"""{WITH_STAND_INS}
from efficienttrust.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

STUDY = """\
name: small
question: Does it run?
data: [german]
model: [mlp]
constraint: [none, "steps=50%"]
mitigation: [plan, threshold]
targets: ["dpd <= 0.1"]
reference: {steps: 40}
seeds: 2
"""


@dataclass(frozen=True)
class Plan:
    """A study as the driver knows it."""

    planned: Sequence[Trial]

    def trials(self) -> Sequence[Trial]:
        return self.planned

    def identity(self) -> StudyIdentity:
        return StudyIdentity("stand-ins", "name: stand-ins\n", {}, {"d": "d" * 64}, {"training": "c" * 64})


def of_stand_ins(count: int) -> Plan:
    """A study of work; one trial in seven must run alone."""
    return Plan([trial("work", seed, exclusive=seed % 7 == 6) for seed in range(count)])


def start_driver(store: Path, notes: Path, *, trials: int, takes: float, seconds: float) -> subprocess.Popen[str]:
    """Start the driver of a study of stand-ins; it prints what it came to."""
    return _start([DRIVER, str(store), str(trials), str(seconds)], notes, takes)


def start_trials_with_children(notes: Path) -> subprocess.Popen[str]:
    """Start a driver of one trial that has children of all kinds, and one that hangs in C."""
    return _start([WITH_CHILDREN], notes, LONG)


def start_command(*arguments: str, notes: Path, takes: float = 0.0) -> subprocess.Popen[str]:
    """Start `efficienttrust` with these arguments, where trials are stand-ins."""
    return _start([COMMAND, *arguments], notes, takes)


def _start(arguments: Sequence[str], notes: Path, takes: float) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "STAND_IN_NOTES": str(notes),
        "STAND_IN_TAKES": str(takes),
        "STAND_IN_HOST": str(notes.parent),
    }
    return subprocess.Popen(
        [sys.executable, "-c", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=environment,
    )  # fmt: skip
