"""One forward pass gives what the last layer takes in and gives out, and leaves the model as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from efficienttrust.compression import NetworkScorer, score_encoded
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import penultimate, represent_module, represent_probabilities, represent_scorer


class TwoHeads(nn.Module):
    """Calls its layers in another order than it defines them, and one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.unused = nn.Linear(6, 9)
        self.shared = nn.Linear(6, 6)
        self.drop = nn.Dropout(0.5)

    def hidden(self, x: Tensor) -> Tensor:
        return torch.relu(self.shared(torch.relu(self.shared(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(self.hidden(x)))


def batch(n: int = 20, width: int = 6) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(0))


def test_features_are_the_input_of_the_layer_called_last() -> None:
    module = TwoHeads().train()
    features, logits = penultimate(module)(batch())
    assert torch.equal(features, module.hidden(batch()))
    assert torch.allclose(module.last(features), logits)
    assert not features.requires_grad
    assert not logits.requires_grad


def test_the_module_is_left_as_it_was() -> None:
    module = TwoHeads()
    module.drop.eval()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    penultimate(module)(batch())
    assert module.training
    assert not module.drop.training
    assert module.shared.training
    assert all(not layer._forward_pre_hooks for layer in module.modules())
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


def test_batch_norm_does_not_learn_from_it() -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    penultimate(module)(batch())
    assert module[1].num_batches_tracked == 0


def test_convolutions_before_the_last_layer() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5))
    features, logits = penultimate(module)(torch.rand(3, 1, 8, 8))
    assert features.shape == (3, 16)
    assert logits.shape == (3, 5)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "Sequential calls no nn.Linear"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.Flatten(0)), "its output is not one row for each of 3 rows"),
        (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (6, 32)), nn.Linear(32, 2)), "one row for each of 3 rows but"),
    ],
)
def test_what_cannot_be_read_is_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        penultimate(module)(torch.rand(3, 1, 8, 8))
    assert all(not layer._forward_pre_hooks for layer in module.modules())


def test_batches_add_up() -> None:
    module, rows = TwoHeads(), batch(50)
    whole, parts = (represent_module(module, rows, np.arange(50), batch=size) for size in (50, 7))
    assert parts.features == pytest.approx(whole.features, abs=1e-6)
    assert parts.logits == pytest.approx(whole.logits, abs=1e-6)
    assert whole.features.shape == (50, 6)
    assert whole.has == {"features", "logits", "labels"}
    assert whole.notes == ()


def test_no_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="no rows"):
        represent_module(TwoHeads(), batch(0))


def test_scorer_gives_its_last_hidden_layer() -> None:
    rng = np.random.default_rng(0)
    layers = tuple((rng.normal(size=shape), rng.normal(size=shape[1])) for shape in ((6, 5), (5, 4), (4, 1)))
    scorer, x = NetworkScorer(layers), rng.normal(size=(30, 6))
    rows = represent_scorer(scorer, x, np.zeros(30, dtype=int))
    assert rows.logits == pytest.approx(score_encoded(scorer, x), rel=1e-5)
    assert rows.features.shape == (30, 4)
    assert rows.features @ layers[-1][0][:, 0] + layers[-1][1] == pytest.approx(rows.logits, rel=1e-4, abs=1e-5)


def test_linear_scorer_gives_the_rows() -> None:
    scorer = NetworkScorer(((np.ones((3, 1)), np.zeros(1)),))
    rows = represent_scorer(scorer, np.eye(3))
    assert rows.features == pytest.approx(np.eye(3))
    assert rows.notes[0] == "the model has no hidden layer: features are the encoded rows"


def test_probabilities_become_logits() -> None:
    p = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    rows = represent_probabilities(np.eye(2), p)
    shares = np.exp(rows.logits) / np.exp(rows.logits).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(p, abs=1e-11)
    assert rows.logits.sum(axis=1) == pytest.approx(0)
    assert np.isfinite(rows.logits).all()
    assert rows.notes[0].startswith("the model says probabilities only")


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_probability_becomes_one_logit(shape: tuple[int, ...]) -> None:
    p = np.array([0.0, 0.3, 0.5, 1.0]).reshape(shape)
    rows = represent_probabilities(np.eye(4), p)
    assert 1 / (1 + np.exp(-rows.logits)) == pytest.approx(p)


def test_probabilities_without_rows_have_no_features() -> None:
    rows = represent_probabilities(None, np.array([[0.5, 0.5]]))
    assert rows.has == {"logits"}
    assert len(rows.notes) == 1


def test_logits_in_place_of_probabilities_are_refused() -> None:
    with pytest.raises(UsageError, match="probabilities lie between 0 and 1"):
        represent_probabilities(np.eye(2), np.array([[3.0, -1.0], [0.0, 0.0]]))
    with pytest.raises(UsageError, match="probabilities lie between 0 and 1"):
        represent_probabilities(np.eye(2), np.array([np.nan, 0.5]))
