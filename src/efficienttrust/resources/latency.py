"""How long one call takes, and whether other processes were in the way while it was measured."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_CONTENDED = 1.5  # wall time above this multiple of CPU time, plus the slack, is somebody else's work
_SLACK_MS = 0.005


@dataclass(frozen=True)
class LatencyReport:
    """The distribution of the time one call takes.

    Attributes:
        p50_ms: Median of the wall clock, in milliseconds.
        p95_ms: 95th percentile of the wall clock: what a latency budget limits.
        p99_ms: 99th percentile of the wall clock.
        cpu_p50_ms: Median of the CPU clock of this process.
        cpu_p95_ms: 95th percentile of the CPU clock.
        n: Calls that were timed.
        contended: Whether the wall clock stands well above the CPU clock, so that p95 says more about the load of the
            machine (or about waiting inside the call) than about the call.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p95_ms: float
    n: int
    contended: bool


def measure_latency(
    call: Callable[[], object], *, repeats: int = 200, warmup: int = 20, max_seconds: float = 0.3
) -> LatencyReport:
    """Time a call many times on both clocks, with garbage collection off.

    Args:
        call: What is measured.
        repeats: Timed calls, at most.
        warmup: Calls before them that are not timed, at most; they may take a third of `max_seconds`.
        max_seconds: Wall time after which no further call is started; one call is always timed.
    """
    begin = time.perf_counter()
    for _ in range(warmup):
        call()
        if time.perf_counter() - begin > max_seconds / 3:
            break
    collecting = gc.isenabled()
    gc.disable()
    try:
        times = _time_calls(call, repeats, begin + max_seconds)
    finally:
        if collecting:
            gc.enable()
    p50, p95, p99 = (float(value) for value in np.percentile(times[:, 0], (50, 95, 99)))
    cpu_p50, cpu_p95 = (float(value) for value in np.percentile(times[:, 1], (50, 95)))
    contended = p50 > _CONTENDED * cpu_p50 + _SLACK_MS or p95 > _CONTENDED * cpu_p95 + _SLACK_MS
    return LatencyReport(p50, p95, p99, cpu_p50, cpu_p95, len(times), contended)


def _time_calls(call: Callable[[], object], repeats: int, deadline: float) -> np.ndarray:
    """Return one row per call: milliseconds on the wall clock and on the CPU clock."""
    wall, cpu = time.perf_counter, time.process_time
    times = []
    for _ in range(max(1, repeats)):
        cpu_start = cpu()
        start = wall()
        call()
        end = wall()
        times.append((end - start, cpu() - cpu_start))
        if end > deadline:
            break
    return 1000.0 * np.array(times)
