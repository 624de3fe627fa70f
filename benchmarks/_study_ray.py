"""Ray with two workers against Ray with one, on trials that have nothing to do with each other."""

from __future__ import annotations

import tempfile
from pathlib import Path

from _study_grid import COMMAND, TARGET, WEIGHTS, WIDTHS, spent_by, study_text

from efficienttrust.study.store import open_store

AIM = 1.7


def run(quick: bool) -> list[str]:
    """Run the grid with one and with two workers and return lines of Markdown."""
    epochs, seeds = (2, 1) if quick else (10, 4)
    trials = len(WIDTHS) * len(WEIGHTS) * seeds
    found: dict[int, tuple[float, float, float]] = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            found[workers] = _seconds(Path(folder), epochs, seeds, workers)
    lines = [
        "## Ray",
        "",
        (
            f"The same grid, {trials} trials, `study run --executor ray` on this machine, where the command starts "
            f"Ray. Trials take from the first claim to the last "
            "result, in which each worker of Ray loads the libraries once; the command also starts and ends Ray."
        ),
        "",
        "| workers | trials, s | whole command, s | CPU s a trial |",
        "|---|---|---|---|",
    ]
    for workers, (trial, whole, cpu) in found.items():
        lines.append(f"| {workers} | {trial:.1f} | {whole:.1f} | {cpu / trials:.2f} |")
    lines += ["", f"Two workers are faster by **{found[1][0] / found[2][0]:.2f}×** (aim: ≥ {AIM:g}×)."]
    return lines


def _seconds(folder: Path, epochs: int, seeds: int, workers: int) -> tuple[float, float, float]:
    file = folder / "grid.yaml"
    file.write_text(study_text(epochs, seeds, TARGET), encoding="utf-8")
    command = [COMMAND, "study", "run", str(file), "--executor", "ray", "--workers", str(workers), "--quiet"]
    spent = spent_by(command, folder / "log")
    with open_store(folder / "grid.db", read_only=True) as store:
        done = list(store.trials("done"))
    assert len(done) == len(WIDTHS) * len(WEIGHTS) * seeds, (folder / "log").read_text(encoding="utf-8")
    begun = min(one.started for one in done if one.started is not None)
    ended = max(one.finished for one in done if one.finished is not None)
    return ended - begun, spent.wall, spent.cpu
