"""Structured pruning and int8 of a ResNet-20, as deployed: trained, cut, recovered, exported, measured in turns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from efficienttrust import compress, fit
from efficienttrust.data import Problem, load_image_problem
from efficienttrust.pipeline import Run
from efficienttrust.pipeline._file import single_row_call
from efficienttrust.pipeline._origin import file_of
from efficienttrust.pipeline.compressing._figures import BATCH, batch_call
from efficienttrust.resources import measure_latency

AIM = 1.8
ROUNDS = 15
ABOUT = (
    "A ResNet-20 trained on {rows:,} pictures of CIFAR-10, compressed by the verb `compress`; the files are measured "
    "in turns, median CPU milliseconds of the best of {rounds} rounds, one thread. Each speed-up is over the row "
    "above; the aim is {aim} at batch 1 for each. Seed 0; accuracy on {test:,} test pictures with its 95 % interval."
)


def run(quick: bool) -> list[str]:
    """Return the table."""
    problem = pictures(1500 if quick else 6000)
    seconds = 20 if quick else 60
    dense = fit(problem, budget=f"time={seconds}s cpu", targets=(), model="resnet20", seed=0)
    recover = ("recover", f"{seconds // 2}s cpu")
    half = ("prune", "structured:0.5")
    arms = {
        "float": dense,
        f"{half[1]}, recovered": compress(dense, [half, recover], problem=problem),
        "int8 on top": compress(dense, [half, recover, ("quantize", "int8")], problem=problem),
    }
    rounds = 3 if quick else ROUNDS
    single, many = (timed(problem, list(arms.values()), batch, rounds) for batch in (1, BATCH))
    test = len(problem.splits["test"])
    lines = [
        ABOUT.format(rows=len(problem.splits["train"]), rounds=rounds, aim=AIM, test=test),
        "",
        "| file | bytes | ms, batch 1 | speed-up | ms, batch 256 | speed-up | accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for index, (name, made) in enumerate(arms.items()):
        accuracy = made.metrics["accuracy"]
        gained = [f"{one[index - 1] / one[index]:.2f}" if index else "" for one in (single, many)]
        lines.append(
            f"| {name} | {len(made.content):,} | {single[index]:.3f} | {gained[0]} | {many[index]:.1f} | {gained[1]} | "
            f"{accuracy['value']:.3f} [{accuracy['low']:.3f}, {accuracy['high']:.3f}] |"
        )
    return lines


def pictures(rows: int) -> Problem:
    """Return a part of CIFAR-10."""
    shared = os.environ.get("EFFICIENTTRUST_SHARED", "")
    copy = Path(shared) / "cifar10"
    place = f":{copy}" if shared and copy.exists() else ""
    return load_image_problem(f"cifar10{place}", limit=rows, seed=0)


def timed(problem: Problem, runs: Sequence[Run], batch: int, rounds: int) -> list[float]:
    """Return the median CPU milliseconds of a call of each file, in the round in which it was lowest."""
    files = [file_of(one) for one in runs]
    calls = [single_row_call(problem, file) if batch == 1 else batch_call(problem, file, batch) for file in files]
    measured = [[measure_latency(call, max_seconds=0.3).cpu_p50_ms for call in calls] for _ in range(rounds)]
    return [min(column) for column in zip(*measured, strict=True)]
