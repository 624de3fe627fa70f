"""The augmentation dial: starts by what the budget buys, moves by what is learned by heart, and is projected."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import TrustAction, TrustState, project
from efficienttrust.atats._augmentation import (
    FULL_EPOCHS,
    LEAST,
    MOVE,
    NARROW,
    WIDE,
    starting_augmentation,
    steered_augmentation,
)
from efficienttrust.atats._dials import OF_NAME

STRENGTH = st.floats(0, 1)
SLEW = OF_NAME["augmentation"].slew
ANY = st.floats(allow_nan=True, allow_infinity=True)


def state(strength: float, gap: float) -> TrustState:
    return TrustState(
        progress=0.5, budget_used=0.5, step=10, utility=0.7, calibrated_utility=0.7, loss=0.5, constraints=(),
        dials=TrustAction(augmentation=strength), adversarial_cost_ratio=1.0,
        monitor_cost_ratio=1.0, overfitting=0.0, generalisation_gap=gap,
    )  # fmt: skip


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_start_rises_with_the_epochs_and_stays_in_range(one, other):
    low, high = sorted((one, other))
    assert LEAST <= starting_augmentation(low) <= starting_augmentation(high) <= 1
    assert starting_augmentation(FULL_EPOCHS) == 1


def test_an_endless_budget_starts_at_full_strength():
    assert starting_augmentation(math.inf) == 1


@given(STRENGTH, st.floats(-1, 1))
def test_the_dial_follows_the_gap(strength, gap):
    moved, said = steered_augmentation(state(strength, gap))
    if NARROW <= gap <= WIDE:
        assert (moved, said) == (strength, "")
        return
    assert 0 <= moved <= 1
    assert f"{gap:+.3f}" in said
    if gap > WIDE:
        assert moved == min(strength + MOVE, 1)
    else:
        assert moved >= LEAST
        assert moved <= max(strength, LEAST)


def test_what_cannot_be_judged_moves_nothing():
    assert steered_augmentation(state(0.4, math.nan)) == (0.4, "")


@given(STRENGTH, ANY)
def test_what_is_wanted_is_clipped_and_slowed(present, wanted):
    allowed, notes = project(TrustAction(augmentation=wanted), TrustAction(augmentation=present))
    assert 0 <= allowed.augmentation <= 1
    assert abs(allowed.augmentation - present) <= SLEW + 1e-12
    if not math.isfinite(wanted):
        assert allowed.augmentation == present
    elif 0 <= wanted <= 1 and abs(wanted - present) <= SLEW - 1e-12:
        assert allowed.augmentation == wanted
    assert any(note.startswith("augmentation: ") for note in notes) == (allowed.augmentation != wanted)


@given(STRENGTH, st.floats(-2, 2))
def test_the_projection_is_idempotent_and_nearest(present, wanted):
    here = TrustAction(augmentation=present)
    once, _ = project(TrustAction(augmentation=wanted), here)
    assert project(once, here)[0].augmentation == once.augmentation
    for other in (0.0, 0.25, 0.5, 0.75, 1.0):
        if abs(other - present) <= SLEW:
            assert abs(once.augmentation - wanted) <= abs(other - wanted) + 1e-12


@given(STRENGTH, STRENGTH)
def test_the_dial_moves_no_other(present, wanted):
    before = TrustAction(lambda_fair=0.4, adversarial_share=0.3, augmentation=present)
    allowed, _ = project(dataclasses.replace(before, augmentation=wanted), before)
    assert dataclasses.replace(allowed, augmentation=present) == before


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_repeated_steps_reach_the_end_of_the_dial(strength):
    action = TrustAction(augmentation=1 - strength)
    for _ in range(math.ceil(1 / SLEW)):
        action, _ = project(TrustAction(augmentation=strength), action)
    assert action.augmentation == strength
