from __future__ import annotations

import gc
import time

import pytest

from efficienttrust.resources import Clocks, measure_latency


class FakeMachine:
    """Clocks that stand still unless a call spends something, and a count of forced switches."""

    def __init__(self):
        self.wall, self.cpu, self.switches = 100.0, 7.0, 40
        self.clocks = Clocks(wall=lambda: self.wall, cpu=lambda: self.cpu)

    def spend(self, wall, cpu, switches=0):
        self.wall += wall
        self.cpu += cpu
        self.switches += switches

    def measure(self, call, **options):
        return measure_latency(call, clocks=self.clocks, switches=lambda: self.switches, **options)


def test_percentiles_are_those_of_the_calls():
    machine, durations = FakeMachine(), iter(range(1, 101))
    report = machine.measure(
        lambda: machine.spend(d := next(durations), 0.9 * d), repeats=100, warmup=0, max_seconds=1e9
    )
    assert report.n == 100
    assert (report.p50_ms, report.p95_ms, report.p99_ms) == pytest.approx((50500, 95050, 99010))
    assert (report.cpu_p50_ms, report.cpu_p95_ms) == pytest.approx((45450, 85545))
    assert report.mean_ms == pytest.approx(50500)
    assert (report.contended, report.involuntary_switches) == (False, 0)


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


@pytest.mark.parametrize(("wall", "cpu", "contended"), [(1.0, 1.0, False), (1.4, 1.0, False), (1.6, 1.0, True)])
def test_wall_well_above_cpu_is_contended(wall, cpu, contended):
    machine = FakeMachine()
    assert machine.measure(lambda: machine.spend(wall, cpu), max_seconds=1e9).contended == contended


def test_a_slow_tail_alone_is_contended():
    machine, calls = FakeMachine(), iter(range(1000))
    report = machine.measure(lambda: machine.spend(3.0 if next(calls) % 10 == 0 else 1.0, 1.0), max_seconds=1e9)
    assert report.p50_ms == 1000
    assert report.contended


def test_switches_are_seen_where_several_threads_hide_the_waiting():
    """Four threads spend 4 s of CPU in 2 s: wall never stands above CPU, whatever the others do."""
    machine = FakeMachine()
    alone = machine.measure(lambda: machine.spend(2.0, 4.0, switches=4), repeats=10, max_seconds=1e9)
    crowded = machine.measure(lambda: machine.spend(2.0, 4.0, switches=400), repeats=10, max_seconds=1e9)
    assert (alone.contended, alone.involuntary_switches) == (False, 40)
    assert (crowded.contended, crowded.involuntary_switches) == (True, 4000)


def test_a_few_switches_in_a_short_time_are_chance():
    machine = FakeMachine()
    assert not machine.measure(lambda: machine.spend(0.001, 0.001, switches=1), repeats=4).contended


def test_a_system_that_does_not_count_switches():
    machine = FakeMachine()
    report = measure_latency(lambda: machine.spend(1.0, 1.0), clocks=machine.clocks, switches=lambda: None)
    assert (report.involuntary_switches, report.contended) == (None, False)


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
