"""How long one call takes, and whether other processes were in the way while it was measured."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from efficienttrust.resources.clocks import Clocks

_CONTENDED = 1.5  # wall time above this multiple of CPU time, plus the slack, is somebody else's work
_SLACK_MS = 0.005
# A process that has its cores to itself is interrupted a few times a second; one that shares a core loses it after
# every time slice of a few milliseconds. Fewer than the second number are chance.
_SWITCHES_PER_SECOND = 25.0
_SWITCHES = 5


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
        contended: Whether other processes (or waiting inside the call) were in the way, so that p95 says more about the
            load of the machine than about the call: the wall clock stands well above the CPU clock, or the process was
            often forced off its core. The second also shows with several threads, whose CPU time hides the first.
        mean_ms: Mean of the wall clock.
        involuntary_switches: How often a thread of the process was forced off its core during the timed calls; None
            where the system does not count it.
    """

    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p95_ms: float
    n: int
    contended: bool
    mean_ms: float
    involuntary_switches: int | None


def measure_latency(
    call: Callable[[], object],
    *,
    repeats: int = 200,
    warmup: int = 20,
    max_seconds: float = 0.3,
    clocks: Clocks | None = None,
    switches: Callable[[], int | None] | None = None,
) -> LatencyReport:
    """Time a call many times on both clocks, with garbage collection off.

    Args:
        call: What is measured.
        repeats: Timed calls, at most.
        warmup: Calls before them that are not timed, at most; they may take a third of `max_seconds`.
        max_seconds: Wall time after which no further call is started; one call is always timed.
        clocks: Tell the time; those of the machine by default.
        switches: Counts involuntary context switches of the process; by default as the system does.
    """
    clocks = clocks or Clocks()
    switches = switches or involuntary_switches
    begin = clocks.wall()
    for _ in range(warmup):
        call()
        if clocks.wall() - begin > max_seconds / 3:
            break
    collecting = gc.isenabled()
    gc.disable()
    try:
        before = switches()
        times = _time_calls(call, repeats, begin + max_seconds, clocks)
        after = switches()
    finally:
        if collecting:
            gc.enable()
    p50, p95, p99 = (float(value) for value in np.percentile(times[:, 0], (50, 95, 99)))
    cpu_p50, cpu_p95 = (float(value) for value in np.percentile(times[:, 1], (50, 95)))
    forced = None if before is None or after is None else after - before
    waited = p50 > _CONTENDED * cpu_p50 + _SLACK_MS or p95 > _CONTENDED * cpu_p95 + _SLACK_MS
    often = forced is not None and forced >= max(_SWITCHES, _SWITCHES_PER_SECOND * times[:, 0].sum() / 1000.0)
    mean = float(times[:, 0].mean())
    return LatencyReport(p50, p95, p99, cpu_p50, cpu_p95, len(times), waited or often, mean, forced)


def involuntary_switches() -> int | None:
    """Return how often the threads of this process were forced off a core so far; None where nobody counts."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _time_calls(call: Callable[[], object], repeats: int, deadline: float, clocks: Clocks) -> np.ndarray:
    """Return one row per call: milliseconds on the wall clock and on the CPU clock."""
    wall, cpu = clocks.wall, clocks.cpu
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
