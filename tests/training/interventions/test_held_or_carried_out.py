"""A dial that a stepper cannot carry out is held; one that it can does what it says in parts and for every task."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.compression import Projection
from efficienttrust.data import load_problem
from efficienttrust.training.interventions import Groups, Interventions, groups_of
from tests.small_problems import FAIR, ROBUST, loans, make_table, weighted_loans
from tests.training.interventions.cases import ROWS, STEPPERS, made_groups, some_steps, stepper_of, taken
from tests.training.module_cases import HERE, IMAGE_ROBUST, closest, gradients, images, write_images
from tests.training.module_cases import stepper_of as module_stepper_of

GROUP_DIALS = {"reweighing", "fair_batch", "group_dro", "debias"}


@pytest.mark.parametrize("network", STEPPERS)
def test_two_classes_hold_nothing_but_what_a_plain_network_has_not(network):
    assert stepper_of(loans(), network).held == {"spread"}


def test_without_two_groups_all_that_compares_them_is_held():
    groups = made_groups()
    alone = dataclasses.replace(groups, codes=groups.codes.clamp_max(0))  # one group, and rows of none
    assert Interventions((), {}, alone).held == GROUP_DIALS
    assert Interventions((), {}, None).held == GROUP_DIALS
    assert Interventions((), {}, groups).held == set()


def test_more_classes_and_numbers(tmp_path):
    three = module_stepper_of(images(write_images(tmp_path, 3)), "vit", width=0.1, depth=1, patch=4)
    assert three.held == {"fair_batch", "debias", "spread"}
    table = make_table().drop(columns="approved")
    number = load_problem(table, label="debt", task="regression", sensitive="sex", name="debts")
    held = module_stepper_of(number, "tabular", width=0.1).held
    assert held == {"fair_batch", "debias", "reweighing", "trades", "spread"}


def test_groups_are_those_of_the_target_or_the_intersections():
    table = make_table()
    problem = load_problem(table, label="approved", sensitive=["sex", "region"], name="both")
    one = groups_of(problem, [("demographic_parity", "sex"), ("equalized_odds", "sex")])
    assert (one.count, one.notions) == (2, ("demographic_parity", "equalized_odds"))
    for pairs in ([], [("demographic_parity", "")], [("demographic_parity", "sex"), ("equalized_odds", "region")]):
        assert groups_of(problem, pairs).count == 6


@pytest.mark.parametrize("parts", [2, 5, 37])
@pytest.mark.parametrize("problem", [loans, weighted_loans], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "action",
    [
        TrustAction(reweighing=1.0),
        TrustAction(group_dro=0.9),
        TrustAction(debias=1.0, lambda_fair=0.3),
        TrustAction(adversarial_share=0.4, trades=2.0),
        TrustAction(adversarial_share=0.4, trades=2.0, reweighing=1.0, group_dro=0.5, lambda_fair=1.0, fair_batch=1.0),
    ],
    ids=["reweighing", "group_dro", "debias", "trades", "all"],
)
def test_a_batch_in_parts_has_the_gradient_of_the_whole(problem, parts, action):
    whole, divided = (module_stepper_of(problem(), f"{HERE}:dropless", (FAIR, ROBUST)) for _ in range(2))
    divided.parts = parts
    rows = torch.arange(5, 42)
    x = [one.batch(rows, action) for one in (whole, divided)]
    if action.adversarial_share > 0:
        x = [whole.attack(x[0], rows, action)] * 2
    for _ in range(3):  # an adversary that has seen nothing does nothing
        said = [one.step(given, rows, action, 0.0) for one, given in zip((whole, divided), x, strict=True)]
    assert float(said[0]) == pytest.approx(float(said[1]), rel=1e-5)
    assert closest(gradients(whole.network), gradients(divided.network)) < 1e-6


def test_attacked_copies_are_those_of_the_attack_in_place():
    for network in STEPPERS:
        apart, in_place = (stepper_of(loans(), network) for _ in range(2))
        action = TrustAction(adversarial_share=0.4, attack="pgd")
        moved = in_place.attack(in_place.batch(ROWS, action), ROWS, action)
        trades = dataclasses.replace(action, trades=1.0)
        copies = apart.attack(apart.batch(ROWS, trades), ROWS, trades)[len(ROWS) :]
        assert torch.equal(copies, moved[: len(copies)])


def test_trades_of_images_of_three_classes(tmp_path):
    problem = images(write_images(tmp_path, 3))
    stepper, twin = (module_stepper_of(problem, "vit", (IMAGE_ROBUST,), width=0.1, depth=1, patch=4) for _ in range(2))
    action = TrustAction(adversarial_share=0.5, trades=4.0, augmentation=0.0)
    rows = torch.arange(32)
    x = stepper.attack(stepper.batch(rows, action), rows, action)
    assert len(x) == 48
    y = torch.from_numpy(np.asarray(problem.splits["train"].y).astype(np.int64))[rows]
    clean, moved = twin.network(x[:32]), twin.network(x[32:])
    kl = functional.kl_div(torch.log_softmax(moved, 1), torch.softmax(clean[:16], 1), reduction="none").sum(1)
    loss = functional.cross_entropy(clean, y) + 4.0 * kl.sum() / 32
    loss.backward()
    said = stepper.step(x, rows, action, 0.0)
    assert float(said) == pytest.approx(float(loss.detach()), rel=1e-5)
    assert closest(gradients(stepper.network), gradients(twin.network)) < 2e-6


def test_more_steps_of_pgd_find_worse_points():
    problem = loans()
    losses = []
    for steps in (1.0, 20.0):
        stepper = stepper_of(problem, "mlp")
        action = TrustAction(adversarial_share=1.0, attack="pgd", attack_steps=steps)
        losses.append(float(taken(stepper, action, rate=0.0)))
    assert losses[1] > losses[0]


class Halves:
    """Stands for two processes: what one gives is completed by what the other would."""

    def __init__(self, rank: int, z: torch.Tensor, losses: torch.Tensor) -> None:
        from efficienttrust.training._distributed import Share

        self.share, self._whole = Share(rank, 2), [z, losses]

    def gather(self, values: torch.Tensor, n: int) -> torch.Tensor:
        whole = next(one for one in self._whole if torch.equal(self.share.of(one), values))
        assert len(whole) == n
        return whole


def test_processes_see_the_whole_batch_and_take_their_share():
    from efficienttrust.training.interventions import joint_effect

    rows = torch.arange(37)
    z, losses = torch.randn(37), torch.rand(37)
    action = TrustAction(reweighing=1.0, group_dro=0.5, debias=1.0, fair_batch=1.0)
    groups: Groups = made_groups()

    def effects(team):
        own = Interventions((), {}, groups)
        mine = (z, losses) if team is None else (team.share.of(z), team.share.of(losses))
        for _ in range(3):
            effect = joint_effect(team, torch.device("cpu"), own.at(action), rows, groups.y[rows], *mine)
        return effect, own.composition(action)

    whole, composition = effects(None)
    for rank in (0, 1):
        part, composed = effects(Halves(rank, z, losses))
        assert torch.equal(part.factor, whole.factor[rank::2])
        assert torch.equal(part.gradient, whole.gradient[rank::2])
        assert composed.shares == composition.shares


def test_announcements_carry_every_dial(monkeypatch):
    from efficienttrust.atats import DIALS
    from efficienttrust.training import _distributed
    from efficienttrust.training._distributed import Announcement, Move, Share, Team

    box = []

    def broadcast(message, source):
        if box:
            message.copy_(box[0])
        else:
            box.append(message.clone())

    monkeypatch.setattr(_distributed.distributed, "broadcast", broadcast)
    action = TrustAction(attack="pgd", **{dial.name: (dial.low + dial.high) / 3 for dial in DIALS})
    said = Announcement(Move.STEP, torch.arange(9), action, learning_rate=0.125)
    Team(Share(0, 2), 0).announce(said)
    heard = Team(Share(1, 2), 1).hear()
    assert heard.action == action
    assert (heard.move, heard.learning_rate, heard.rows.tolist()) == (said.move, 0.125, list(range(9)))


@pytest.mark.parametrize("network", STEPPERS)
def test_sparsity_is_of_the_deployed_scorer_and_weights_come_back(network):
    stepper = stepper_of(loans(), network)
    dense = sum(int((one == 0).sum()) for one in stepper.network.parameters())
    some_steps(stepper, TrustAction(sparsity=0.6), 0, 3)
    first = {name: rules[0].keep.clone() for name, rules in _projection(stepper).rules.items()}
    floats = sum(int((one == 0).sum()) for one in stepper.network.parameters())
    assert floats <= dense, "dense weights lie beneath"
    kept = torch.cat([one.reshape(-1) for one in first.values()])
    assert float(kept.float().mean()) == pytest.approx(0.4, abs=1 / len(kept) + 1e-9)
    sizes = torch.cat([p.detach().abs().reshape(-1) for p in stepper.network.parameters() if p.ndim > 1])
    scorer = stepper.scorer()
    layers = (
        [w for w, _ in scorer.layers] if network == "mlp" else [p for p in scorer.module.parameters() if p.ndim > 1]
    )
    zeros = sum(int((one == 0).sum()) for one in layers)
    assert zeros == int((~kept).sum())
    some_steps(stepper, TrustAction(sparsity=0.6), 3, 120)
    again = torch.cat([rules[0].keep.reshape(-1) for rules in _projection(stepper).rules.values()])
    assert bool((again & ~kept).any()), "some weight has come back"
    assert int(again.sum()) == int(kept.sum())
    assert len(sizes) == len(kept)
    some_steps(stepper, TrustAction(), 123, 1)
    assert not _projection(stepper)


def _projection(stepper) -> Projection:
    return stepper.projection if hasattr(stepper, "projection") else stepper._projection


def test_the_gradient_of_a_sparse_step_is_that_at_the_masked_weights():
    stepper, twin = (stepper_of(loans(), "mlp") for _ in range(2))
    action = TrustAction(sparsity=0.5)
    x = stepper.batch(ROWS, action)
    masks = {name: rules[0] for name, rules in stepper._projection.rules.items()}
    with torch.no_grad():
        for name, one in twin.network.named_parameters():
            if name in masks:
                one.copy_(masks[name](one))
    stepper.step(x, ROWS, action, 0.0)
    twin.step(twin.batch(ROWS, TrustAction()), ROWS, TrustAction(), 0.0)
    for one, other in zip(stepper.network.parameters(), twin.network.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
