"""Groups of any form: several attributes, missing in a batch, unknown, lacking in validation; the penalty by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.atats import TrustAction
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.splits import steered
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.integrations._groups import Membership, codes_of
from efficienttrust.integrations._losses import Kind, TrustLoss
from efficienttrust.integrations._validation import dense_codes, fixed_domain, gathered, problem_of
from tests.integrations.loops.worlds import loader, mlp, run, started, table


def problem(codes, n: int = 400):
    rows = gathered((torch.zeros(n, 2), torch.arange(n) % 2, codes), None)
    return problem_of(rows, task="binary", classes=2, domain=fixed_domain(2), seed=0)


def membership(made) -> Membership:
    sizes = {name: len(names) for name, names in made.attribute_names.items()}
    return Membership.of(sizes, dense_codes(made), {name: steered(made, name) for name in ("", *sizes)})


def two_attributes(n: int = 400):
    rng = np.random.default_rng(0)
    return {"sex": torch.from_numpy(rng.integers(0, 2, n)), "age": torch.from_numpy(rng.integers(0, 3, n))}


def test_rows_are_dealt_in_strata():
    rng = np.random.default_rng(0)
    made = problem(torch.from_numpy(rng.choice([0, 1], 400, p=[0.9, 0.1])))
    shares = {name: part.codes["group"].mean() for name, part in made.splits.items()}
    assert [len(made.splits[name]) for name in ("monitor", "calibrate", "certify")] == [160, 120, 120]
    assert max(shares.values()) - min(shares.values()) < 0.02
    together = np.concatenate([made.splits[name].rows for name in ("monitor", "calibrate", "certify")])
    assert sorted(together) == list(range(400))


def test_intersections_are_those_of_the_problem():
    codes = two_attributes()
    made = problem(codes)
    found = membership(made)
    part = made.splits["certify"]
    batch = {name: one[torch.from_numpy(part.rows)] for name, one in codes.items()}
    assert np.array_equal(found.rows(batch, "").argmax(1), part.groups)
    assert np.array_equal(found.rows(batch, "age").argmax(1), part.codes["age"])


def test_unknown_and_unseen_groups_belong_to_nobody():
    found = membership(problem(torch.arange(400) % 2))
    rows = found.rows(torch.tensor([0, 1, -1, 2, 9]), "")
    assert rows.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    several = membership(problem(two_attributes()))
    rows = several.rows({"sex": torch.tensor([0, -1, 5]), "age": torch.tensor([0, 0, 0])}, "")
    assert rows.sum(1).tolist() == [1, 0, 0]


def test_a_group_too_small_to_steer_by_is_not_aimed_at():
    codes = torch.arange(400) % 2
    codes[:8] = 2
    rows = membership(problem(codes)).rows(torch.tensor([0, 1, 2]), "")
    assert rows.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_the_penalty_and_its_gradient_are_those_of_the_gap():
    """Once a gap is wide, the penalty of two groups is the difference of their mean scores."""
    loss = TrustLoss([parse_target("dpd <= 0.1")], Kind("binary", 2, (6,), True, None), None, 0)
    loss.membership = membership(problem(torch.arange(400) % 2))
    z = torch.tensor([2.0, 1.0, -1.0, -2.0], requires_grad=True)
    y, groups = torch.tensor([1, 0, 1, 0]), torch.tensor([0, 0, 1, 1])
    plain = loss.of(z, y, groups, TrustAction(), None)
    pulled = loss.of(z, y, groups, TrustAction(lambda_fair=3.0), None)
    scores = torch.sigmoid(z)
    by_hand = 3.0 * (scores[:2].mean() - scores[2:].mean())
    assert (pulled - plain).item() == pytest.approx(by_hand.item())
    (found,) = torch.autograd.grad(pulled - plain, z)
    (expected,) = torch.autograd.grad(by_hand, z)
    assert torch.allclose(found, expected)


def test_a_penalty_that_is_turned_off_forgets():
    loss = TrustLoss([parse_target("dpd <= 0.1")], Kind("binary", 2, (6,), True, None), None, 0)
    loss.membership = membership(problem(torch.arange(400) % 2))
    z, y, groups = torch.randn(8), torch.arange(8) % 2, torch.arange(8) % 2
    loss.of(z, y, groups, TrustAction(lambda_fair=1.0), None)
    assert len(loss.state_dict()["penalties"][0]["mean"]) == 2
    loss.of(z, y, groups, TrustAction(), None)
    assert len(loss.state_dict()["penalties"][0]["mean"]) == 0


def test_batches_without_one_of_the_groups():
    x, y, groups = table(640, 0)
    order = groups.argsort()
    sorted_rows = list(zip(x[order].split(64), y[order].split(64), groups[order].split(64), strict=True))
    atats, optimizer = started(budget="time=100 steps", policy="static(lambda_fair=2)")
    run(atats, optimizer, sorted_rows, table(600, 1))
    result = atats.finish(table(2000, 2))
    assert np.isfinite(result.verdicts[0].value)


def test_a_target_by_one_of_several_attributes():
    def with_names(rows):
        x, y, groups = rows
        return x, y, {"sex": groups, "age": torch.arange(len(y)) % 3}

    atats, optimizer = started(mlp(), targets=["dpd(by=sex) <= 0.2", "accuracy_gap <= 0.5"], budget="time=60 steps")
    x, y, groups = with_names(table(640, 0))
    batches = [(x[k::10], y[k::10], {name: codes[k::10] for name, codes in groups.items()}) for k in range(10)]
    run(atats, optimizer, batches, with_names(table(600, 1)))
    result = atats.finish(with_names(table(900, 2)))
    assert result.verdicts[0].target.key == "demographic_parity_difference(by=sex)"
    assert np.isfinite(result.verdicts[0].value)


def test_an_attribute_that_a_batch_lacks_is_one_line():
    found = membership(problem(two_attributes()))
    with pytest.raises(UsageError, match="no groups 'sex'"):
        found.rows({"age": torch.tensor([0])}, "")


def test_codes_may_be_booleans_and_negative():
    assert codes_of(torch.tensor([True, False]), 2)["group"].tolist() == [1, 0]
    assert codes_of([0, -7, 3], 3)["group"].tolist() == [0, -1, 3]
    assert codes_of(None, 3) == {}


def test_a_loader_that_is_validation_and_an_unread_loader():
    rows = table(300, 3)
    whole, parts = gathered(rows, None), gathered(loader(rows, 37), None)
    assert sorted(whole.y.tolist()) == sorted(parts.y.tolist())
    assert parts.x.shape == (300, 6)
