"""The nuPI controller: its recursion by hand, its special cases, its clip, its convergence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats._nupi import NuPI

ERRORS = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20)


def free(dial: float, ki: float, kp: float, nu: float) -> NuPI:
    return NuPI(dial, ki, kp, nu, low=-1e9, high=1e9)


@given(errors=ERRORS, ki=st.floats(0.0, 2.0), kp=st.floats(0.0, 2.0), nu=st.floats(-0.9, 0.9))
def test_documented_recursion(errors: list[float], ki: float, kp: float, nu: float) -> None:
    controller, dial, xi = free(0.3, ki, kp, nu), 0.3, errors[0]
    for error in errors:
        previous, xi = xi, nu * xi + (1 - nu) * error
        dial += ki * error + kp * (xi - previous)
        assert controller.update(error) == pytest.approx(dial, abs=1e-9)


def test_recursion_by_hand() -> None:
    controller = free(1.0, 0.5, 2.0, 0.5)
    assert controller.update(0.4) == pytest.approx(1.0 + 0.5 * 0.4)  # the first error is xi: no proportional term
    assert controller.smoothed == pytest.approx(0.4)
    assert controller.update(0.2) == pytest.approx(1.2 + 0.5 * 0.2 + 2.0 * (0.3 - 0.4))
    assert controller.smoothed == pytest.approx(0.3)


@given(errors=ERRORS, ki=st.floats(0.0, 2.0))
def test_without_proportional_gain_it_is_gradient_ascent(errors: list[float], ki: float) -> None:
    controller = free(0.0, ki, 0.0, 0.0)
    for index, error in enumerate(errors):
        assert controller.update(error) == pytest.approx(ki * sum(errors[: index + 1]), abs=1e-9)


@given(errors=ERRORS, gain=st.floats(0.0, 2.0))
def test_equal_gains_without_memory_are_optimistic_gradient_ascent(errors: list[float], gain: float) -> None:
    controller, dial = free(0.0, gain, gain, 0.0), 0.0
    for before, error in zip([errors[0], *errors], errors, strict=False):
        dial += gain * (2 * error - before)
        assert controller.update(error) == pytest.approx(dial, abs=1e-9)


@given(errors=ERRORS, nu=st.floats(-0.9, 0.9))
def test_dial_never_leaves_its_range(errors: list[float], nu: float) -> None:
    controller = NuPI(0.5, 3.0, 3.0, nu, low=0.1, high=0.9)
    for error in errors:
        assert 0.1 <= controller.update(error) <= 0.9


@pytest.mark.parametrize("error", [1.0, -1.0])
def test_no_windup_at_the_clip(error: float) -> None:
    stuck, fresh = NuPI(0.5, 0.2, 0.0), NuPI(0.5, 0.2, 0.0)
    for _ in range(100):
        stuck.update(error)
    for _ in range(3):
        fresh.update(error)
    assert stuck.dial == fresh.dial == (1.0 if error > 0 else 0.0)
    assert stuck.update(-error) == fresh.update(-error) == pytest.approx(0.8 if error > 0 else 0.2)


@pytest.mark.parametrize("ki", [0.2, 1.0, 2.5])
@pytest.mark.parametrize("kp", [0.0, 0.5])
@pytest.mark.parametrize("nu", [0.0, 0.5])
def test_linear_plant_settles_on_its_zero(ki: float, kp: float, nu: float) -> None:
    # Stable without memory while b × (Ki + 2 Kp) < 2.
    controller, a, b = NuPI(0.0, ki, kp, nu, high=10.0), 0.3, 0.5  # gap = a − b × dial
    gaps = []
    for _ in range(200):
        gaps.append(a - b * controller.dial)
        controller.update(gaps[-1])
    assert controller.dial == pytest.approx(a / b, abs=1e-6)
    tail = np.abs(gaps)
    assert tail[20:].max() <= tail[:20].max()
    assert np.ptp(gaps[-20:]) < 1e-6  # no sustained oscillation


def test_state_survives_a_checkpoint() -> None:
    controller, resumed = NuPI(0.3, 0.5, 0.7, 0.4), NuPI(0.0, 0.5, 0.7, 0.4)
    controller.update(0.2)
    resumed.load_state_dict("x", controller.state_dict("x"))
    assert [controller.update(e) for e in (0.1, -0.3)] == [resumed.update(e) for e in (0.1, -0.3)]
