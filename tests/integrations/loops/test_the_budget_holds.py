"""The loop ends before the budget would be exceeded, whatever the loader is like."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import InfeasibleError, UsageError
from tests.integrations.loops.worlds import loader, mlp, run, started, table

ROBUST = "robust_accuracy(pgd, eps=0.1) >= 0.6"


def domain():
    from efficienttrust.integrations import table_domain

    return table_domain(table(400, 0)[0])


@pytest.mark.parametrize(("clock", "amount"), [("steps", 37), ("samples", 3000), ("flops", 3e7)])
@pytest.mark.parametrize("policy", ["plan", "static(lambda_fair=1, adversarial_share=1)"])
def test_counted_clocks_are_never_exceeded(clock, amount, policy):
    atats, optimizer = started(
        budget=f"time={amount:g} {clock}", targets=["dpd <= 0.1", ROBUST], policy=policy, domain=domain()
    )
    run(atats, optimizer, loader(table(300, 0), 50), table(200, 1))
    account = atats.finish().ledger["time"]
    assert account["clock"] == clock
    assert account["overrun"] == 0
    assert account["used"] <= amount
    if clock == "steps":
        assert account["used"] == amount  # and nothing is left where a step costs what it costs


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 90), min_size=1, max_size=5), budget=st.integers(1, 400))
def test_batches_of_any_size_fit_into_samples(sizes, budget):
    x, y, groups = table(sum(sizes), 0)
    batches = list(zip(x.split(sizes), y.split(sizes), groups.split(sizes), strict=True))
    atats, optimizer = started(budget=f"time={budget} samples", targets=["dpd <= 0.1"])
    run(atats, optimizer, batches, table(60, 1))
    assert atats.ledger.used() <= budget
    atats.close()


def test_a_loader_shorter_than_an_interval_is_started_again():
    atats, optimizer = started(budget="time=50 steps")
    run(atats, optimizer, loader(table(64, 0), 64), table(100, 1))
    assert atats.steps == 50
    atats.close()


def test_what_can_be_read_once_ends_the_training_and_is_noted():
    atats, optimizer = started(budget="time=50 steps")
    run(atats, optimizer, (batch for batch in loader(table(640, 0))), table(100, 1))
    result = atats.finish()
    assert atats.steps == 10
    assert any("read once only" in note and "80% of the budget" in note for note in result.notes)


def test_an_empty_loader_is_one_line():
    atats, optimizer = started()
    with pytest.raises(UsageError, match="the loader is empty"):
        run(atats, optimizer, [], table(100, 1))
    atats.close()


def test_one_step_is_a_run():
    atats, optimizer = started(budget="time=1 steps")
    run(atats, optimizer, loader(table(300, 0)), table(100, 1))
    assert atats.finish().ledger["time"]["used"] == 1


@pytest.mark.slow
def test_seconds_hold_with_the_export_kept_back(tmp_path):
    torch.set_num_threads(1)
    atats, optimizer = started(budget="time=12s cpu", targets=["dpd <= 0.1"], out=tmp_path / "run")
    run(atats, optimizer, loader(table(300, 0)), table(100, 1))
    result = atats.finish()
    account = result.ledger["time"]
    assert account["used"] <= 12
    assert account["phases"]["export"] > 0
    assert (tmp_path / "run" / "model.onnx").exists()


def test_less_than_a_step_and_the_reserve_is_infeasible():
    atats, optimizer = started(budget="time=0.001s cpu", targets=["dpd <= 0.1"])

    def train():  # whoever does not ask `batches` is told when the plan is made
        for x, y, groups in loader(table(1000, 0), 64):
            atats.loss(atats.model, x, y, groups).backward()
            optimizer.step()
            atats.step(table(100, 1))

    with pytest.raises(InfeasibleError, match="ask for at least"):
        train()
    atats.close()


def test_more_parameters_than_allowed_are_infeasible():
    with pytest.raises(InfeasibleError, match="257 parameters"):
        started(mlp(), budget="time=10 steps, parameters=100")
