"""GroupDRO follows ten lines of reference, whichever groups a batch holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.training.interventions import Answers, interventions
from tests.training.interventions.cases import made_groups


def reference(groups, batches, step):
    """The recursion, in numpy: weights of the rows of each batch."""
    codes, weight = groups.codes.numpy(), groups.weight.numpy().astype(np.float64)
    p = np.array([weight[codes == g].sum() for g in range(3)]) / weight[codes >= 0].sum()
    q, m, found = p.copy(), np.full(3, np.nan), []
    for rows, losses in batches:
        for g in range(3):
            own = codes[rows] == g
            if own.any():
                now = losses[own].sum() / weight[rows][own].sum()
                m[g] = now if np.isnan(m[g]) else 0.9 * m[g] + 0.1 * now
        q = q * np.exp(step * np.where(np.isnan(m), np.nanmean(m) if (~np.isnan(m)).any() else 0.0, m))
        q = np.maximum(q / q.sum(), 1e-4)
        found.append(np.where(codes[rows] >= 0, (q / p)[codes[rows]], 1.0))
    return found, q


def batches_of(groups, count, *, only=None, seed=0):
    rng = np.random.default_rng(seed)
    codes = groups.codes.numpy()
    for index in range(count):
        allowed = np.arange(len(codes)) if only is None else np.flatnonzero(np.isin(codes, only[index % len(only)]))
        rows = rng.choice(allowed, 40)
        yield rows, (rng.gamma(2.0, 0.2, 40) * (1.0 + (codes[rows] == 2))) * groups.weight.numpy()[rows]


def run(groups, batches, step):
    dro = interventions.get("group_dro")(groups)
    found = []
    for rows, losses in batches:
        losses = torch.from_numpy(losses.astype(np.float32))
        answers = Answers(torch.from_numpy(rows), groups.y[rows], torch.zeros(0), lambda given=losses: given)
        found.append(dro.take(answers, step).factor.numpy())
    return found, dro


@pytest.mark.parametrize("step", [0.05, 1.0])
@pytest.mark.parametrize(
    "only", [None, [[0], [1], [2]], [[0, 1]], [[-1], [0, 1, 2]]], ids=["all", "one", "never one", "none"]
)
def test_weights_of_rows(step, only):
    groups = made_groups()
    batches = list(batches_of(groups, 60, only=only))
    found, dro = run(groups, batches, step)
    wanted, q = reference(groups, batches, step)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4)
    np.testing.assert_allclose(dro.state_dict()["q"], q, rtol=2e-4)


def test_the_group_that_loses_most_ends_with_the_weight():
    groups = made_groups()
    _, dro = run(groups, list(batches_of(groups, 200)), 0.5)
    q = dro.state_dict()["q"]
    assert q[2] > 0.95
    assert min(q) >= 1e-4, "no group is lost for good"


def test_equal_losses_move_nothing():
    groups = made_groups()
    batches = [(rows, groups.weight.numpy()[rows] * 0.7) for rows, _ in batches_of(groups, 20)]
    found, _ = run(groups, batches, 1.0)
    assert all(np.allclose(one, 1.0, atol=1e-4) for one in found)


def test_a_loss_that_is_no_number_does_not_enter_the_weights():
    groups = made_groups()
    rows = np.arange(40)
    found, _ = run(groups, [(rows, np.full(40, np.nan)), (rows, np.ones(40))], 0.5)
    assert all(np.isfinite(one).all() for one in found)
