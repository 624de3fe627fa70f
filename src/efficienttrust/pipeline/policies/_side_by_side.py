"""Runs side by side as stable-baselines3 wants them; imported only where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from efficienttrust.atats.learning import READS, Episodes, Residual, reading_of


class SideBySide(VecEnv):
    """The slots of several `Episodes` as one vectorised environment that observes the readings of the network.

    Attributes:
        seen: Least and largest value of every reading so far, each [len(READS)].
    """

    def __init__(self, parts: Sequence[Episodes]) -> None:
        self._parts = list(parts)
        n = sum(len(part.states) for part in parts)
        super().__init__(n, spaces.Box(-1.0, 2.0, (len(READS),), np.float32), spaces.Box(-1.0, 1.0, (2,), np.float32))
        self.seen = (np.full(len(READS), np.inf), np.full(len(READS), -np.inf))
        self._running, self._returns = np.zeros(n), [0.0][:0]
        self._actions: NDArray[np.float32] = np.zeros((n, 2), np.float32)

    def take_returns(self) -> list[float]:
        """Return the returns of the episodes that ended since the last call."""
        taken, self._returns = self._returns, []
        return taken

    def reset(self) -> NDArray[np.float32]:
        """Return what is seen at the present monitor points."""
        return self._observations()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the corrections of all runs."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Let all runs decide; those that end are begun anew."""
        rewards, ended, start = [], [], 0
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for part in self._parts:
            n = len(part.states)
            for policy, correction in zip(part.policies, self._actions[start : start + n], strict=True):
                assert isinstance(policy, Residual)
                policy.correction = correction.tolist()
            rewards.append(part.decide())
            done = part.finished.copy()
            for slot in np.flatnonzero(done):
                infos[start + slot]["terminal_observation"] = reading_of(part.states[slot]).astype(np.float32)
            if done.any():
                part.begin_anew([int(slot) for slot in np.flatnonzero(done)])
            ended.append(done)
            start += n
        reward, finished = np.concatenate(rewards), np.concatenate(ended)
        self._running += reward
        self._returns += self._running[finished].tolist()
        self._running[finished] = 0.0
        return self._observations(), reward.astype(np.float32), finished, infos

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of every environment; they have only `render_mode`."""
        return [None if attr_name == "render_mode" else getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the environments have no attributes to set."""
        raise AttributeError(f"the runs have no attribute {attr_name}")

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **options: Any) -> list[Any]:
        """Refuse: the environments have no methods of their own."""
        raise AttributeError(f"the runs have no method {method_name}")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return that no environment is wrapped."""
        return [False] * self.num_envs

    def _observations(self) -> NDArray[np.float32]:
        readings = np.stack([reading_of(state) for part in self._parts for state in part.states])
        self.seen = np.minimum(self.seen[0], readings.min(axis=0)), np.maximum(self.seen[1], readings.max(axis=0))
        return readings.astype(np.float32)
