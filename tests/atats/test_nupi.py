"""The nuPI controller: its recursion by hand, its special cases, its clip, its convergence."""

from __future__ import annotations

import math
from collections.abc import Callable

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


def swing(controller: NuPI, plant: Callable[[float], float], n: int = 4000) -> float:
    """Return the largest gap of the last tenth of a loop over that of its first tenth."""
    gaps = np.empty(n)
    for index in range(n):
        gaps[index] = plant(controller.dial)
        if abs(gaps[index]) > 1e6:
            return math.inf
        controller.update(gaps[index])
    return float(np.abs(gaps[-n // 10 :]).max() / np.abs(gaps[: n // 10]).max())


def loop_radius(plant: np.ndarray, entry: np.ndarray, ki: float, kp: float, nu: float) -> float:
    """Return the spectral radius of the loop around x' = plant x - entry u, of which x[0] is the gap.

    The controller is u' = u + ki g + kp (xi' - xi), xi' = nu xi + (1 - nu) g; the plant moves by the new u.
    """
    n = len(entry)
    update = np.zeros((2, n + 2))  # (u, xi) after an update, from (x, u, xi)
    update[1, 0], update[1, n + 1] = 1 - nu, nu
    update[0, 0], update[0, n] = ki, 1.0
    update[0] += kp * update[1]
    update[0, n + 1] -= kp
    whole = np.zeros((n + 2, n + 2))
    whole[:n, :n] = plant
    whole[:n] -= np.outer(entry, update[0])
    whole[n:] = update
    return float(np.abs(np.linalg.eigvals(whole)).max())


class Lag:
    """A first-order lag: the gap goes a share `alpha` of the way to a - b * dial at each decision."""

    def __init__(self, alpha: float, a: float = 0.3, b: float = 0.5) -> None:
        self.alpha, self.a, self.b, self.gap = alpha, a, b, a

    def __call__(self, dial: float) -> float:
        self.gap += self.alpha * (self.a - self.b * dial - self.gap)
        return self.gap


class DelayedIntegrator:
    """An integrator with a delay: the gap grows by a - b * dial of `delay` decisions ago."""

    def __init__(self, delay: int, a: float = 0.05, b: float = 0.1) -> None:
        self.a, self.b, self.gap, self.queue = a, b, 0.5, [a / b] * delay

    def __call__(self, dial: float) -> float:
        self.queue.append(dial)
        self.gap += self.a - self.b * self.queue.pop(0)
        return self.gap


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0])
@pytest.mark.parametrize(("ki", "kp", "nu"), [(0.2, 0.0, 0.0), (1.0, 0.5, 0.5), (2.0, 2.0, 0.0), (6.0, 0.0, 0.0)])
def test_first_order_lag_oscillates_only_where_its_roots_say_so(alpha: float, ki: float, kp: float, nu: float) -> None:
    radius = loop_radius(np.array([[1 - alpha]]), np.array([0.5 * alpha]), ki, kp, nu)
    assert abs(radius - 1) > 0.005, "too close to the edge to tell"
    found = swing(free(0.0, ki, kp, nu), Lag(alpha))
    assert found < 1e-3 if radius < 1 else found > 1


@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize(("ki", "kp"), [(0.02, 0.5), (0.05, 2.0), (0.5, 2.0), (2.0, 0.5), (0.1, 12.0)])
def test_integrator_with_delay_oscillates_only_where_its_roots_say_so(delay: int, ki: float, kp: float) -> None:
    plant = np.eye(1 + delay)
    if delay:  # x = (gap, dial of `delay` decisions ago, ..., of the last)
        plant = np.zeros((1 + delay, 1 + delay))
        plant[0, 0], plant[0, 1] = 1.0, -0.1
        plant[1:-1, 2:] = np.eye(delay - 1)
    entry = np.zeros(1 + delay)
    entry[-1] = -1.0 if delay else 0.1
    radius = loop_radius(plant, entry, ki, kp, 0.0)
    assert abs(radius - 1) > 0.002, "too close to the edge to tell"
    found = swing(free(0.5, ki, kp, 0.0), DelayedIntegrator(delay))
    assert found < 0.05 if radius < 1 else found > 1


def test_an_integrating_plant_needs_the_proportional_term() -> None:
    without, with_it = (swing(free(0.5, 0.2, kp, 0.0), DelayedIntegrator(0)) for kp in (0.0, 2.0))
    assert without > 0.9
    assert with_it < 1e-3


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_a_late_answer_bounds_the_integral_gain(delay: int) -> None:
    bound = 2 * math.sin(math.pi / (4 * delay + 2)) / 0.5

    def late() -> Callable[[float], float]:
        queue = [0.0] * delay

        def answer(dial: float) -> float:
            queue.append(dial)
            return 0.3 - 0.5 * queue.pop(0)

        return answer

    assert swing(free(0.0, 0.9 * bound, 0.0, 0.0), late()) < 1e-3
    assert swing(free(0.0, 1.1 * bound, 0.0, 0.0), late()) > 1


def test_a_dial_at_its_bound_stays_while_the_violation_shrinks_but_persists() -> None:
    controller = NuPI(1.0, 0.1, 5.0, nu=0.0)
    assert [controller.update(error) for error in (0.5, 0.3, 0.1)] == [1.0, 1.0, 1.0]
    assert controller.update(-0.05) < 1.0


def test_a_rate_limit_further_on_winds_nothing_up() -> None:
    controller, present = NuPI(0.5, 4.0, 4.0, nu=0.5), 0.5
    for _ in range(20):
        controller.dial = present  # what was carried out
        present = min(controller.update(0.5), present + 0.02)
    controller.dial = present
    assert controller.update(-0.3) < present
