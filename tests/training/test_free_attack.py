"""Free adversarial training: one gradient moves weights and rows, batches are replayed, nothing of it stays behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction, project
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.threats import reach
from efficienttrust.training import TrainingTask
from efficienttrust.training._batches import NOISE_REACH
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from tests.small_problems import ROBUST, loans, train
from tests.training.module_cases import HERE, PLAIN

EPS, RATE = 0.2, 1e-2
FREE = TrustAction(adversarial_share=0.5, attack="free", attack_steps=3.0)
OPTIONS = {"mlp": {"widths": (8,)}}
NETWORKS = ["mlp", f"{HERE}:plain"]


def stepper_of(network: str):
    targets = (parse_target(ROBUST),)
    task = TrainingTask(targets=targets, seed=0, network=network, options=OPTIONS.get(network, {}), settings=PLAIN)
    return Bench(loans(), task, levers_of(targets)).stepper()


def one(stepper, rows, action):
    x = stepper.attack(stepper.batch(rows, action), rows, action)
    moved = x.detach().clone()
    stepper.step(x, rows, action, RATE)
    return moved


@pytest.mark.parametrize("network", NETWORKS)
def test_the_perturbation_follows_the_gradient_of_the_step(network):
    """Three replays against the written-out recursion, with gradients by autograd."""
    stepper, train_split, domain = stepper_of(network), loans().splits["train"], loans().domain
    rows, p, attacked = torch.arange(40), len(loans().domain.lower), 20
    clean, y = torch.from_numpy(train_split.x)[:40], torch.from_numpy(train_split.y.astype(np.float32))[:40]
    room = reach(domain, clean, NOISE_REACH * EPS, whole_units=False)
    radius = reach(domain, clean, EPS).radius
    unit = torch.zeros(40, p)
    for _ in range(3):
        expected = clean.clone()
        expected[:attacked, :p] += room.clip(unit * radius)[:attacked]
        leaf = expected.clone().requires_grad_()
        functional.binary_cross_entropy_with_logits(stepper.network(leaf), y).backward()
        stepper.network.zero_grad()
        torch.testing.assert_close(one(stepper, rows, FREE), expected)
        unit[:attacked] = (unit + leaf.grad[:, :p].sign()).clamp(-1, 1)[:attacked]
    assert unit.abs().max() == 1


@pytest.mark.parametrize("network", NETWORKS)
def test_it_costs_no_pass_of_its_own(network):
    stepper = stepper_of(network)
    assert stepper.flops(64, FREE) == stepper.flops(64, TrustAction())


@pytest.mark.parametrize("network", NETWORKS)
def test_switched_off_it_leaves_nothing_and_starts_anew(network):
    free, never = stepper_of(network), stepper_of(network)
    rows = torch.arange(32)
    one(free, rows, FREE)
    never.load_state_dict({**free.state_dict(), "free": {"unit": None}})
    for stepper in (free, never):
        one(stepper, rows, TrustAction(adversarial_share=0.5, attack="noise"))
    torch.testing.assert_close(one(free, rows, FREE), one(never, rows, FREE), rtol=0, atol=0)


def test_a_seed_determines_a_training():
    policy = "static(adversarial_share=1, attack=free, attack_steps=4)"
    one_run, ledger = train(loans(), "steps=24", [ROBUST], policy=policy)
    again, _ = train(loans(), "steps=24", [ROBUST], policy=policy)
    for first, second in zip(one_run.members, again.members, strict=True):
        for a, b in zip(first.scorer.layers, second.scorer.layers, strict=True):
            np.testing.assert_array_equal(a[0], b[0])
    assert ledger.used() == 24


def test_rows_stay_until_they_are_replayed():
    from efficienttrust.training._loop import LoopState

    class Source:
        def __init__(self):
            self.drawn = 0

        def next(self, composition):
            self.drawn += 1
            return torch.tensor([self.drawn])

    class Still:
        def composition(self, action):
            return None

    from efficienttrust.training._loop import Loop

    loop = Loop.__new__(Loop)
    loop.state, loop.shuffler, loop.stepper = LoopState(), Source(), Still()
    drawn = [int(loop._next_rows(FREE)) for _ in range(7)]
    assert drawn == [1, 1, 1, 2, 2, 2, 3]
    plain = [int(loop._next_rows(TrustAction())) for _ in range(2)]
    assert plain == [4, 5]
    assert int(loop._next_rows(FREE)) == 5, "the last batch is replayed when it is switched on"


def test_a_loop_that_cannot_replay_holds_it():
    allowed, notes = project(TrustAction(attack="free"), TrustAction(), held={"free"})
    assert allowed.attack == "n_fgsm"
    assert notes == ("attack: free held, as nothing here carries it out; kept n_fgsm",)
