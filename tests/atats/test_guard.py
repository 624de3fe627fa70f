"""The guard: fires at either sign of catastrophic overfitting, says why, and acts once."""

from __future__ import annotations

import math

import pytest

from efficienttrust.atats import Guard


def test_sound_training_never_fires() -> None:
    guard = Guard()
    assert [guard.check(pgd + 0.05, pgd) for pgd in (0.5, 0.7, 0.65, 0.8)] == [None] * 4
    assert not guard.fired


def test_spread_between_attacks_fires() -> None:
    guard = Guard()
    assert guard.check(0.80, 0.78) is None
    assert guard.check(0.95, 0.70) == "FGSM accuracy 0.950 exceeds PGD accuracy 0.700 by 0.250"


def test_sudden_fall_of_pgd_accuracy_fires() -> None:
    guard = Guard()
    assert guard.check(0.80, 0.78) is None
    assert guard.check(0.62, 0.60) == "PGD accuracy fell by 0.180 to 0.600 since the last monitor point"


def test_low_accuracy_at_the_first_look_is_no_fall() -> None:
    assert Guard().check(0.1, 0.05) is None


def test_slow_decline_does_not_fire() -> None:
    guard = Guard()
    assert all(guard.check(0.8 - 0.05 * k, 0.8 - 0.05 * k) is None for k in range(10))


def test_it_acts_once() -> None:
    guard = Guard()
    assert guard.check(0.9, 0.2) is not None
    assert guard.check(0.9, 0.2) is None
    assert guard.check(0.1, 0.0) is None
    assert guard.fired


def test_the_look_that_fires_is_not_the_new_standard() -> None:
    guard = Guard()
    guard.check(0.80, 0.78)
    guard.check(0.50, 0.50)
    assert guard.last_pgd == 0.78


def test_looks_without_attack_are_ignored() -> None:
    guard = Guard()
    assert guard.check(math.nan, math.nan) is None
    assert guard.check(0.8, 0.75) is None


@pytest.mark.parametrize("looks", [[], [(0.8, 0.78)], [(0.8, 0.78), (0.9, 0.2)]])
def test_state_survives_a_checkpoint(looks: list[tuple[float, float]]) -> None:
    guard, resumed = Guard(), Guard()
    for look in looks:
        guard.check(*look)
    resumed.load_state_dict(guard.state_dict())
    assert resumed.fired == guard.fired
    assert guard.check(0.55, 0.5) == resumed.check(0.55, 0.5)
