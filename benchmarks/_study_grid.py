"""The grid that the benchmarks of studies run, and what a tree of processes spends."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("efficienttrust"))
BATCH = 256  # of our training on as many rows as Adult has
STEPS_PER_EPOCH = 96  # of the 24,421 rows of Adult that are trained on, the last batch smaller
WIDTHS = ((64, 32), (128, 64))
WEIGHTS = (0.0, 1.0, 4.0)  # of the penalty on the gap of demographic parity
TARGET = "demographic_parity_difference <= 0.1"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
PATIENCE = 20.0  # seconds for servers to notice that their client has gone


def dashed(widths: Sequence[int]) -> str:
    """Return widths as an option of `mlp` says them."""
    return "-".join(map(str, widths))


def policy(weight: float) -> str:
    """Return the policy that holds the penalty at a weight and attacks nothing."""
    return f"static(lambda_fair={weight:g}, adversarial_share=0)"


def study_text(epochs: int, seeds: int, target: str) -> str:
    """Return the grid as a study file; an empty target asks for none."""
    models = ", ".join(f"{dashed(widths)}: mlp(widths={dashed(widths)})" for widths in WIDTHS)
    weights = ", ".join(f"weight {weight:g}: '{policy(weight)}'" for weight in WEIGHTS)
    return "\n".join(
        (
            "name: grid",
            "question: What does a penalty on the parity gap cost, at two widths?",
            "data: {adult: {source: adult, sensitive: sex}}",
            f"model: {{{models}}}",
            f"mitigation: {{{weights}}}",
            f"targets: [{target}]",
            f"reference: {{steps: {epochs * STEPS_PER_EPOCH}}}",
            f"seeds: {seeds}",
            "",
        )
    )


@dataclass(frozen=True)
class Spent:
    """Seconds of a tree of processes: on the clock until its root ended, and of CPU in all of it."""

    wall: float
    cpu: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


def spent_by(command: Sequence[str], log: Path) -> Spent:
    """Run a command, one thread a process, and return what it and all it left behind spent.

    Servers that outlive it become children of this process, so that their time counts too.
    """
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)
    before, begun = _cpu_of_children(), time.monotonic()
    with log.open("ab") as file:
        ended = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=file, stderr=file, check=False)
    wall = time.monotonic() - begun
    if ended.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)} ended with {ended.returncode}:\n{log.read_text(errors='replace')[-4000:]}"
        )
    _reap(time.monotonic() + PATIENCE)
    return Spent(wall, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap(deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
        except ChildProcessError:
            return
