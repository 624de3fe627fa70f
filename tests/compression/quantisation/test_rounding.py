"""Rounding is to the nearest of a grid, keeps zeros, and is straight-through while training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.compression import Workpiece, scorer_of, workpiece_of
from efficienttrust.compression.pruning import parse_pruning, prune, sparsity
from efficienttrust.compression.quantisation import Rounding, add_rounding, parse_quantisation
from tests.compression.quantisation.cases import mlp, module, rows_of


@settings(max_examples=60, deadline=None)
@given(bits=st.integers(2, 8), rows=st.integers(1, 5), columns=st.integers(1, 40), seed=st.integers(0, 999))
def test_nearest_point_of_the_grid(bits, rows, columns, seed):
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    found = Rounding(bits)(weight).numpy()
    last = 2 ** (bits - 1) - 1
    for row, made in zip(weight.numpy(), found, strict=True):
        grid = np.arange(-last, last + 1) * (np.abs(row).max() / last)
        distance = np.abs(grid[None] - row[:, None])
        np.testing.assert_allclose(np.abs(made - row), distance.min(axis=1), atol=1e-6)
        assert len(np.unique(np.round(made / max(np.abs(row).max() / last, 1e-30)))) <= 2**bits - 1


@settings(max_examples=30, deadline=None)
@given(bits=st.integers(2, 8), block=st.sampled_from([None, 8]), per_channel=st.booleans(), seed=st.integers(0, 999))
def test_twice_is_once_and_zeros_stay(bits, block, per_channel, seed):
    weight = torch.randn(6, 20, generator=torch.Generator().manual_seed(seed))
    weight[weight.abs() < 0.5] = 0
    rule = Rounding(bits, block, per_channel)
    once = rule(weight)
    torch.testing.assert_close(rule(once), once, atol=1e-6, rtol=1e-5)
    assert (once[weight == 0] == 0).all()


def test_blocks_have_scales_of_their_own():
    weight = torch.ones(1, 16)
    weight[0, 8:] = 1000.0
    found = Rounding(4, block=8)(weight)
    torch.testing.assert_close(found, weight)
    assert Rounding(4)(weight)[0, 0] == 0.0  # one scale for all loses the small ones


def test_more_bits_err_less():
    scorer = mlp()
    rows = rows_of(scorer, 200)
    errors = []
    for bits in (2, 4, 6, 8):
        piece = workpiece_of(scorer)
        add_rounding(piece, parse_quantisation(f"weights:{bits}"))
        errors.append(float(np.abs(scorer_of(piece, scorer).layers[0][0] - scorer.layers[0][0]).mean()))
        assert any("simulated" in note for note in piece.notes)
    assert errors == sorted(errors, reverse=True)
    assert len(rows) == 200


@pytest.mark.parametrize("name", ["lstm", "resnet8", "time_transformer"])
def test_all_matrices_of_all_kinds_of_layers_are_rounded(name):
    scorer = module(name)
    piece = workpiece_of(scorer)
    add_rounding(piece, parse_quantisation("weights:3"))
    made = scorer_of(piece, scorer)
    for key, value in made.module.named_parameters():
        if key in piece.projection.rules:
            rows = value.reshape(len(value), -1)
            assert all(len(row.unique()) <= 7 for row in rows), key
    assert len(piece.projection.rules) >= 3


def test_the_gradient_is_that_of_the_rounded_weights_and_moves_the_floats():
    piece = Workpiece(torch.nn.Linear(3, 1, bias=False), (3,))
    with torch.no_grad():
        piece.module.weight.copy_(torch.tensor([[1.0, 0.4, -0.6]]))
    add_rounding(piece, parse_quantisation("weights:2"))
    before = piece.module.weight.detach().clone()
    with piece.projection.applied(piece.module):
        torch.testing.assert_close(piece.module.weight.detach(), torch.tensor([[1.0, 0.0, -1.0]]))
        loss = piece.module(torch.ones(1, 3)).square().sum()
        loss.backward()
    torch.testing.assert_close(piece.module.weight.detach(), before)
    torch.testing.assert_close(piece.module.weight.grad, torch.zeros(1, 3))  # of (1 + 0 − 1)²


def test_masks_hold_under_rounding():
    scorer = mlp()
    piece = workpiece_of(scorer)
    prune(piece, parse_pruning("magnitude:0.8"), sample=rows_of(scorer, 4), seed=0)
    add_rounding(piece, parse_quantisation("weights:4"))
    assert sparsity(piece) >= 0.8
