"""Every dial that is not held does in a foreign loop what it says, and nothing when it is neutral."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.integrations import table_domain
from efficienttrust.integrations._course import HELD
from tests.integrations.loops.worlds import loader, mlp, run, started, table

TRAIN, VALIDATION = table(640, 0), table(150, 1)
NEUTRAL = "static(lambda_fair=0, adversarial_share=0)"


class Asking:
    """A policy that asks for given settings at every decision."""

    name = "asking"

    def __init__(self, **settings: object) -> None:
        self.settings = settings

    def reset(self, plan):
        return TrustAction(next_monitor_in=0.1, **self.settings)

    def act(self, state):
        return TrustAction(next_monitor_in=0.1, **self.settings)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_neutral_dials_leave_the_loop_bit_for_bit_what_it_was():
    atats, optimizer = started(budget="time=40 steps", policy=NEUTRAL, schedule=None)
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    by_hand = mlp()
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=5e-3)
    batches = loader(TRAIN)
    for _ in range(4):  # epochs of ten steps
        for x, y, _groups in batches:
            functional.binary_cross_entropy_with_logits(by_hand(x).squeeze(1), y.float()).backward()
            optimizer.step()
            optimizer.zero_grad()
    for one, other in zip(atats.model.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(one, other)
    atats.close()


def test_the_learning_rate_falls_to_zero_over_the_budget_in_every_group():
    model = mlp()
    layers = [one for one in model if isinstance(one, nn.Linear)]
    optimizer = torch.optim.SGD(
        [{"params": layers[0].parameters(), "lr": 0.1}, {"params": layers[1].parameters(), "lr": 0.02}]
    )
    from efficienttrust import ATATS

    rates = []
    atats = ATATS(model, optimizer, budget="time=21 steps", targets=[], policy=Asking(learning_rate_factor=0.5))
    optimizer.register_step_pre_hook(lambda one, *_: rates.append([group["lr"] for group in one.param_groups]))
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    atats.close()
    assert rates[0] == [0.1, 0.02]  # before there is a plan
    for step in range(1, 21):
        left = 1 - (step - 1) / 20  # planned after the first step
        assert rates[step] == pytest.approx([0.05 * left, 0.01 * left])


def test_a_scheduler_of_the_user_keeps_its_course():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)  # multiplies what it finds in the group
    from efficienttrust import ATATS

    rates = []
    atats = ATATS(
        model, optimizer, budget="time=10 steps", targets=[], policy=Asking(learning_rate_factor=0.5), schedule=None
    )
    optimizer.register_step_pre_hook(lambda one, *_: rates.append(one.param_groups[0]["lr"]))
    for x, y, groups in atats.batches(loader(TRAIN)):
        atats.loss(model, x, y, groups).backward()
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        atats.step(VALIDATION)
    atats.close()
    assert rates == pytest.approx([0.1, *(0.05 * 0.9**step for step in range(1, 10))])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.9**10)


def test_sparsity_holds_weights_at_zero_and_lets_them_come_back():
    atats, optimizer = started(budget="time=60 steps", policy="static(sparsity=0.6, lambda_fair=0)")
    masks = []
    for x, y, groups in atats.batches(loader(TRAIN)):
        atats.loss(atats.model, x, y, groups).backward()
        optimizer.step()
        optimizer.zero_grad()
        atats.step(VALIDATION)
        weights = torch.cat([one.weight.detach().reshape(-1) for one in atats.model if isinstance(one, nn.Linear)])
        masks.append(weights == 0)
    assert float(masks[-1].float().mean()) == pytest.approx(0.6, abs=0.01)
    assert not torch.equal(masks[0], masks[-1])  # regrown: another set is zero
    result = atats.finish()
    weights = torch.cat([one.weight.detach().reshape(-1) for one in result.model if isinstance(one, nn.Linear)])
    assert float((weights == 0).float().mean()) == pytest.approx(0.6, abs=0.01)


def test_the_attacked_share_is_the_first_rows_and_stays_in_the_domain():
    domain = table_domain(TRAIN[0], movable=[0, 2])
    target = "robust_accuracy(pgd, eps=0.25) >= 0.5"
    atats, optimizer = started(
        targets=[target], policy="static(adversarial_share=0.5, attack=pgd)", domain=domain, budget="time=4 steps"
    )
    seen = []
    for x, y, groups in atats.batches(loader(TRAIN)):
        before = x.clone()
        seen.append((before, atats.attack(atats.model, x, y)))
        assert torch.equal(x, before)  # what the user gave is hers
        atats.compute_loss(atats.model(seen[-1][1]), y, groups, x=x).backward()
        optimizer.step()
        atats.step(VALIDATION)
    atats.close()
    assert torch.equal(*seen[0])  # no plan yet
    before, moved = seen[-1]
    shift = (moved - before).abs()
    assert bool((shift[:32, [0, 2]] > 0).any(1).all())
    assert float(shift[:, [0, 2]].max()) <= 0.25 + 1e-6
    assert float(shift[32:].max()) == 0
    assert float(shift[:, [1, 3, 4, 5]].max()) == 0


def test_what_a_policy_may_not_do_is_projected_and_counted():
    policy = Asking(lambda_fair=math.nan, group_dro=0.7, adversarial_share=7.0, attack="nothing")
    atats, optimizer = started(budget="time=30 steps", policy=policy)
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    result = atats.finish()
    assert "group_dro" in HELD
    assert result.trajectory["projected"] == len(result.trajectory["states"]) + 1
    assert any("nan is not a number" in decision.reason for decision in result.decisions)
    assert any("nothing here carries it out" in decision.reason for decision in result.decisions)


def test_a_policy_may_stop():
    atats, optimizer = started(budget="time=400 steps", policy=Asking(stop=True))
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    assert atats.steps < 10
    atats.finish()


def test_training_modes_and_frozen_parts_are_left_alone():
    model = mlp(dropout=0.5)
    model[0].weight.requires_grad_(False)
    before = model[0].weight.detach().clone()
    target = "robust_accuracy(pgd, eps=0.25) >= 0.5"
    atats, optimizer = started(
        model, targets=[target], policy="static(adversarial_share=1)", domain=table_domain(TRAIN[0]),
        budget="time=12 steps",
    )  # fmt: skip
    model[2].eval()  # as the user wants it
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    assert model.training
    assert not model[2].training
    assert not model[0].weight.requires_grad
    assert torch.equal(model[0].weight, before)
    atats.close()
