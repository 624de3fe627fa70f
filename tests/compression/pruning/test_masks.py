"""Masks set the weights to zero that they should, as many as were asked for, and no others."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from efficienttrust.compression import ModuleScorer, NetworkScorer, Workpiece
from efficienttrust.compression.pruning import parse_pruning, prune, sparsity, zero_parameters
from efficienttrust.compression.pruning._masks import Mask, cut_to, deployed_weights, lowest, masks_of
from efficienttrust.errors import UsageError
from tests.compression.pruning.cases import plain, rows

SAMPLE = rows((12,))


def pruned(text: str, seed: int = 0, piece: Workpiece | None = None) -> Workpiece:
    piece = piece or plain()
    prune(piece, parse_pruning(text), sample=SAMPLE, seed=seed)
    return piece


def deployed(piece: Workpiece) -> list[np.ndarray]:
    return [value.numpy() for _, value in deployed_weights(piece)]


@pytest.mark.parametrize("amount", [0.1, 0.5, 0.8, 0.97])
def test_magnitude_takes_the_smallest_of_all_layers(amount):
    before = [value.copy() for value in deployed(plain())]
    flat = np.sort(np.abs(np.concatenate([value.ravel() for value in before])))
    threshold = flat[round(amount * len(flat))]
    after = deployed(pruned(f"magnitude:{amount}"))
    protected = unlike = 0
    for old, new in zip(before, after, strict=True):
        expected = np.where(np.abs(old) >= threshold, old, 0.0)
        if not expected.any():  # a layer keeps its largest weight
            expected.flat[np.abs(old).argmax()] = old.flat[np.abs(old).argmax()]
            protected += 1
        unlike += int((new != expected).sum())
    assert unlike <= protected, "those that make room for a protected one"


@pytest.mark.parametrize("amount", [0.25, 0.5, 0.9])
def test_layerwise_equals_torch(amount):
    twin = copy.deepcopy(plain().module)
    for layer in twin.linears:
        torch_prune.l1_unstructured(layer, "weight", round(amount * layer.weight.numel()))
    for value, layer in zip(deployed(pruned(f"layerwise:{amount}")), twin.linears, strict=True):
        assert np.array_equal(value, layer.weight.detach().numpy())


def test_chance_follows_from_the_seed_and_spares_no_size():
    first, again, other = (pruned("random:0.5", seed=seed) for seed in (1, 1, 2))
    same = [np.array_equal(a, b) for a, b in zip(deployed(first), deployed(again), strict=True)]
    assert all(same)
    assert any(not np.array_equal(a, b) for a, b in zip(deployed(first), deployed(other), strict=True))
    old, new = deployed(plain())[0], deployed(first)[0]
    correlation = np.corrcoef(np.abs(old).ravel(), (new == 0).ravel())[0, 1]
    assert abs(correlation) < 0.2


@given(
    amounts=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3),
    method=st.sampled_from(["magnitude", "random"]),
)
@settings(max_examples=25, deadline=None)
def test_the_share_is_of_all_weights_afterwards(amounts, method):
    piece = plain()
    weights = sum(value.size for value in deployed(piece))
    for amount in amounts:
        pruned(f"{method}:{amount:.4f}", piece=piece)
    most = max(round(float(f"{amount:.4f}"), 4) for amount in amounts)
    zeros = sum(int((value == 0).sum()) for value in deployed(piece))
    assert zeros == min(round(most * weights), weights - 3), "each of the three layers keeps a weight"
    assert all(value.any() for value in deployed(piece))
    assert sparsity(piece) == zeros / weights


def test_a_mask_on_a_mask_of_the_same_share_changes_nothing():
    piece = pruned("magnitude:0.7")
    before = deployed(piece)
    for value, old in zip(deployed(pruned("magnitude:0.7", piece=piece)), before, strict=True):
        assert np.array_equal(value, old)


def test_zeros_that_a_network_came_with_are_the_first_to_go():
    piece = pruned("magnitude:0.6")
    piece.projection.fold(piece.module)
    again = Workpiece(piece.module, piece.shape)
    before = deployed(again)
    share = sparsity(again)
    for value, old in zip(deployed(pruned(f"random:{share!r}", piece=again)), before, strict=True):
        assert np.array_equal(value, old)


def test_biases_norms_and_embeddings_stay():
    module = nn.Sequential(nn.Embedding(10, 4), nn.LayerNorm(4), nn.Linear(4, 8))
    piece = Workpiece(module, (1,))
    assert set(masks_of(piece)) == {"2.weight"}


def test_a_network_without_weights_is_refused():
    with pytest.raises(UsageError, match="no linear, convolutional or recurrent layer"):
        masks_of(Workpiece(nn.Sequential(nn.LayerNorm(12)), (12,)))


def test_layers_of_unknown_type_are_named():
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(12, 6), nn.Bilinear(6, 6, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.first(x)
            return self.second(hidden, hidden)

    piece = pruned("magnitude:0.5", piece=Workpiece(Pair(), (12,)))
    (note,) = piece.notes
    assert "Bilinear" in note


def test_a_network_that_answers_nan_is_refused():
    piece = plain()
    with torch.no_grad():
        piece.module.linears[0].bias.fill_(float("nan"))
    with pytest.raises(UsageError, match="no number"):
        pruned("magnitude:0.5", piece=piece)


def test_without_weights_there_is_no_sparsity():
    assert np.isnan(sparsity(nn.LayerNorm(4)))


def test_zeros_of_a_scorer_are_counted():
    weight, bias = np.array([[0.0], [1.0], [2.0], [0.0]], np.float32), np.zeros(1, np.float32)
    assert zero_parameters(NetworkScorer(((weight, bias),))) == 3
    layer = nn.Linear(4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.T))
        layer.bias.copy_(torch.from_numpy(bias))
    assert zero_parameters(ModuleScorer(layer, (4,), 1, "layer")) == 3


def test_the_lowest_are_counted_with_ties():
    scores = torch.tensor([3.0, 1.0, 1.0, 1.0, 0.5])
    assert lowest(scores, 3).tolist() == [False, True, True, False, True]
    assert not lowest(scores, 0).any()
    mask = Mask(torch.ones(5, dtype=torch.bool))
    cut_to([mask], [scores], 5)
    assert mask.keep.tolist() == [True, False, False, False, False], "the best stays"


@pytest.mark.parametrize("amount", ["0", "1", "-0.1", "2", "150%", "half", ""])
def test_what_is_no_share_is_refused(amount):
    with pytest.raises(UsageError, match="magnitude:"):
        parse_pruning(f"magnitude:{amount}")


def test_options_are_checked():
    assert parse_pruning("gradual:80%").options == {"regrow": 0.3}
    with pytest.raises(UsageError, match="regrow=1"):
        parse_pruning("gradual:0.8, regrow=1")
    with pytest.raises(UsageError, match="rounds=0"):
        parse_pruning("iterative:0.8, rounds=0")
    with pytest.raises(UsageError, match="Did you mean 'regrow'"):
        parse_pruning("gradual:0.8, regro=0.1")
