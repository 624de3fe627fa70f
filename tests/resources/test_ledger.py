from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.resources import CLOCKS, Budget, Clocks, Ledger


class FakeTime:
    """A wall clock and a CPU clock that stand still unless told to advance."""

    def __init__(self):
        self.wall, self.cpu = 100.0, 7.0
        self.clocks = Clocks(wall=lambda: self.wall, cpu=lambda: self.cpu)

    def pass_by(self, wall, cpu=None):
        self.wall += wall
        self.cpu += wall / 2 if cpu is None else cpu


def open_ledger(text=""):
    fake = FakeTime()
    return Ledger(Budget.parse(text), clock_override=fake.clocks), fake


def test_inner_time_is_charged_to_the_inner_phase_only():
    ledger, fake = open_ledger("time=100s")
    fake.pass_by(1)
    with ledger.phase("monitor"):
        fake.pass_by(2)
        with ledger.phase("attack"):
            fake.pass_by(4)
        fake.pass_by(8)
    fake.pass_by(16)
    account = ledger.to_dict()["time"]
    assert account["phases"] == {"scheduler": 17, "monitor": 10, "attack": 4}
    assert account == {"clock": "wall", "asked": 100, "used": 31, "overrun": 0, "phases": account["phases"]}


def test_laps_take_their_part_out_of_the_phase_around_them():
    ledger, fake = open_ledger()
    with ledger.phase("fit"):
        fake.pass_by(1)
        ledger.lap("probe")
        for _ in range(3):
            fake.pass_by(2)
            ledger.lap("train")
        fake.pass_by(4)
    assert ledger.to_dict()["time"]["phases"] == {"probe": 1, "train": 6, "fit": 4, "scheduler": 0}


def test_every_clock_is_kept_whatever_the_budget_names():
    ledger, fake = open_ledger("time=10s cpu")
    fake.pass_by(4, cpu=1)
    ledger.count(steps=2, samples=512, flops=1e6)
    ledger.lap("train")
    assert ledger.to_dict()["clocks"] == {"wall": 4, "cpu": 1, "steps": 2, "samples": 512, "flops": 1e6}
    assert [ledger.used(clock) for clock in CLOCKS] == [4, 1, 2, 512, 1e6]
    assert (ledger.used(), ledger.remaining(), ledger.fraction()) == (1, 9, 0.1)


@pytest.mark.parametrize(("text", "per_step"), [("steps=10", 1), ("samples=2560", 256), ("flops=3e9", 3e8)])
def test_counted_clocks_are_exact(text, per_step):
    ledger = Ledger(Budget.parse(text))
    for step in range(1, 11):
        ledger.count(steps=1, samples=256, flops=3e8)
        assert ledger.used() == step * per_step
        ledger.lap("train")
        assert ledger.used() == step * per_step
    assert ledger.remaining() == 0
    assert ledger.fraction() == 1
    assert ledger.to_dict()["time"]["phases"] == {"train": 10 * per_step, "scheduler": 0}


def test_pending_counts_go_to_the_phase_that_ends():
    ledger, _ = open_ledger("steps=10")
    with ledger.phase("attack"):
        ledger.count(steps=3)
    ledger.count(steps=1)
    assert ledger.to_dict()["time"]["phases"] == {"scheduler": 1, "attack": 3}


def test_a_phase_that_fails_is_charged_and_left():
    ledger, fake = open_ledger()

    def monitor():
        with ledger.phase("monitor"):
            fake.pass_by(3)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        monitor()
    fake.pass_by(1)
    assert ledger.to_dict()["time"]["phases"] == {"scheduler": 1, "monitor": 3}


def test_close_freezes_and_the_rest_stands_outside():
    ledger, fake = open_ledger("time=5s")
    with ledger.phase("export"):
        fake.pass_by(6)
    ledger.close()
    ledger.close()
    with ledger.phase("evaluate"):
        fake.pass_by(50, cpu=20)
        ledger.count(samples=9)
    assert (ledger.used(), ledger.remaining()) == (6, -1)
    account = ledger.to_dict()
    assert account["time"]["used"] == 6
    assert account["time"]["overrun"] == 1
    assert account["outside"]["evaluate"] == {"wall": 50, "cpu": 20, "steps": 0, "samples": 9, "flops": 0}
    assert account["clocks"]["samples"] == 0


