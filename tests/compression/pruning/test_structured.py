"""Whole units leave a network: what is left is smaller, and answers as the network did without them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from efficienttrust.compression import Decision, ModuleScorer, Workpiece, score_encoded, scorer_of, workpiece_of
from efficienttrust.compression.pruning import Mask, parse_pruning, prune, sparsity
from efficienttrust.compression.pruning._atoms import choose, kept_units
from efficienttrust.compression.pruning._families import atoms_of
from efficienttrust.errors import UsageError
from efficienttrust.models import Inputs, make_network, networks
from efficienttrust.pipeline._weights import load_weights, save_weights
from tests.compression.conftest import random_network
from tests.compression.pruning.cases import DEEP, OURS, ours, plain, rows


def cut(scorer: ModuleScorer, amount: float = 0.5) -> ModuleScorer:
    piece = workpiece_of(scorer)
    prune(piece, parse_pruning(f"structured:{amount}"), sample=rows(scorer.shape), seed=0)
    return scorer_of(piece, scorer)


def silenced(module: nn.Module, amount: float) -> nn.Module:
    """A twin of the same size in which nobody hears the units that would leave: what reads them reads zeros."""
    twin = copy.deepcopy(module)
    atoms = atoms_of(twin)
    kept = choose(atoms, amount)
    with torch.no_grad():
        for (path, leaf, axis), places in atoms.places.items():
            value = getattr(twin.get_submodule(path), leaf)
            if axis == 1 and value.ndim > 1:
                gone = torch.nonzero((places >= 0) & ~kept[places])[:, 0]
                value.index_fill_(1, gone, 0.0)
    return twin


@pytest.mark.parametrize("name", [*OURS, *(pytest.param(name, marks=pytest.mark.slow) for name in DEEP)])
@pytest.mark.parametrize("amount", [0.5, 0.9])
def test_every_network_answers_as_without_the_units(name, amount):
    scorer = ours(name)
    x = rows(scorer.shape)
    expected = score_encoded(scorer_of(Workpiece(silenced(scorer.module, amount), scorer.shape), scorer), x)
    smaller = cut(scorer, amount)
    assert smaller.n_parameters < scorer.n_parameters
    found = score_encoded(smaller, x)
    assert np.abs(found - expected).max() < 1e-4 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("name", OURS)
def test_a_cut_network_is_saved_and_loaded(name, tmp_path):
    scorer = cut(ours(name), 0.5)
    save_weights(tmp_path, scorer, Decision())
    again, _ = load_weights(tmp_path)
    assert np.array_equal(score_encoded(again, rows(scorer.shape)), score_encoded(scorer, rows(scorer.shape)))


def test_no_network_is_left_out():
    assert {*OURS, *DEEP, "linear"} == set(networks.names())


def test_a_cut_network_of_plain_arrays_is_saved_and_loaded(tmp_path):
    before = random_network((12, 32, 16, 1))
    piece = workpiece_of(before)
    prune(piece, parse_pruning("structured:0.5"), sample=rows((12,)), seed=0)
    after = scorer_of(piece, before)
    assert [weight.shape for weight, _ in after.layers] == [(12, 16), (16, 8), (8, 1)]
    save_weights(tmp_path, after, Decision())
    again, _ = load_weights(tmp_path)
    assert np.array_equal(score_encoded(again, rows((12,))), score_encoded(after, rows((12,))))
    twin = scorer_of(Workpiece(silenced(workpiece_of(before).module, 0.5), (12,)), before)
    assert np.abs(score_encoded(after, rows((12,))) - score_encoded(twin, rows((12,)))).max() < 1e-5


@pytest.mark.parametrize("name", ["resnet8", "resnet20"])
def test_all_stages_of_a_resnet_are_halved_the_stream_included(name):
    module = cut(ours(name)).module
    channels = [layer.out_channels for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    assert sorted(set(channels)) == [8, 16, 32]
    assert module.head.in_features == 32


def test_heads_leave_attention_whole():
    before, after = ours("vit").module.blocks[0], cut(ours("vit")).module.blocks[0]
    width = before.out.in_features // before.heads
    assert (before.heads, after.heads) == (3, 2)
    assert after.out.in_features == 2 * width
    assert after.project.out_features == 3 * 2 * width


def test_masked_weights_stay_masked_after_a_cut():
    piece = plain()
    prune(piece, parse_pruning("layerwise:0.5"), sample=rows((12,)), seed=0)
    prune(piece, parse_pruning("structured:0.5"), sample=rows((12,)), seed=0)
    assert all(isinstance(rule, Mask) for rules in piece.projection.rules.values() for rule in rules)
    for name, parameter in piece.module.named_parameters():
        if name in piece.projection.rules:
            assert piece.projection.rules[name][0].keep.shape == parameter.shape
    share = sparsity(piece)
    with torch.no_grad():
        for parameter in piece.module.parameters():
            parameter.add_(1.0)  # a step of training
    assert sparsity(piece) == share > 0.2


def test_the_choice_does_not_change_when_a_unit_is_scaled_up_and_down_again():
    piece = plain(widths=(32,))
    kept = choose(atoms_of(piece.module), 0.5)
    with torch.no_grad():
        factor = torch.rand(32) * 5 + 0.2
        piece.module.linears[0].weight.mul_(factor[:, None])
        piece.module.linears[0].bias.mul_(factor)
        piece.module.linears[1].weight.div_(factor)
    assert torch.equal(choose(atoms_of(piece.module), 0.5), kept)


def test_units_that_nobody_reads_leave_first():
    piece = plain(widths=(32,))
    with torch.no_grad():
        piece.module.linears[1].weight[:, 5:21] = 0
        piece.module.linears[0].weight[5:21].mul_(100)
    kept = choose(atoms_of(piece.module), 0.5)
    assert kept.tolist() == [not 5 <= unit < 21 for unit in range(32)]


def test_permuting_units_permutes_the_choice():
    piece = plain(widths=(32,))
    kept = choose(atoms_of(piece.module), 0.5)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = piece.module.linears
        first.weight.copy_(first.weight[order].clone())
        first.bias.copy_(first.bias[order].clone())
        second.weight.copy_(second.weight[:, order].clone())
    assert torch.equal(choose(atoms_of(piece.module), 0.5), kept[order])


@pytest.mark.parametrize("units", [1, 2, 3, 7, 8, 11, 15, 16, 33, 64, 256])
@pytest.mark.parametrize("amount", [0.01, 0.25, 0.5, 0.9, 0.99])
def test_many_units_stay_by_fours_and_never_none(units, amount):
    kept = kept_units(units, amount)
    assert 1 <= kept <= units
    assert kept < 8 or kept % 4 == 0 or kept == units
    wanted = units * (1 - amount)
    assert kept == 1 or abs(kept - wanted) <= (2.0 if wanted >= 8 else 0.5)


def test_a_share_below_a_unit_is_said():
    piece = plain()
    prune(piece, parse_pruning("structured:0.05"), sample=rows((12,)), seed=0)
    assert piece.module.widths == (32, 16)
    (note,) = piece.notes
    assert "structured:0.05" in note


class Foreign(nn.Module):
    """A network that is not ours, with a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.inner, self.outer = nn.Conv2d(16, 24, 3, padding=1), nn.Conv2d(24, 16, 3, padding=1)
        self.head = nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = torch.relu(self.stem(x))
        return self.head((stem + self.outer(torch.relu(self.inner(stem)))).mean((2, 3)))


