"""`AtatsSim-v0`: gymnasium's own check, determinism, observations of the state, bounded corrections."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from efficienttrust.atats import FIELDS
from efficienttrust.atats.learning import Residual, draw_tasks, register_environment

gymnasium = pytest.importorskip("gymnasium")


@pytest.fixture
def environment():
    return gymnasium.make(register_environment())


def episode(environment, seed: int) -> list[np.ndarray]:
    observation, _ = environment.reset(seed=seed)
    environment.action_space.seed(seed)
    seen, ended = [observation], False
    while not ended:
        observation, reward, ended, cut, info = environment.step(environment.action_space.sample())
        seen += [observation, np.array(reward)]
        assert not cut
        assert bool(info) == ended
    assert set(info) == {"utility", "violation", "overspend", "hit"}
    return seen


@pytest.mark.parametrize("shifted", [False, True])
def test_gymnasium_finds_no_fault(shifted: bool) -> None:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_env(gymnasium.make(register_environment(), shifted=shifted).unwrapped, skip_render_check=True)
    assert not [str(one.message) for one in said]


def test_the_same_seed_is_the_same_episode(environment) -> None:
    first, again, other = (episode(environment, seed) for seed in (3, 3, 4))
    assert len(first) == len(again)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_episodes_have_the_promised_number_of_decisions(environment) -> None:
    planned = np.array([task.plan(task.rows / 32).decisions for task in draw_tasks(0, 400)])
    assert planned.min() >= 3
    assert planned.max() <= 20
    assert (planned >= 12).mean() == pytest.approx(0.75, abs=0.07)
    for seed in (0, 1):
        environment.reset(seed=seed)
        expected = environment.unwrapped._runs.plans[0].decisions
        assert abs(len(episode(environment, seed)) // 2 - expected) <= 2  # a look falls on a whole step


def test_observation_is_the_vector_of_the_state(environment) -> None:
    observation, _ = environment.reset(seed=1)
    names = [name for name, _, _ in FIELDS]
    state = environment.unwrapped._runs.states[0]
    assert observation[names.index("progress")] == pytest.approx(state.progress)
    assert observation[names.index("utility")] == pytest.approx(state.utility)
    assert environment.observation_space.contains(observation)


def test_actions_beyond_the_bounds_do_no_more_than_those_at_them(environment) -> None:
    dials = []
    for size in (1.0, 1000.0):
        environment.unwrapped.reset(seed=2)
        environment.unwrapped.step(np.array([size, -size], np.float32))
        dials.append(environment.unwrapped._runs.states[0].dials)
    assert dials[0] == dials[1]


def test_registering_twice_is_no_fault() -> None:
    assert register_environment() == register_environment() == "AtatsSim-v0"
    assert Residual().name == "residual"
