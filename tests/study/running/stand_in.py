"""What a trial does in tests of what surrounds it; `light` puts `run` in the place of `run_trial`."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from efficienttrust.study import Outcome
from efficienttrust.study._trial import Trial, content_address, trial_key

PRELOADED = ("tests.study.running.stand_in", "efficienttrust.study.running.executors._process")
LONG = 100.0
VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "notes": ("STAND_IN_NOTES", str),
    "takes": ("STAND_IN_TAKES", float),
}
FROM_ENVIRONMENT = {name: kind(os.environ[one]) for name, (one, kind) in VARIABLES.items() if one in os.environ}


def trial(does: str, seed: int = 0, *, exclusive: bool = False, **settings: Any) -> Trial:
    """A trial of a study, of the cell that is named by what it does."""
    settings = {"does": does, "seed": seed, **settings}
    return Trial(
        key=trial_key(settings, data="d" * 64, code="c" * 64), cell=content_address(does), factors={"does": does},
        settings=settings, seed=seed, exclusive=exclusive,
    )  # fmt: skip


def run(settings: Mapping[str, Any], *, cache: Path) -> Outcome:
    """Do what the settings say, and note in a file that it was begun and, perhaps, that it ended.

    Settings that say nothing, as those of a real study, are work; the environment says where to note and how long.
    """
    settings = {"does": "work", **FROM_ENVIRONMENT, **settings}
    note(settings, "begun")
    outcome = DEEDS[settings["does"]](settings)
    note(settings, "ended")
    return outcome


def run_and_exit(settings: Mapping[str, Any], *, cache: Path) -> Outcome:
    """Come to nothing."""
    return _exits(settings)


def note(settings: Mapping[str, Any], what: str) -> None:
    if "notes" in settings:
        line = f"{settings['seed']} {what} {time.monotonic()} {os.getpid()}\n"
        with open(settings["notes"], "a") as file:  # one write: lines of several processes do not mix
            file.write(line)


def notes(file: Path) -> list[tuple[int, str, float, int]]:
    """Seed, what happened, when, and in which process."""
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(int(seed), what, float(when), int(pid)) for seed, what, when, pid in lines]


def lives(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def all_dead(pids: list[int], seconds: float = 20.0) -> bool:
    """Whether all processes are gone after so many seconds."""
    until = time.monotonic() + seconds
    while any(map(lives, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(lives, pids))


def _works(settings: Mapping[str, Any]) -> Outcome:
    time.sleep(settings.get("takes", 0.0))
    return Outcome("done", {"metric.x": math.sin(settings["seed"])})


def _hangs_in_c(settings: Mapping[str, Any]) -> Outcome:
    ctypes.PyDLL(None).usleep(int(LONG * 1e6))  # holds the lock of the interpreter
    raise AssertionError("it should have been killed")


def _leaves_children(settings: Mapping[str, Any]) -> Outcome:
    """Start one child, one in a session of its own, and one whose parent is gone; wait where it should."""
    sleep = [sys.executable, "-S", "-c", f"import time; time.sleep({LONG})"]
    children = [subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid]
    orphan = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], start_new_session=True, stdout=2).pid)"
    told = subprocess.run([sys.executable, "-S", "-c", orphan, *sleep], stdout=subprocess.PIPE, check=True)
    children.append(int(told.stdout))
    for child in children:
        with open(settings["notes"], "a") as file:
            file.write(f"{settings['seed']} child {time.monotonic()} {child}\n")
    time.sleep(settings.get("takes", 0.0))
    return Outcome("done")


def _eats_memory(settings: Mapping[str, Any]) -> Outcome:
    """Let a child have it, in a session of its own."""
    eat = f"import time\nkept = []\nwhile len(kept) < 40:\n    kept.append(bytes(10_000_000).replace(b'\\0', b'1'))\n    time.sleep(0.05)\ntime.sleep({LONG})"  # noqa: E501
    subprocess.run([sys.executable, "-S", "-c", eat], start_new_session=True, check=True)
    raise AssertionError("it should have been killed")


def _exits(settings: Mapping[str, Any]) -> Outcome:
    print("these were its last words", flush=True)
    os._exit(3)


def _crashes(settings: Mapping[str, Any]) -> Outcome:
    ctypes.string_at(8)
    raise AssertionError("it should have crashed")


def _is_killed(settings: Mapping[str, Any]) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it should have been killed")


def _is_killed_once(settings: Mapping[str, Any]) -> Outcome:
    if len(notes(Path(settings["notes"]))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return _works(settings)


def _prints(settings: Mapping[str, Any]) -> Outcome:
    for _ in range(30):
        print("x" * 1_000_000, file=sys.stderr)
        time.sleep(settings.get("takes", 0.0))
    return Outcome("done", details={"long": "y" * 3_000_000})


def _quits(settings: Mapping[str, Any]) -> Outcome:
    sys.exit("enough")


DEEDS = {
    "work": _works,
    "hang in C": _hangs_in_c,
    "leave children": _leaves_children,
    "eat memory": _eats_memory,
    "exit": _exits,
    "crash": _crashes,
    "be killed": _is_killed,
    "be killed once": _is_killed_once,
    "print": _prints,
    "quit": _quits,
}
