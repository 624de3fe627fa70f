"""Weights go while training, along the plan, and those with the largest gradient come back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.compression import Workpiece
from efficienttrust.compression.pruning import parse_pruning, prune
from efficienttrust.compression.pruning._masks import masked_share, masks_of
from efficienttrust.compression.pruning._schedules import END, Thinning
from efficienttrust.compression.pruning.catalogue.gradual import cubic
from efficienttrust.compression.pruning.catalogue.iterative import geometric
from tests.compression.pruning.cases import plain, rows

SAMPLE = rows((12,))


def thinned(text: str, steps: int = 200, *, seed: int = 0, piece: Workpiece | None = None):
    """Walk through a training whose gradients are drawn; return the network and the share masked at each step."""
    piece = piece or plain()
    prune(piece, parse_pruning(text), sample=SAMPLE, seed=0)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for step in range(steps):
        train(piece, generator, step / steps)
        found.append(masked_share(masks_of(piece).values()))
    return piece, np.array(found)


def train(piece: Workpiece, generator: torch.Generator, progress: float) -> None:
    """A step down a drawn gradient: what grows again takes on a value, as in a training."""
    with torch.no_grad():
        for parameter in piece.module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            parameter.sub_(0.05 * parameter.grad)
    piece.projection.advance(piece.module, progress)


def test_the_cubic_plan_is_that_of_zhu_and_gupta():
    plan = cubic(0.1, 0.9, updates=10)
    assert len(plan) == 10
    for k, (when, share) in enumerate(plan, start=1):
        assert when == pytest.approx(END * k / 10)
        assert share == pytest.approx(0.9 + (0.1 - 0.9) * (1 - k / 10) ** 3)
    assert plan[-1] == (END, pytest.approx(0.9))


def test_each_round_keeps_the_same_share_of_what_is_left():
    plan = geometric(0.0, 0.875, 3)
    assert [share for _, share in plan] == pytest.approx([0.5, 0.75, 0.875])
    assert plan[-1][0] == END


@pytest.mark.parametrize("text", ["gradual:0.8", "gradual:0.8, regrow=0", "iterative:0.8"])
def test_sparsity_rises_to_what_was_asked_and_stays(text):
    piece, shares = thinned(text)
    assert shares[0] == 0
    assert (np.diff(shares) >= -1e-9).all()
    weights = sum(mask.keep.numel() for mask in masks_of(piece).values())
    assert shares[-1] == round(0.8 * weights) / weights
    assert len(set(shares[int(END * len(shares)) + 1 :])) == 1
    if text.startswith("gradual"):
        plan = cubic(0.0, 0.8)
        due = [max((share for when, share in plan if when <= k / 200), default=0.0) for k in range(200)]
        assert np.abs(shares - due).max() < 1 / weights


def test_regrown_weights_begin_at_zero_and_had_the_largest_gradient():
    piece = plain()
    masks = masks_of(piece)
    weights = dict(piece.module.named_parameters())
    thinning = Thinning(masks, [(0.1, 0.5), (0.5, 0.6), (1.0, 0.7)], regrow=0.4)
    for name, weight in weights.items():
        weight.grad = torch.zeros_like(weight) if name in masks else None
    thinning.advance(piece.module, 0.1)
    gone = {name: ~mask.keep for name, mask in masks.items()}
    name = max(gone, key=lambda one: int(gone[one].sum()))
    place = tuple(torch.nonzero(gone[name])[0].tolist())
    weights[name].grad[place] = 7.0
    thinning.advance(piece.module, 0.5)
    assert masks[name].keep[place], "the largest gradient of all"
    assert weights[name][place] == 0
    total = sum(mask.keep.numel() for mask in masks.values())
    assert sum(int((~mask.keep).sum()) for mask in masks.values()) == round(0.6 * total)


def test_the_weights_that_go_and_come_are_those_of_brute_force():
    piece = plain()
    masks, own = masks_of(piece), dict(piece.module.named_parameters())
    plan, regrow = [(0.1, 0.5), (0.3, 0.55), (0.6, 0.6), (0.8, 0.7)], 0.4
    thinning = Thinning(masks, plan, regrow=regrow)
    value = np.concatenate([own[name].detach().numpy().ravel() for name in masks])
    kept, returned = np.ones(len(value), bool), 0
    generator = torch.Generator().manual_seed(1)
    for when, share in plan:
        for parameter in piece.module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        thinning.advance(piece.module, when)
        slope = np.abs(np.concatenate([own[name].grad.numpy().ravel() for name in masks]))
        zeros = round(share * len(value))
        falling = regrow / 2 * (1 + np.cos(np.pi * when / 0.8)) if when < 0.8 else 0.0
        grown = round(falling * (len(value) - zeros))
        old = kept.copy()
        order = np.argsort(np.where(kept, np.abs(value), -1), kind="stable")
        kept[order[: zeros + grown]] = False
        back = np.argsort(np.where(kept, -1, slope))[len(value) - grown :]
        kept[back] = True
        value[kept & ~old] = 0
        returned += int((kept & ~old).sum())
        found = np.concatenate([mask.keep.numpy().ravel() for mask in masks.values()])
        assert np.array_equal(found, kept)
        assert len(value) - kept.sum() == zeros
    assert returned > 0
    after = np.concatenate([own[name].detach().numpy().ravel() for name in masks])
    assert np.array_equal(after[kept], value[kept])


@pytest.mark.parametrize("text", ["gradual:0.5", "gradual:0.5, regrow=0", "iterative:0.5"])
def test_what_is_sparser_already_does_not_grow_back(text):
    piece = plain()
    prune(piece, parse_pruning("magnitude:0.8"), sample=SAMPLE, seed=0)
    before = masked_share(masks_of(piece).values())
    assert thinned(text, piece=piece)[1] == pytest.approx(before)


def test_a_checkpoint_goes_on_bit_for_bit():
    whole, _ = thinned("gradual:0.8", seed=3)
    piece = plain()
    prune(piece, parse_pruning("gradual:0.8"), sample=SAMPLE, seed=0)
    generator = torch.Generator().manual_seed(3)
    for step in range(200):
        if step == 77:
            state, weights = piece.projection.state_dict(), piece.module.state_dict()
            piece = plain(seed=5)
            prune(piece, parse_pruning("gradual:0.8"), sample=SAMPLE, seed=0)
            piece.module.load_state_dict(weights)
            piece.projection.load_state_dict(state)
        train(piece, generator, step / 200)
    for one, other in zip(masks_of(whole).values(), masks_of(piece).values(), strict=True):
        assert torch.equal(one.keep, other.keep)
    for one, other in zip(whole.module.parameters(), piece.module.parameters(), strict=True):
        assert torch.equal(one, other)
