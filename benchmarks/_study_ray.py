"""Ray with two workers against Ray with one, on trials that have nothing to do with each other."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from _study_grid import COMMAND, WEIGHTS, WIDTHS, spent_by, study_text

from efficienttrust.study.store import open_store

AIM = 1.7


def run(quick: bool) -> list[str]:
    """Run the grid with one and with two workers and return lines of Markdown."""
    epochs, seeds, repetitions = (2, 1, 1) if quick else (10, 2, 2)
    trials = len(WIDTHS) * len(WEIGHTS) * seeds
    found: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    for _ in range(repetitions):
        for workers, runs in found.items():
            with tempfile.TemporaryDirectory() as folder:
                runs.append(_seconds(Path(folder), epochs, seeds, workers))
    lines = [
        "## Ray",
        "",
        (
            f"The same grid, {trials} trials, `study run --executor ray` on this machine, where the command starts "
            f"Ray; median of {repetitions} repetitions, taking turns. Trials take from the first claim to the last "
            "result, in which each worker of Ray loads the libraries once; the command also starts and ends Ray."
        ),
        "",
        "| workers | trials, s | whole command, s | CPU s a trial |",
        "|---|---|---|---|",
    ]
    for workers, runs in found.items():
        trial, whole, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        lines.append(f"| {workers} | {trial:.1f} | {whole:.1f} | {cpu / trials:.2f} |")
    ratios = [one[0] / two[0] for one, two in zip(found[1], found[2], strict=True)]
    lines += ["", f"Two workers are faster by **{statistics.median(ratios):.2f}×** (aim: ≥ {AIM:g}×)."]
    return lines


def _seconds(folder: Path, epochs: int, seeds: int, workers: int) -> tuple[float, float, float]:
    file = folder / "grid.yaml"
    file.write_text(study_text(epochs, seeds), encoding="utf-8")
    command = [COMMAND, "study", "run", str(file), "--executor", "ray", "--workers", str(workers), "--quiet"]
    spent = spent_by(command, folder / "log")
    with open_store(folder / "grid.db", read_only=True) as store:
        done = list(store.trials("done"))
    assert len(done) == len(WIDTHS) * len(WEIGHTS) * seeds, (folder / "log").read_text(encoding="utf-8")
    begun = min(one.started for one in done if one.started is not None)
    ended = max(one.finished for one in done if one.finished is not None)
    return ended - begun, spent.wall, spent.cpu
