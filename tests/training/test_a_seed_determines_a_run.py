"""A seed and a step budget determine weights, decisions and history to the last bit; another seed gives another run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.atats import policies
from efficienttrust.compression import score_encoded
from tests.small_problems import fingerprint, loans, train


@pytest.mark.parametrize("policy", policies.names())
def test_the_same_seed_gives_the_same_bits(policy):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    one, _ = train(loans(), "steps=70", policy=policy)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    again, _ = train(loans(), "steps=70", policy=policy)
    assert fingerprint(one) == fingerprint(again)


@pytest.mark.parametrize("budget", ["samples=2500", "flops=4e7"])
def test_the_other_deterministic_clocks_do_too(budget):
    assert fingerprint(train(loans(), budget)[0]) == fingerprint(train(loans(), budget)[0])


def test_another_seed_gives_other_weights():
    one, other = (train(loans(), "steps=70", seed=seed)[0] for seed in (0, 1))
    assert fingerprint(one)[0] != fingerprint(other)[0]


def test_training_leaves_the_global_generators_alone():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    train(loans(), "steps=30")
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002


def test_trees_are_determined_by_the_seed():
    one, again = (train(loans(), "steps=40", trainer="trees", seed=3)[0] for _ in range(2))
    x = loans().splits["test"].x
    assert np.array_equal(score_encoded(one.members[0].scorer, x), score_encoded(again.members[0].scorer, x))
