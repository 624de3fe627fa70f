"""`AtatsSim-v0`: one micro-task as a Gymnasium environment. Imported by gymnasium alone, when it is made."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from efficienttrust.atats._vector import FIELDS, vector_of
from efficienttrust.atats.learning._micro_runs import MicroRuns
from efficienttrust.atats.learning._residual import Residual
from efficienttrust.atats.learning._tasks import draw_task

Observation = NDArray[np.float32]


class AtatsSim(gymnasium.Env[Observation, NDArray[np.float32]]):
    """One run of a micro-task under `plan`, which the agent corrects at every monitor point.

    An observation is `vector_of` the state. An action is two numbers in [-1, 1]: see `corrected`; it goes through the
    scheduler and the projector of real runs. The rewards are those of `Episodes`. An episode has 12 to 20 decisions,
    and in one of four tasks as few as 4, as in short real runs. At its end `info` holds `utility`, `violation`,
    `overspend` and `hit`.

    Args:
        shifted: Draw tasks from the distribution that is kept for testing.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, shifted: bool = False) -> None:
        self._shifted = shifted
        self.observation_space = spaces.Box(-1.0, 2.0, (len(FIELDS),), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._policy = Residual()
        self._runs: MicroRuns | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a task and train it to its first monitor point."""
        super().reset(seed=seed)
        task = draw_task(self.np_random, shifted=self._shifted)
        self._runs = MicroRuns([task], [self._policy], seed=int(self.np_random.integers(2**31)))
        return self._observation(), {}

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Decide, and train to the next monitor point or to the end."""
        assert self._runs is not None, "reset comes first"
        self._policy.correction = [float(value) for value in action]
        reward = float(self._runs.decide()[0])
        outcome = self._runs.outcomes[0]
        info: dict[str, Any] = {}
        if outcome is not None:
            info = {
                "utility": outcome.utility, "violation": outcome.violation, "overspend": outcome.overspend,
                "hit": outcome.hit,
            }  # fmt: skip
        return self._observation(), reward, outcome is not None, False, info

    def _observation(self) -> Observation:
        assert self._runs is not None, "reset comes first"
        return vector_of(self._runs.states[0]).astype(np.float32)
