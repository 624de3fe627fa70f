"""Fairness metrics with intervals on many rows: our counts against fairlearn's MetricFrame, and memory of a stream.

Both sides get the same arrays in one process and say the same: differences between groups of selection rate, true and
false positive rate and accuracy, with percentile intervals of the same number of bootstrap resamples. Ours counts the
rows once and draws resamples of the counts; fairlearn draws and evaluates resamples of the rows. CPU time, one thread.
Ours is timed before and after each run of fairlearn, so that a change of the machine's speed meets both sides.
"""

from __future__ import annotations

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score

from efficienttrust.metrics.streaming import BINS, Accumulator, Chunk

Column = NDArray[np.int64]
GAPS = {
    "demographic_parity_difference": "selection rate",
    "equal_opportunity_difference": "TPR",
    "equalized_odds_difference_max": "TPR or FPR",
    "accuracy_gap": "accuracy",
}
"""Metric of ours -> the difference it is, in the MetricFrame."""
THEIRS = {
    "selection rate": fairlearn.selection_rate,
    "TPR": fairlearn.true_positive_rate,
    "FPR": fairlearn.false_positive_rate,
    "accuracy": accuracy_score,
}
AIM = 50
STREAM_CHUNK = 1_000_000


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        rows: Rows.
        groups: Groups.
        resamples: Bootstrap resamples of both sides.
    """

    rows: int
    groups: int
    resamples: int


def run(quick: bool) -> list[str]:
    """Return the section of the page, as lines of Markdown.

    Args:
        quick: Take fewer rows: a minute instead of 25, nearly all of them fairlearn's.
    """
    if quick:
        cases = [Case(100_000, groups, 10) for groups in (2, 20)]
    else:
        cases = [Case(1_000_000, groups, 10) for groups in (2, 20)]
        cases += [Case(10_000_000, groups, 1) for groups in (2, 20)]  # a resample of fairlearn takes two minutes here
    return [*race(cases), *memory((2, 5) if quick else (2, 10, 100))]


# ---------------------------------------------------------------------------------------------------- both sides


def race(cases: list[Case]) -> list[str]:
    """Return the table of CPU seconds of both sides and their ratio."""
    lines = [
        "## Fairness metrics with intervals",
        "",
        (
            "Differences of selection rate, TPR, FPR and accuracy between groups with 95 % intervals, from int64 "
            "arrays; CPU seconds on one thread. Bootstrap: percentile intervals of the same number of resamples on "
            "both sides (few, as fairlearn evaluates every resample row by row; ours at 2,000 in brackets). Closed "
            "form: Newcombe's intervals, held against fairlearn's point estimates without any interval."
        ),
        "",
        "| rows | groups | resamples | fairlearn | ours | ratio | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        lines += compare(case)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [*lines, "", f"Peak memory of the process, both sides together: {peak:.1f} GB.", ""]


def compare(case: Case) -> list[str]:
    """Return both lines of one case: with bootstrap intervals, and with intervals in closed form."""
    columns = make_rows(case.rows, case.groups, seed=0)
    before = min(cpu_of(bootstrap, columns, case) for _ in range(3))
    theirs, frame = timed(metric_frame, columns, case.resamples)
    after = min(cpu_of(bootstrap, columns, case) for _ in range(3))
    many = cpu_of(bootstrap, columns, Case(case.rows, case.groups, 2000))
    same_values(columns, case, frame)
    del frame
    ours, head = (before + after) / 2, f"| {case.rows:,} | {case.groups}"
    lines = [
        f"{head} | {case.resamples} | {theirs:.1f} | {ours:.4f} ({many:.4f}) | **{theirs / ours:,.0f}×** | ≥ {AIM}× |"
    ]
    plain = cpu_of(metric_frame, columns, None)
    closed = min(cpu_of(closed_form, columns, case) for _ in range(3))
    return [*lines, f"{head} | closed form / none | {plain:.1f} | {closed:.4f} | {plain / closed:,.0f}× | |"]


def make_rows(rows: int, groups: int, seed: int) -> tuple[Column, Column, Column]:
    """Return (labels, decisions, group codes) of rows whose rates differ by group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    y = (rng.random(rows) < 0.3 + 0.02 * (group % 5)).astype(np.int64)
    decision = (rng.random(rows) < 0.2 + 0.5 * y + 0.01 * (group % 7)).astype(np.int64)
    return y, decision, group


