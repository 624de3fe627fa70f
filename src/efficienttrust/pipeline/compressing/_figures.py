"""What a model costs as deployed, before and after.

Both files are measured in turns, so that a busy machine hits both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from efficienttrust.compression import DeployedImages, Scorer, parent_of
from efficienttrust.compression.pruning import zero_parameters
from efficienttrust.data import Problem
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._file import single_row_call
from efficienttrust.resources import LatencyReport, measure_latency
from efficienttrust.resources.exclusive import exclusive
from efficienttrust.resources.peak_memory import peak_memory

BATCH = 256
ROUNDS = 5  # in which the files take turns
SECONDS = 0.1  # for one file in one round
FELL = 0.95  # of what it was: a smaller change is noise


def measure_both(
    problem: Problem, files: Sequence[File], scorers: Sequence[Scorer], contents: Sequence[bytes]
) -> list[dict[str, Any]]:
    """Measure several files of one problem: bytes, parameters, latency at batch 1 and 256, throughput, peak memory.

    Args:
        problem: The problem, whose test rows are answered.
        files: The opened files.
        scorers: Their scorers.
        contents: Their bytes.

    Returns:
        One mapping for each file, as `document["compression"]["before"]` holds it.
    """
    batch = min(BATCH, len(problem.splits["test"]))
    singles = [single_row_call(problem, file) for file in files]
    many = [batch_call(problem, file, batch) for file in files]
    with exclusive(30.0):
        latency = {"1": _in_turns(singles), str(batch): _in_turns(many)}
    found = []
    for index, (file, scorer, content) in enumerate(zip(files, scorers, contents, strict=True)):
        largest = latency[str(batch)][index]
        peak, note = _peak(problem, file, content, batch)
        found.append(
            {
                "size_bytes": file.size_bytes,
                "parameters": file.n_parameters,
                "nonzero_parameters": file.n_parameters - zero_parameters(parent_of(scorer)),
                "latency": {size: _said(reports[index]) for size, reports in latency.items()},
                "throughput_rows_per_s": 1000.0 * batch / largest.p50_ms,
                "peak_memory_bytes": peak,
                "notes": [note] if note else [],
            }
        )
    return found


def label(before: Mapping[str, Any], after: Mapping[str, Any], methods: Sequence[str]) -> tuple[str, str]:
    """Return `real` where bytes and milliseconds of the deployed file fell, else `simulated`, and why.

    Milliseconds fell where they did at one batch size and rose at none.

    Args:
        before: Figures of the file that it came from.
        after: Figures of the compressed file.
        methods: What was done, for the reason.
    """
    bytes_ratio = after["size_bytes"] / before["size_bytes"]
    speeds = {
        size: after["latency"][size]["cpu_p50_ms"] / before["latency"][size]["cpu_p50_ms"] for size in after["latency"]
    }
    told = ", ".join(f"{ratio:.2f} times at batch {size}" for size, ratio in speeds.items())
    slower = max(speeds.values()) > 1 / FELL  # what one batch size gains does not make up for what another one loses
    smaller, faster = bytes_ratio < FELL, min(speeds.values()) < FELL and not slower
    said = f"the deployed file is {bytes_ratio:.2f} times as large and its latency {told} (median, CPU clock)"
    if smaller and faster:
        return "real", f"bytes and milliseconds fell: {said}"
    claims = {(True, False): "bytes fell, speed did not", (False, True): "speed rose, bytes did not fall"}
    what = claims.get((smaller, faster), "neither bytes nor speed changed")
    return "simulated", f"{what} ({', '.join(methods) or 'nothing done'}): {said}"


def batch_call(problem: Problem, file: File, batch: int) -> Callable[[], object]:
    """Return a call that answers so many test rows, converted already."""
    test = problem.splits["test"]
    if isinstance(file, DeployedImages):
        images = test.inputs(slice(0, batch))
        return lambda: file.run(images)
    feeds = file.prepare(problem.inputs.loc[test.rows[:batch]])
    return lambda: file.run_feeds(feeds)


def _in_turns(calls: Sequence[Callable[[], object]]) -> list[LatencyReport]:
    """Time calls in turns and return for each the round in which the CPU clock was lowest."""
    rounds = [[measure_latency(call, max_seconds=SECONDS) for call in calls] for _ in range(ROUNDS)]
    return [min(column, key=lambda report: report.cpu_p50_ms) for column in zip(*rounds, strict=True)]


def _said(report: LatencyReport) -> dict[str, Any]:
    return {
        "p50_ms": report.p50_ms,
        "p95_ms": report.p95_ms,
        "cpu_p50_ms": report.cpu_p50_ms,
        "contended": report.contended,
        "n": report.n,
    }


def _peak(problem: Problem, file: File, content: bytes, batch: int) -> tuple[int | None, str]:
    """Return the peak memory of a fresh process that answers one batch of blank rows, or why there is none."""
    if isinstance(file, DeployedImages):
        shapes = {"image": [batch, *problem.splits["test"].inputs(slice(0, 1)).shape[1:]]}
    else:
        shapes = {entry.name: [batch, 1] for entry in file.inputs}
    with tempfile.TemporaryDirectory(prefix="efficienttrust-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        found = peak_memory(
            "efficienttrust.compression.serve_once:serve_once", {"path": str(path), "shapes": shapes}, seconds=60.0
        )
    return found.peak, "" if found.state == "ok" else f"peak memory was not measured ({found.state}): {found.note}"
