"""A plan of 20,000 trials: how long it takes to make, to print and to enter into a store, and in how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _study_grid import COMMAND

SECONDS, MEGABYTES = 5.0, 300.0
MODELS = ("mlp(widths=32-16)", "mlp(widths=64-32)", "mlp(widths=128-64)", "linear")
CONSTRAINTS = ("none", *(f"time={share}%" for share in (5, 10, 20, 50)), *(f"prune=0.{digit}" for digit in range(1, 6)))
MITIGATIONS = ("early_stop", "threshold", "reweighing", "group_dro", "plan")
MAKE = "from pathlib import Path; import sys; from efficienttrust.study.spec import open_study; "
MAKE += "study = open_study(Path(sys.argv[1])); trials = study.trials(); study.identity(); "
COUNT = "print(len(trials))"
ENTER = (
    "from efficienttrust.study.store import open_store; store = open_store(sys.argv[2]); "
    "store.begin(study.identity(), trials); print(sum(store.counts().values()))"
)


def run(quick: bool) -> list[str]:
    """Plan in fresh processes and return lines of Markdown."""
    seeds = 5 if quick else 50
    trials = 2 * len(MODELS) * len(CONSTRAINTS) * len(MITIGATIONS) * seeds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "many.yaml"
        file.write_text(_text(seeds), encoding="utf-8")
        commands = {
            "read the file, make all trials and the identity": [sys.executable, "-c", MAKE + COUNT, str(file)],
            "`study plan`, before there is a store": [COMMAND, "study", "plan", str(file)],
            "make all trials and enter them into a new SQLite store": [
                sys.executable, "-c", MAKE + ENTER, str(file), str(folder / "many.db"),
            ],
            "`study plan`, all trials in the store": [COMMAND, "study", "plan", str(file)],
        }  # fmt: skip
        measured = {what: _measured(command) for what, command in commands.items()}
    lines = [
        f"## A plan of {trials:,d} trials",
        "",
        (
            f"{trials // seeds} cells, {seeds} seeds; each in a fresh process, from its start to its end. Asked: at "
            f"most {SECONDS:g} s and {MEGABYTES:g} MB."
        ),
        "",
        "| what | s | CPU s | peak MB |",
        "|---|---|---|---|",
    ]
    for what, (wall, cpu, peak) in measured.items():
        lines.append(f"| {what} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |")
    return lines


def _text(seeds: int) -> str:
    return "\n".join(
        (
            "name: many",
            "question: How long does a plan take?",
            "data: {german: {source: german, sensitive: sex}, compas: {source: compas, sensitive: race}}",
            f"model: [{', '.join(map(_quoted, MODELS))}]",
            f"constraint: [{', '.join(map(_quoted, CONSTRAINTS))}]",
            f"mitigation: [{', '.join(MITIGATIONS)}]",
            "targets: [demographic_parity_difference <= 0.1]",
            "reference: {steps: 400}",
            f"seeds: {seeds}",
            "",
        )
    )


def _quoted(text: str) -> str:
    return f"'{text}'"


def _measured(command: Sequence[str]) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and peak megabytes of a command."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