def count(columns: tuple[Column, Column, Column], groups: int) -> Accumulator:
    y, decision, group = columns
    names = tuple(f"group {code}" for code in range(groups))
    return Accumulator({"group": names}).update(y, decision, groups=group)


def bootstrap(columns: tuple[Column, Column, Column], case: Case) -> list[tuple[float, float]]:
    counted = count(columns, case.groups)
    return [counted.bootstrap_interval(name, case.resamples) for name in GAPS]


def closed_form(columns: tuple[Column, Column, Column], case: Case) -> list[float]:
    counted = count(columns, case.groups)
    return [counted.measure(name).value for name in GAPS]


def metric_frame(columns: tuple[Column, Column, Column], resamples: int | None) -> fairlearn.MetricFrame:
    y, decision, group = columns
    options: dict[str, Any] = {}
    if resamples is not None:
        options = {"n_boot": resamples, "ci_quantiles": [0.025, 0.975], "random_state": 0}
    frame = fairlearn.MetricFrame(metrics=THEIRS, y_true=y, y_pred=decision, sensitive_features=group, **options)
    if resamples is not None:
        frame.difference_ci()
    frame.difference()
    return frame


def same_values(columns: tuple[Column, Column, Column], case: Case, frame: fairlearn.MetricFrame) -> None:
    """Raise unless both sides say the same: a race between different answers is none."""
    theirs = dict(frame.difference())
    theirs["TPR or FPR"] = max(theirs["TPR"], theirs["FPR"])
    for value, difference in zip(closed_form(columns, case), GAPS.values(), strict=True):
        if abs(value - theirs[difference]) > 1e-9:
            raise RuntimeError(f"difference of {difference}: {value} here, {theirs[difference]} from fairlearn")


def timed(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = call(*arguments)
    return time.process_time() - start, result


def cpu_of(call: Callable[..., Any], *arguments: Any) -> float:
    return timed(call, *arguments)[0]


# -------------------------------------------------------------------------------------------------------- memory


def memory(millions: tuple[int, ...]) -> list[str]:
    """Return the table of peak memory of streams of different lengths, scores included."""
    lines = [
        "### Memory of a stream",
        "",
        (
            f"Chunks of {STREAM_CHUNK:,} rows are made, counted (20 groups, scores in {BINS:,} bins) and dropped. Peak "
            "of all Python and numpy memory (tracemalloc), the chunk included; CPU of counting alone."
        ),
        "",
        "| rows | peak memory | counting, CPU s | rows per CPU second |",
        "|---|---|---|---|",
    ]
    for million in millions:
        names = tuple(f"group {code}" for code in range(20))
        accumulator, spent = Accumulator({"group": names}, bins=BINS), 0.0
        tracemalloc.start()
        for chunk in stream(million * 1_000_000):
            spent += cpu_of(accumulator.update_from, [chunk])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        figures = f"{peak / 2**20:.0f} MB | {spent:.2f} | {accumulator.n / spent:,.0f}"
        lines.append(f"| {accumulator.n:,} | {figures} |")
    return [*lines, ""]


def stream(rows: int) -> Iterator[Chunk]:
    for seed in range(rows // STREAM_CHUNK):
        y, decision, group = make_rows(STREAM_CHUNK, 20, seed)
        score = np.random.default_rng(seed).random(STREAM_CHUNK)
        yield Chunk(y=y, prediction=decision, groups=group, score=score)
