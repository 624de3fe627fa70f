"""A run that was cut off and goes on equals one that was not, on counted clocks."""

from __future__ import annotations

import copy

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.integrations import table_domain
from tests.integrations.loops.worlds import loader, mlp, run, started, table

TARGETS = ["dpd <= 0.1", "robust_accuracy(pgd, eps=0.1) >= 0.6"]
TRAIN, VALIDATION = table(400, 0), table(150, 1)


class Stopped(Exception):
    pass


def fresh(policy: str = "plan", **options):
    torch.manual_seed(3)
    return started(
        mlp(dropout=0.2),
        budget="time=40 steps",
        targets=TARGETS,
        policy=policy,
        domain=table_domain(TRAIN[0]),
        **options,
    )


def told(result):
    weights = [value.numpy().tobytes() for value in result.model.state_dict().values()]
    history = [{k: repr(v) for k, v in row.items() if k not in ("wall", "cpu")} for row in result.history]
    return weights, history, result.decisions, result.threshold, result.chosen


def stop_at(step: int):
    def each(steps: int) -> None:
        if steps == step:
            raise Stopped

    return each


@pytest.mark.parametrize("policy", ["plan", "static(sparsity=0.5, lambda_fair=1, adversarial_share=0.5)"])
@pytest.mark.parametrize("step", [1, 23])
def test_resumed_equals_uninterrupted(policy, step, tmp_path):
    atats, optimizer = fresh(policy)
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    whole = told(atats.finish())

    path = tmp_path / "state.pt"
    atats, optimizer = fresh(policy, checkpoint=path)
    with pytest.raises(Stopped), atats:
        run(atats, optimizer, loader(TRAIN), VALIDATION, stop_at(step))
    assert path.exists()
    torch.manual_seed(77)  # the state brings its own random numbers
    atats, optimizer = fresh(policy, checkpoint=path)
    assert atats.steps == step
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    assert told(atats.finish()) == whole
    assert not path.exists()


def test_a_loop_that_is_left_saves_its_state(tmp_path):
    path = tmp_path / "state.pt"
    atats, optimizer = fresh(checkpoint=path)
    for x, y, groups in atats.batches(loader(TRAIN)):
        atats.loss(atats.model, x, y, groups).backward()
        optimizer.step()
        atats.step(VALIDATION)
        if atats.steps == 5:
            break
    assert path.exists()
    atats.close()


def test_the_error_goes_on_unchanged(tmp_path):
    error = Stopped("mine")
    atats, optimizer = fresh(checkpoint=tmp_path / "state.pt")

    def each(steps: int) -> None:
        if steps == 5:
            raise error

    with pytest.raises(Stopped) as caught, atats:
        run(atats, optimizer, loader(TRAIN), VALIDATION, each)
    assert caught.value is error


def test_state_dict_into_another_loop():
    first, optimizer = fresh()
    for x, y, groups in first.batches(loader(TRAIN)):
        first.loss(first.model, x, y, groups).backward()
        optimizer.step()
        optimizer.zero_grad()
        first.step(VALIDATION)
        if first.steps == 30:
            state = copy.deepcopy(first.state_dict())
    second, optimizer = fresh()
    second.load_state_dict(state)
    run(second, optimizer, loader(TRAIN), VALIDATION)
    assert told(second.finish()) == told(first.finish())


def test_the_state_of_another_run_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    atats, optimizer = fresh(checkpoint=path)
    with pytest.raises(Stopped), atats:
        run(atats, optimizer, loader(TRAIN), VALIDATION, stop_at(10))
    with pytest.raises(UsageError, match="other data or settings"):
        started(mlp(), budget="time=41 steps", targets=TARGETS, checkpoint=path)