def test_prior_costs_count():
    ledger, fake = open_ledger("time=5s cpu")
    ledger.add_prior("data", wall=2, cpu=1)
    fake.pass_by(4, cpu=2)
    assert ledger.used() == 3
    assert ledger.used("wall") == 6
    assert ledger.to_dict()["time"]["phases"] == {"data": 1, "scheduler": 2}


def test_a_resumed_run_carries_over_what_was_used():
    first, fake = open_ledger("time=20s cpu")
    fake.pass_by(4, cpu=3)
    first.count(steps=5)
    first.lap("train")
    state = first.state_dict()
    second, fake = open_ledger("time=20s cpu")
    fake.pass_by(1, cpu=1)
    second.load_state_dict(state)
    second.lap("start")
    fake.pass_by(2, cpu=2)
    second.count(steps=1)
    second.lap("train")
    assert (second.used(), second.used("wall"), second.used("steps")) == (6, 7, 6)
    assert second.to_dict()["time"]["phases"] == {"train": 5, "scheduler": 0, "start": 1}
    assert state["train"][0] == 4


def test_without_a_time_limit_nothing_runs_out():
    ledger, fake = open_ledger("size=1kB")
    fake.pass_by(1e9)
    assert (ledger.clock, ledger.limit, ledger.remaining(), ledger.fraction()) == ("wall", math.inf, math.inf, 0)
    assert ledger.to_dict()["time"]["asked"] is None


def test_other_resources_are_entered_when_measured():
    ledger, _ = open_ledger("size=1kB")
    ledger.measured("size", 1300)
    ledger.measured("latency", 0.2, p50=0.1, contended=False)
    account = ledger.to_dict()
    assert account["size"] == {"asked": 1000, "used": 1300, "overrun": 300}
    assert account["latency"] == {"asked": None, "used": 0.2, "overrun": 0, "p50": 0.1, "contended": False}
    with pytest.raises(ValueError, match="time"):
        ledger.measured("time", 3)


def test_epochs_must_be_turned_into_samples_first():
    with pytest.raises(ValueError, match="in_samples"):
        Ledger(Budget.parse("epochs=3"))


_events = st.recursive(
    st.tuples(st.just("lap"), st.sampled_from("ab")) | st.tuples(st.just("count"), st.integers(0, 9)),
    lambda inner: st.tuples(st.just("phase"), st.sampled_from("abc"), st.lists(inner, max_size=4)),
    max_leaves=20,
)


@given(st.lists(_events, max_size=6))
def test_phases_sum_to_the_total(events):
    ledger, fake = open_ledger("steps=10")
    steps = _play(ledger, fake, events)
    phases = ledger.to_dict()["time"]["phases"]
    assert sum(phases.values()) == ledger.to_dict()["time"]["used"] == ledger.used() == steps
    assert ledger.used("wall") == fake.wall - 100
    assert ledger.used("cpu") == fake.cpu - 7
    assert ledger.to_dict()["clocks"]["wall"] == fake.wall - 100


def _play(ledger, fake, events):
    steps = 0
    for kind, *what in events:
        fake.pass_by(1)
        if kind == "lap":
            ledger.lap(what[0])
        elif kind == "count":
            ledger.count(steps=what[0])
            steps += what[0]
        else:
            with ledger.phase(what[0]):
                steps += _play(ledger, fake, what[1])
    return steps


def test_the_real_clocks_agree_with_the_ledger():
    cpu, wall = time.process_time(), time.perf_counter()
    ledger = Ledger(Budget.parse("time=1s cpu"))
    sum(range(300_000))
    ledger.lap("work")
    assert 0 < ledger.used() <= time.process_time() - cpu
    assert 0 < ledger.used("wall") <= time.perf_counter() - wall
    assert ledger.to_dict()["time"]["phases"]["work"] == pytest.approx(ledger.used(), rel=0.2)


def test_a_lap_costs_about_a_microsecond():
    ledger = Ledger(Budget.parse("time=1s cpu"))
    costs = []
    for _ in range(20):
        start = time.process_time()
        for _ in range(500):
            ledger.lap("train")
        costs.append((time.process_time() - start) / 500)
    assert min(costs) < 5e-6