def test_a_network_of_ones_own_is_traced():
    piece = Workpiece(Foreign().eval(), (3, 8, 8))
    prune(piece, parse_pruning("structured:0.5"), sample=rows((3, 8, 8)), seed=0)
    module = piece.module
    assert (module.stem.out_channels, module.inner.out_channels, module.head.in_features) == (8, 12, 8)
    assert module(torch.from_numpy(rows((3, 8, 8)))).shape == (16, 8)
    assert piece.edits["inner.out_channels"] == 12


def test_channels_of_a_traced_network_stay_by_fours():
    piece = Workpiece(Foreign().eval(), (3, 8, 8))
    prune(piece, parse_pruning("structured:0.3"), sample=rows((3, 8, 8)), seed=0)
    left = (piece.module.stem.out_channels, piece.module.inner.out_channels)
    assert left != (16, 24)
    assert all(channels % 4 == 0 for channels in left)


def test_a_network_that_cannot_be_cut_stays_as_it_was():
    class Stubborn(Foreign):
        """Multiplies by a table of a fixed number of channels."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.ones(16, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head((torch.relu(self.stem(x)) * self.table).mean((2, 3)))

    piece = Workpiece(Stubborn().eval(), (3, 8, 8))
    before = copy.deepcopy(piece.module)
    with pytest.raises(UsageError, match="cannot be traced"):
        prune(piece, parse_pruning("structured:0.5"), sample=rows((3, 8, 8)), seed=0)
    x = torch.from_numpy(rows((3, 8, 8)))
    assert torch.equal(piece.module(x), before(x))


def test_a_traced_network_answers_as_without_the_channels():
    before = Foreign().eval()
    piece = Workpiece(copy.deepcopy(before), (3, 8, 8))
    prune(piece, parse_pruning("structured:0.5"), sample=rows((3, 8, 8)), seed=0)
    # The stem reads pixels, all of which stay: its filters tell which channels of the stream are left.
    same = (before.stem.weight[:, None] == piece.module.stem.weight[None]).flatten(2).all(2)
    gone = ~same.any(1)
    inner = before.inner.weight[:, ~gone]
    lost = ~(inner[:, None] == piece.module.inner.weight[None]).flatten(2).all(2).any(1)
    assert (int(gone.sum()), int(lost.sum())) == (8, 12)
    with torch.no_grad():
        before.head.weight[:, gone] = 0
        before.inner.weight[:, gone] = 0
        before.outer.weight[:, lost] = 0
        x = torch.from_numpy(rows((3, 8, 8)))
        assert torch.allclose(piece.module(x), before(x), atol=1e-5)


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(12, 1),
        nn.Sequential(nn.Flatten(), nn.Linear(12, 1)),
        make_network("linear", Inputs("table", (12,)), 1, seed=0),
    ],
    ids=["layer", "sequence", "ours"],
)
def test_a_network_without_units_is_refused(module):
    piece = Workpiece(module, (12,))
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(UsageError, match="choose magnitude") as refusal:
        prune(piece, parse_pruning("structured:0.5"), sample=rows((12,)), seed=0)
    assert "\n" not in str(refusal.value)
    for name, value in piece.module.state_dict().items():
        assert torch.equal(value, before[name])
