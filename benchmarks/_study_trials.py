"""Trials an hour: a study on two cores, the same grid with skorch under joblib, and the command once for each trial."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

from _study_grid import COMMAND, STEPS_PER_EPOCH, TARGET, WEIGHTS, WIDTHS, Spent, dashed, policy, spent_by, study_text

WORKERS = 2
RESAMPLES = 100
PEER = "skorch, joblib"
BARE = "skorch, joblib, no intervals"
ALONE = "`fit`, one after another"
OURS = "`study run`"
AIMS = {PEER: 1.8, ALONE: 4.0}


def run(quick: bool) -> list[str]:
    """Race the three and return lines of Markdown."""
    epochs, seeds, repetitions = (2, 1, 1) if quick else (10, 4, 2)
    trials = len(WIDTHS) * len(WEIGHTS) * seeds
    shell = list(product(WIDTHS, WEIGHTS))[: 2 if quick else 6]
    sides: dict[str, Callable[[Path], tuple[int, Spent]]] = {
        OURS: lambda folder: (trials, _study(folder, epochs, seeds)),
        PEER: lambda folder: (trials, _peer(folder, epochs, seeds, RESAMPLES)),
        BARE: lambda folder: (trials, _peer(folder, epochs, seeds, 0)),
        ALONE: lambda folder: (len(shell), _one_by_one(folder, epochs, shell)),
    }
    found: dict[str, list[tuple[int, Spent]]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(side(Path(folder)))
    return [*_about(epochs, trials, len(shell), repetitions), "", *_table(found)]


def _study(folder: Path, epochs: int, seeds: int) -> Spent:
    file = folder / "grid.yaml"
    file.write_text(study_text(epochs, seeds), encoding="utf-8")
    log = folder / "log"
    spent = spent_by([COMMAND, "study", "run", str(file), "--workers", str(WORKERS), "--json", "--quiet"], log)
    counts = json.loads(log.read_text(encoding="utf-8"))["counts"]
    assert counts["done"] == len(WIDTHS) * len(WEIGHTS) * seeds, counts
    return spent


def _peer(folder: Path, epochs: int, seeds: int, resamples: int) -> Spent:
    script = Path(__file__).with_name("_study_peer.py")
    return spent_by([sys.executable, str(script), *map(str, (epochs, seeds, resamples, WORKERS))], folder / "log")


def _one_by_one(folder: Path, epochs: int, trials: list[tuple[tuple[int, ...], float]]) -> Spent:
    total = Spent(0.0, 0.0)
    for number, (widths, weight) in enumerate(trials):
        model, steps = f"mlp(widths={dashed(widths)})", epochs * STEPS_PER_EPOCH
        options = ["--sensitive", "sex", "--model", model, "--policy", policy(weight), "--target", TARGET]
        options += ["--budget", f"time={steps} steps", "--seed", "0", "--out", str(folder / str(number))]
        total += spent_by([COMMAND, "fit", "adult", *options], folder / "log")
    return total


def _about(epochs: int, trials: int, shell: int, repetitions: int) -> list[str]:
    widths = " and ".join(map(dashed, WIDTHS))
    return [
        "## Trials an hour",
        "",
        (
            f"Adult; networks of {widths}, penalty on the parity gap of weight {', '.join(f'{w:g}' for w in WEIGHTS)}, "
            f"{trials} trials in all; each {epochs * STEPS_PER_EPOCH} steps of 256 rows ({epochs} epochs). From the "
            f"start of a command to its end, loading of libraries included; median of {repetitions} repetitions, sides "
            "taking turns. CPU time is of the whole tree of processes."
        ),
        "",
        (
            f"- {OURS}: {WORKERS} workers. A trial trains, looks at the monitor rows some twenty times, calibrates "
            "thresholds of its best candidates, proves them on rows set apart, exports an ONNX file, measures that "
            "file's latency, throughput and all metrics with intervals, and writes it all to the store."
        ),
        (
            f"- {PEER}: {WORKERS} processes. A trial trains the same network with Adam and the same penalty on batches "
            "of the same size, scores the monitor rows after each epoch, chooses among 200 thresholds on the "
            f"calibration rows, and measures eight metrics on the test rows, with intervals of {RESAMPLES} bootstrap "
            "resamples. No proof, no file, no store. Data are prepared by our loader and kept by each process."
        ),
        f"- {BARE}: the same without intervals, so that less is done than by a trial of a study.",
        (
            f"- {ALONE}: `efficienttrust fit` {shell} times from a shell, one process at a time on one thread; it also "
            "writes a folder with its report."
        ),
    ]


def _table(found: dict[str, list[tuple[int, Spent]]]) -> list[str]:
    lines = [
        "| side | trials | s | trials/h | CPU s a trial | a study is faster by | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    rates = {name: [trials / one.wall for trials, one in runs] for name, runs in found.items()}
    for name, runs in found.items():
        walls = [one.wall for _, one in runs]
        ratios = [ours / theirs for ours, theirs in zip(rates[OURS], rates[name], strict=True)]
        ratio = "" if name == OURS else f"{statistics.median(ratios):.2f}× ({min(ratios):.2f}-{max(ratios):.2f})"
        aim = f"≥ {AIMS[name]:g}×" if name in AIMS else ""
        cpu = statistics.median(one.cpu / trials for trials, one in runs)
        lines.append(
            f"| {name} | {runs[0][0]} | {statistics.median(walls):.1f} | "
            f"{3600 * statistics.median(rates[name]):,.0f} | {cpu:.2f} | {ratio} | {aim} |"
        )
    return lines
