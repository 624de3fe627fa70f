from __future__ import annotations

import gc
import time

import pytest

from efficienttrust.resources import measure_latency


def test_percentiles_are_ordered_and_warmup_is_not_timed():
    calls = []
    report = measure_latency(lambda: calls.append(sum(range(2000))), repeats=50, warmup=5, max_seconds=5)
    assert (report.n, len(calls)) == (50, 55)
    assert 0 < report.p50_ms <= report.p95_ms <= report.p99_ms
    assert report.cpu_p50_ms <= report.cpu_p95_ms


def test_waiting_is_flagged_as_contended():
    report = measure_latency(lambda: time.sleep(0.002), repeats=5, warmup=1)
    assert report.contended
    assert report.p50_ms >= 2
    assert report.cpu_p50_ms < 1


def test_slow_calls_stop_at_the_deadline_but_are_timed_once():
    start = time.perf_counter()
    assert measure_latency(lambda: time.sleep(0.02), max_seconds=0.06).n <= 3
    assert measure_latency(lambda: time.sleep(0.02), max_seconds=0.0, warmup=0).n == 1
    assert time.perf_counter() - start < 2


def test_garbage_collection_is_off_while_timing_and_on_again_after():
    seen = []

    def call():
        seen.append(gc.isenabled())
        if len(seen) == 3:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        measure_latency(call, warmup=1)
    assert seen == [True, False, False]
    assert gc.isenabled()
