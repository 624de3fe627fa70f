"""Batches of one row, fewer rows than a batch, tables of tiny size: all are trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.atats import TrustAction
from efficienttrust.data import Problem, Split
from efficienttrust.losses import penalties
from efficienttrust.models import build_mlp
from efficienttrust.training._batches import Shuffler, TrainingData, batch_size_for
from efficienttrust.training._step import Stepper
from tests.small_problems import FAIR, ROBUST, loans, train


def stepper(problem: Problem, rows: int) -> Stepper:
    part = problem.splits["train"]
    weight = np.linspace(0.5, 2, rows).astype(np.float32)
    head = Split(
        part.x[:rows],
        part.y[:rows],
        part.groups[:rows],
        {name: codes[:rows] for name, codes in part.codes.items()},
        weight,
        part.rows[:rows],
    )
    return Stepper(
        build_mlp(n_features=part.x.shape[1], widths=(8,), seed=0),
        TrainingData.of(problem, head, [""], eps=0.2),
        [(penalties.get(name)(), "") for name in penalties.names()],
        learning_rate=1e-3,
        weight_decay=0.0,
        generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize("attack", ["n_fgsm", "pgd", "noise"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_step_on_few_rows_is_finite_and_leaves_the_data_alone(rows, share, attack):
    one = stepper(loans(), rows)
    before, action = one.data.x.clone(), TrustAction(lambda_fair=1.0, adversarial_share=share, attack=attack)
    batch = Shuffler(rows, 256, torch.Generator().manual_seed(0)).next()
    x = one.attack(one.data.x.index_select(0, batch), batch, action)
    loss = one.step(x, batch, action, 1e-3)
    assert torch.isfinite(loss)
    assert all(torch.isfinite(parameter).all() for parameter in one.network.parameters())
    assert torch.equal(one.data.x, before), "an attack writes into the batch, never into the data"
    assert (x - before[batch]).abs().max() > 0 if round(share * rows) else torch.equal(x, before[batch])


@pytest.mark.parametrize("attack", ["n_fgsm", "pgd", "noise"])
def test_training_attacks_stay_inside_the_domain(attack):
    one, domain = stepper(loans(), 200), loans().domain
    batch = torch.arange(200)
    x = one.attack(one.data.x.clone(), batch, TrustAction(adversarial_share=1.0, attack=attack))
    p = len(domain.lower)
    moved, clean = x[:, :p].numpy(), one.data.x[:, :p].numpy()
    changed = moved != clean
    inside = (moved >= domain.lower - 1e-5) & (moved <= domain.upper + 1e-5)
    assert np.all(inside | ~changed)
    assert torch.equal(x[:, p:], one.data.x[:, p:]), "one-hot blocks and indicators stay"
    imputed = loans().splits["train"].x[:200, domain.indicator[domain.indicator >= 0]] > 0
    assert not np.any(changed[:, domain.indicator >= 0] & imputed), "an imputed cell is not attacked"


@pytest.mark.parametrize("rows", [1, 7, 256, 257, 1000])
def test_an_epoch_shows_every_row_at_most_once(rows):
    size = batch_size_for(rows)
    shuffler = Shuffler(rows, size, torch.Generator().manual_seed(0))
    assert shuffler.batch_size == min(size, rows)
    epoch = torch.cat([shuffler.next() for _ in range(rows // shuffler.batch_size)])
    assert len(torch.unique(epoch)) == len(epoch) > rows - shuffler.batch_size


@pytest.mark.parametrize("rows", [1, 20, 500, 5000, 10**6])
def test_batches_are_powers_of_two_within_bounds(rows):
    assert batch_size_for(rows) in (32, 64, 128, 256)


@pytest.mark.parametrize("trainer", ["network", "trees"])
def test_a_table_of_sixty_rows_is_trained_on(trainer):
    problem = loans(60)
    assert len(problem.splits["train"].y) < 32
    candidates, ledger = train(problem, "steps=40", [FAIR, ROBUST], trainer=trainer)
    assert ledger.used() <= 40
    assert candidates.members
