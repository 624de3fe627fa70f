"""Trials an hour: a study on two cores, the same grid with skorch under joblib, and the command once for each trial."""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import product
from pathlib import Path

from _study_grid import COMMAND, STEPS_PER_EPOCH, TARGET, WEIGHTS, WIDTHS, Spent, dashed, policy, spent_by, study_text

WORKERS = 2
OURS, PEER, ALONE = "`study run`", "skorch, joblib", "`fit`, one after another"
AIMS = {PEER: 1.8, ALONE: 4.0}
Runs = dict[tuple[str, str], tuple[int, Spent]]


def run(quick: bool) -> list[str]:
    """Race the three, once without a target and once with one, and return lines of Markdown."""
    epochs, seeds = (2, 1) if quick else (10, 6)
    trials = len(WIDTHS) * len(WEIGHTS) * seeds
    shell = list(product(WIDTHS, WEIGHTS))[: 1 if quick else 6]
    found: Runs = {}
    for target in ("", TARGET):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found[OURS, target] = trials, _study(folder, epochs, seeds, target)
            found[PEER, target] = trials, _peer(folder, epochs, seeds, target)
    with tempfile.TemporaryDirectory() as name:
        found[ALONE, TARGET] = len(shell), _one_by_one(Path(name), epochs, shell)
    return [*_about(epochs, trials, len(shell)), "", *_table(found)]


def _study(folder: Path, epochs: int, seeds: int, target: str) -> Spent:
    file, log = folder / "grid.yaml", folder / "study.log"
    file.write_text(study_text(epochs, seeds, target), encoding="utf-8")
    spent = spent_by([COMMAND, "study", "run", str(file), "--workers", str(WORKERS), "--json", "--quiet"], log)
    counts = json.loads(log.read_text(encoding="utf-8"))["counts"]
    assert counts["done"] == len(WIDTHS) * len(WEIGHTS) * seeds, counts
    return spent


def _peer(folder: Path, epochs: int, seeds: int, target: str) -> Spent:
    script = Path(__file__).with_name("_study_peer.py")
    given = map(str, (epochs, seeds, WORKERS, int(bool(target))))
    return spent_by([sys.executable, str(script), *given], folder / "peer.log")


def _one_by_one(folder: Path, epochs: int, trials: list[tuple[tuple[int, ...], float]]) -> Spent:
    total = Spent(0.0, 0.0)
    for number, (widths, weight) in enumerate(trials):
        model, steps = f"mlp(widths={dashed(widths)})", epochs * STEPS_PER_EPOCH
        options = ["--sensitive", "sex", "--model", model, "--policy", policy(weight), "--target", TARGET]
        options += ["--budget", f"time={steps} steps", "--seed", "0", "--out", str(folder / str(number))]
        total += spent_by([COMMAND, "fit", "adult", *options], folder / "log")
    return total


def _about(epochs: int, trials: int, shell: int) -> list[str]:
    widths = " and ".join(map(dashed, WIDTHS))
    return [
        "## Trials an hour",
        "",
        (
            f"Adult; networks of {widths}, penalty on the parity gap of weight {', '.join(f'{w:g}' for w in WEIGHTS)}, "
            f"{trials // len(WIDTHS) // len(WEIGHTS)} seeds; each trial {epochs * STEPS_PER_EPOCH} steps of 256 rows "
            f"({epochs} epochs). From the start of a command to its end, loading of libraries included; once, one side "
            "after the other. CPU time is of the whole tree of processes."
        ),
        "",
        (
            f"- {OURS}: {WORKERS} workers. A trial trains, looks at the monitor rows some twenty times, exports an "
            "ONNX file, measures that file's latency, throughput and 23 metrics with intervals, and writes it all to "
            "the store. With a target it also calibrates thresholds of its best candidates and proves them on rows set "
            "apart."
        ),
        (
            f"- {PEER}: {WORKERS} processes. A trial trains the same network with Adam and the same penalty on batches "
            "of the same size, scores the monitor rows after each epoch, and measures eight metrics on the test rows, "
            "with intervals of 100 bootstrap resamples. With a target it also chooses the most accurate of 200 "
            "thresholds that keep it on the calibration rows. No proof, no file, no store. Data are prepared by our "
            "loader and kept by each process."
        ),
        (
            f"- {ALONE}: `efficienttrust fit` {shell} times from a shell, one process at a time on one thread; the "
            "same work as a trial of the study, and a folder with its report."
        ),
    ]


def _table(found: Runs) -> list[str]:
    lines = ["| side | target | trials | s | trials/h | CPU s a trial | a study is faster by | aim |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for (name, target), (trials, spent) in found.items():
        ours, of_ours = found[OURS, target]
        ratio = (ours / of_ours.wall) / (trials / spent.wall)
        compared = ["", ""] if name == OURS else [f"{ratio:.2f}×", f"≥ {AIMS[name]:g}×"]
        rates = [f"{spent.wall:.1f}", f"{3600 * trials / spent.wall:,.0f}", f"{spent.cpu / trials:.2f}"]
        lines.append(f"| {' | '.join([name, 'yes' if target else 'no', str(trials), *rates, *compared])} |")
    return lines
