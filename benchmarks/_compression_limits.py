"""`--to` against the best configuration of the whole grid, which is known only once all of it has been trained."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from efficienttrust import compress, fit, load_problem
from efficienttrust.data import Problem
from efficienttrust.pipeline import Run
from efficienttrust.pipeline._progress import Tell
from efficienttrust.pipeline.compressing._chain import parse_chain
from efficienttrust.pipeline.compressing._choose import KEPT, STORED, Search, words_of
from efficienttrust.pipeline.compressing._compress import make_compress_request, open_source
from efficienttrust.resources import Ledger

LIMITS = "size=20kB, latency=0.2ms"
BYTES, LATENCY_MS = 20_000, 0.2
FACTOR = 1.3
POINTS = 0.01
WIDEST = 3  # networks of each way to store weights that fit: narrower ones have less capacity and the same budget
ABOUT = (
    "The MLP 256-128 of Adult (no target but accuracy) has to fit into `{limits}`. Every point of the grid (share of "
    "the units kept × share of weights masked × bits) that fits is recovered for {seconds} s of CPU time, the {widest} "
    "widest of each way to store weights; `--to` gets {factor} times the budget of one of them for search, training, "
    "calibration and export together. Accuracy on the test split; the aim is to be within {points:.0%} of the best, "
    "which is chosen by the same test rows and therefore flattered."
)


def run(quick: bool) -> list[str]:
    """Return the table."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    seconds, seeds = (2, 1) if quick else (5, 3)
    lines = [
        ABOUT.format(limits=LIMITS, seconds=seconds, widest=WIDEST, factor=FACTOR, points=POINTS),
        "",
        "| seed | best of the grid | accuracy | `--to` chose | accuracy | difference | CPU / of one | bytes | p95 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for seed in range(seeds):
        dense = fit(problem, budget="time=10s cpu", targets=(), model="mlp(widths=256-128)", seed=seed)
        known = {name: accuracy(made) for name, made in grid(dense, problem, seconds, 1 if quick else WIDEST)}
        best = max(known, key=lambda name: known[name])
        made = compress(dense, to=LIMITS, budget=f"time={FACTOR * seconds}s cpu", problem=problem)
        chain = [text for text in made.document["compression"]["chain"] if not text.startswith("recover")]
        ledger = made.ledger
        lines.append(
            f"| {seed} | {best} of {len(known)} | {known[best]:.4f} | {', '.join(chain)} | {accuracy(made):.4f} | "
            f"{accuracy(made) - known[best]:+.4f} | {ledger['time']['used'] / seconds:.2f} | {len(made.content):,} | "
            f"{ledger['latency']['used']:.3f} |"
        )
    return lines


def grid(dense: Run, problem: Problem, seconds: float, widest: int) -> Iterator[tuple[str, Run]]:
    """Yield the configurations that fit, trained for so many seconds each."""
    source = open_source(dense, ())
    request = make_compress_request(
        source, problem, parse_chain([]), to=LIMITS, budget=None, targets=None, policy=None, settings=None, seed=None
    )
    ledger = Ledger(request.budget)
    search = Search(source, problem, request, ledger, Tell(None, ledger))
    for masked, quantisation in STORED:
        fit_untrained = (words_of(kept, masked, quantisation) for kept in KEPT)
        fitting = (words for words in fit_untrained if not search.make(words).misfits)
        for words in islice(fitting, widest):
            made = compress(dense, [*words, ("recover", f"{seconds}s cpu")], problem=problem)
            if len(made.content) <= BYTES and made.ledger["latency"]["used"] <= LATENCY_MS:
                yield ", ".join(" ".join(word) for word in words), made


def accuracy(made: Run) -> float:
    """Return the accuracy of a run on the test split."""
    return float(made.metrics["accuracy"]["value"])
