"""Latency by batch size, and the rows per second of the best one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.resources.exclusive import LOCK, exclusive
from efficienttrust.resources.latency import LatencyReport, measure_latency


@dataclass(frozen=True)
class BatchLatency:
    """The latency of one batch size, and the conditions it was measured under.

    Attributes:
        batch: Rows per call.
        latency: Distribution of the time of a call.
        threads: Threads that numerical libraries were held to, torch included when it is loaded. A session of
            onnxruntime has its own number, fixed when it was opened.
        cores: Cores the process may run on.
        note: What was not as it should be (the lock could not be had); else empty.
    """

    batch: int
    latency: LatencyReport
    threads: int
    cores: int
    note: str = ""

    @property
    def rows_per_second(self) -> float:
        """Rows by the mean wall time of a call."""
        return 1000.0 * self.batch / self.latency.mean_ms

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the audit document."""
        report = self.latency
        return {
            "batch": self.batch,
            "p50_ms": report.p50_ms,
            "p95_ms": report.p95_ms,
            "p99_ms": report.p99_ms,
            "rows_per_second": self.rows_per_second,
            "contended": report.contended,
            "n": report.n,
            "cpu_p50_ms": report.cpu_p50_ms,
            "involuntary_switches": report.involuntary_switches,
            "threads": self.threads,
            "cores": self.cores,
        }


def latency_profile(
    call_of_batch: Callable[[int], Callable[[], object]],
    batches: Sequence[int] = (1, 16, 256),
    *,
    threads: int = 1,
    repeats: int = 200,
    warmup: int = 20,
    max_seconds: float = 1.0,
    lock_seconds: float = 30.0,
    lock: Path = LOCK,
) -> tuple[BatchLatency, ...]:
    """Time a model at several batch sizes, on a fixed number of threads, while no other measurement of ours runs.

    Args:
        call_of_batch: Prepares a batch of so many rows and returns the call that is timed; on a GPU the call has to end
            with a synchronisation.
        batches: Rows per call, each above zero.
        threads: Threads that BLAS, OpenMP and (when loaded) torch are held to meanwhile.
        repeats: Timed calls per batch size, at most.
        warmup: Calls before them that are not timed, at most.
        max_seconds: Wall seconds per batch size.
        lock_seconds: How long to wait for another measurement, at most.
        lock: File of the lock.

    Returns:
        One entry per batch size, in the given order.
    """
    if not batches or min(batches) < 1:
        raise UsageError(f"batch sizes are {tuple(batches)}; give whole numbers above zero, as (1, 16, 256).")
    rows = []
    with exclusive(lock_seconds, path=lock) as note, pinned(threads):
        for batch in batches:
            report = measure_latency(call_of_batch(batch), repeats=repeats, warmup=warmup, max_seconds=max_seconds)
            rows.append(BatchLatency(batch, report, threads, _cores(), note))
    return tuple(rows)


def best_throughput(profile: Sequence[BatchLatency]) -> BatchLatency:
    """Return the entry with the most rows per second; among equals, the smallest batch."""
    if not profile:
        raise UsageError("throughput needs a batch size that was measured; the profile is empty.")
    return max(profile, key=lambda entry: (entry.rows_per_second, -entry.batch))


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Hold BLAS, OpenMP and (when something has loaded it) torch to a number of threads, and give back what was."""
    import threadpoolctl  # type: ignore[import-untyped]

    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    with threadpoolctl.threadpool_limits(threads):
        if torch is not None:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
