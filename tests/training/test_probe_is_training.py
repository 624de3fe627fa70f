"""What a run measures before it plans costs a small budget nothing: its steps train, and one width tells of all."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from efficienttrust.atats import Plan, policies
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.models import build_mlp
from efficienttrust.resources import Budget, CostModel, Ledger
from efficienttrust.resources.clocks import Clocks
from efficienttrust.training import TrainingTask
from efficienttrust.training import _widths as widths
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training._loop import Loop
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._probe import TIMED_STEPS, WARM_UP_STEPS, probe
from efficienttrust.training.catalogue import network
from tests.small_problems import FAIR, ROBUST, loans, train

TARGETS = tuple(parse_target(text) for text in (FAIR, ROBUST))


def bench_of(problem):
    task = TrainingTask(targets=TARGETS, seed=0, network="mlp", options={"widths": (8,)})
    return task, Bench(problem, task, levers_of(TARGETS, problem.task))


def ticking(seconds=0.001):
    """Return clocks by which every reading takes the same time."""
    now = 0.0

    def tick():
        nonlocal now
        now += seconds
        return now

    return Clocks(wall=tick, cpu=tick)


def test_steps_of_the_probe_stay_in_the_network():
    problem = loans()
    _, bench = bench_of(problem)
    stepper, untouched = bench.stepper(), bench.stepper()
    monitor = Monitor(problem, TARGETS, None, aware=False, seed=0)
    ledger, costs = Ledger(Budget.parse("time=100s cpu"), clock_override=ticking()), CostModel()
    probe(stepper, monitor, ledger, costs, batch_size=32, robust=True, landscape=bench.landscape(stepper))
    weights = zip(stepper.network.parameters(), untouched.network.parameters(), strict=True)
    moved = [(one - other).abs().max() for one, other in weights]
    taken = 2 * (WARM_UP_STEPS + TIMED_STEPS)
    assert ledger.used("steps") == taken
    assert max(moved) > 0.5 * taken * stepper.learning_rate, "Adam moves a weight by about its rate a step"
    assert costs.mean("landscape") > 0


@pytest.mark.parametrize("clock", ["steps=50", "flops=1e9"])
def test_where_costs_are_counted_the_probe_takes_no_step(clock):
    problem = loans()
    _, bench = bench_of(problem)
    stepper, untouched = bench.stepper(), bench.stepper()
    monitor = Monitor(problem, TARGETS, None, aware=False, seed=0)
    ledger = Ledger(Budget.parse(clock))
    probe(stepper, monitor, ledger, CostModel(), batch_size=32, robust=True, landscape=bench.landscape(stepper))
    assert ledger.used("steps") == 0
    assert all(map(torch.equal, stepper.network.parameters(), untouched.network.parameters()))


def timing(monkeypatch, cost):
    """Let a step of a network cost what a function of its widths says; return the widths that were timed."""
    timed = []

    def found(network, size, ledger):
        timed.append(network.widths)
        return cost(network.widths)

    monkeypatch.setattr(widths, "_timed", found)
    return timed


def steps_of(budget):
    ledger = Ledger(Budget.parse(budget), clock_override=ticking(0.0))
    return widths.affordable_steps(20_000, ledger, robust=False)


def test_a_short_budget_times_the_narrow_width_alone(monkeypatch):
    timed = timing(monkeypatch, sum)
    steps, narrow = steps_of("time=60s cpu"), widths.MENU[widths.NARROW_ENOUGH]
    bought = [steps(build_mlp(n_features=3, widths=one, seed=0)) for one in widths.MENU[: widths.NARROW_ENOUGH + 1]]
    assert timed == [narrow]
    assert bought == [widths.TRAINING_SHARE * 60 / sum(narrow)] * 3
    assert widths.too_wide(0, bought[0])
    assert not widths.too_wide(widths.NARROW_ENOUGH, bought[-1])


def test_a_long_budget_times_each_width_that_is_asked_for(monkeypatch):
    timed = timing(monkeypatch, lambda one: sum(one) * 1e-4)
    steps = steps_of("time=60s cpu")
    wide = widths.MENU[0]
    assert steps(build_mlp(n_features=3, widths=wide, seed=0)) == pytest.approx(0.6 * 60 / (sum(wide) * 1e-4))
    assert timed == [widths.MENU[widths.NARROW_ENOUGH], wide]


@pytest.mark.parametrize(("looks", "expected"), [(True, 3), (False, 1)])
def test_without_looks_the_dials_stay_where_they_start(looks, expected):
    problem = loans()
    task, bench = bench_of(problem)
    stepper = bench.stepper()
    monitor = Monitor(problem, TARGETS, None, aware=False, seed=0)
    plan = Plan(0.0, 40.0, 0.0, 1 / 3, 0.0, 0.5, 0.25, "n_fgsm", 1.0, 2, {}, looks=looks)
    policy, ledger, costs = policies.get("plan")(), Ledger(Budget.parse("steps=40")), CostModel()
    costs.observe("step", 1.0)
    shuffler = Shuffler(stepper.n_rows, 32, torch.Generator().manual_seed(0))
    loop = Loop(task, stepper, shuffler, monitor, policy, plan, ledger, costs, None)
    loop.run(lambda: None)
    assert len(loop.state.history) == expected, "the last look is free on this clock"
    assert len(loop.state.states) == expected - 1


def test_what_a_calibration_takes_at_least_is_kept_back_or_the_budget_is_refused(monkeypatch):
    """A look costs 7 of 10 seconds: calibration at its least effort would not fit any more."""
    monkeypatch.setattr(network, "_least_calibration_cost", lambda *_: 7.0)
    with pytest.raises(InfeasibleError, match="reserve for calibration"):
        train(loans(), "flops=10")
    plans = []
    kept = network.make_plan

    def keeping(*given, **costs):
        plans.append(costs["reserve"])
        return dataclasses.replace(kept(*given, **costs), end=costs["used"] + 1e7)

    monkeypatch.setattr(network, "make_plan", keeping)
    train(loans(), "flops=1e8")
    assert plans[0] >= 7.0 * network.RESERVE_FACTOR
    assert math.isfinite(plans[0])
