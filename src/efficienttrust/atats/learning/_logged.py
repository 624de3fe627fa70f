"""Dynamics fitted to logged real runs: a ridge from state and action to the change of the state, rolled out.

The second source of experience: micro-tasks are real but small, logged runs are of real networks but few. Half of the
runs of a training follow these dynamics when logs are given. Data sets that EfficientTrust is evaluated on are refused.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import Policy
from efficienttrust.atats._scheduler import Scheduler
from efficienttrust.atats._state import ConstraintState, Landscape, TrustState
from efficienttrust.atats.learning._episodes import Outcome
from efficienttrust.atats.learning._micro_runs import SMOOTHING
from efficienttrust.errors import UsageError

Array = NDArray[np.float64]
PENALTY = 1.0  # of the squared coefficients, in units of standardised features
FEWEST_CHANGES = 30
LEVERS = ("fairness", "robustness")


@dataclasses.dataclass(frozen=True, eq=False)
class Dynamics:
    """How states of logged runs change.

    Attributes:
        coefficients: From (1, standardised features) to changes, [1 + features, 6].
        centre: Means of the features.
        scale: Standard deviations of the features.
        residuals: What the ridge did not explain, one row per logged change, [changes, 6].
        starts: First states of the runs, with their plans and what was held.
    """

    coefficients: Array
    centre: Array
    scale: Array
    residuals: Array
    starts: Sequence[tuple[TrustState, Plan, Sequence[str]]]

    def change(self, state: TrustState, action: TrustAction) -> Array:
        """Return the mean change of (utility, gap by lever; the same after calibration) until the next look, [6]."""
        row = (_features(state, action) - self.centre) / self.scale
        return np.asarray(np.concatenate([[1.0], row]) @ self.coefficients)


def fit_dynamics(runs: Sequence[tuple[Sequence[TrustState], Plan, Sequence[str]]]) -> Dynamics:
    """Fit the dynamics to runs, each the states that its policy saw, its plan, and what was held.

    Raises:
        UsageError: There are too few changes to fit.
    """
    features, changes = [], []
    for states, _, _ in runs:
        for state, following in itertools.pairwise(states):
            features.append(_features(state, following.dials))
            changes.append(_quantities(following) - _quantities(state))
    if len(changes) < FEWEST_CHANGES:
        raise UsageError(
            f"the logged runs have {len(changes)} changes of state, and a fit takes {FEWEST_CHANGES}: give more runs"
        )
    x, y = np.array(features), np.array(changes)
    centre, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    penalty = PENALTY * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    coefficients = np.linalg.solve(design.T @ design + penalty, design.T @ y)
    return Dynamics(
        coefficients, centre, scale, y - design @ coefficients, [(s[0], plan, held) for s, plan, held in runs]
    )


class LoggedRuns:
    """Runs by fitted dynamics, as `Episodes`: each starts as a logged one did, and changes as they changed.

    What the ridge does not explain is drawn anew from the logged residuals. The score at the end is that of the last
    state after calibration: there are no fresh data to measure on.

    Args:
        dynamics: How states change.
        policies: One policy per slot.
        seed: Of starts and residuals.
    """

    def __init__(self, dynamics: Dynamics, policies: Sequence[Policy], seed: int) -> None:
        n = len(policies)
        self._dynamics, self.rng = dynamics, np.random.default_rng(seed)
        self.policies = list(policies)
        self.states: list[TrustState] = [dynamics.starts[0][0]] * n
        self.outcomes: list[Outcome | None] = [None] * n
        self.finished = np.zeros(n, dtype=bool)
        self._schedulers: list[Scheduler] = [None] * n  # type: ignore[list-item]
        self.begin_anew(range(n))

    def begin_anew(self, slots: Sequence[int]) -> None:
        """Start in these slots from the first states of logged runs."""
        for slot in slots:
            state, plan, held = self._dynamics.starts[int(self.rng.integers(len(self._dynamics.starts)))]
            scheduler = Scheduler(self.policies[slot], plan, lambda action: 1.0, held)
            scheduler.start()
            self._schedulers[slot], self.outcomes[slot], self.finished[slot] = scheduler, None, False
            self.states[slot] = dataclasses.replace(state, dials=scheduler.action)

    def decide(self) -> Array:
        """Let every policy decide and change the states; see `Episodes`."""
        rewards = np.zeros(len(self.states))
        for slot in np.flatnonzero(~self.finished):
            state, scheduler = self.states[slot], self._schedulers[slot]
            scheduler.decide(state)
            after = self._next(state, scheduler.action)
            self.states[slot] = after
            if after.progress + scheduler.action.next_monitor_in >= 1.0 or scheduler.action.stop:
                violation = -_potential(after)
                outcome = Outcome(after.calibrated_utility, violation, 0.0, hit=violation == 0.0)
                self.outcomes[slot], self.finished[slot] = outcome, True
                rewards[slot] = outcome.score - _potential(state)
            else:
                rewards[slot] = _potential(after) - _potential(state)
        return rewards

    def _next(self, state: TrustState, action: TrustAction) -> TrustState:
        residual = self._dynamics.residuals[self.rng.integers(len(self._dynamics.residuals))]
        change = self._dynamics.change(state, action) + residual
        constraints = []
        for one in state.constraints:
            if one.lever not in LEVERS or one is not state.worst(one.lever, "calibrated_gap"):
                constraints.append(one)
                continue
            place = 1 + LEVERS.index(one.lever)
            gap = float(np.clip(one.gap + change[place], -1.0, 1.0))
            smoothed = SMOOTHING * gap + (1 - SMOOTHING) * one.smoothed_gap
            constraints.append(
                dataclasses.replace(
                    one, gap=gap, smoothed_gap=smoothed, slope=smoothed - one.smoothed_gap,
                    calibrated_gap=float(np.clip(one.calibrated_gap + change[3 + place], -1.0, 1.0)),
                )
            )  # fmt: skip
        return dataclasses.replace(
            state,
            progress=min(state.progress + action.next_monitor_in, 1.0),
            utility=float(np.clip(state.utility + change[0], 0.0, 1.0)),
            calibrated_utility=float(np.clip(state.calibrated_utility + change[3], 0.0, 1.0)),
            constraints=tuple(constraints),
            dials=action,
        )


def state_of(recorded: Mapping[str, Any]) -> TrustState:
    """Return a state from its plain values, as `dataclasses.asdict` wrote them; null stands for NaN."""
    values = with_nan(recorded)
    values["constraints"] = tuple(ConstraintState(**with_nan(one)) for one in recorded["constraints"])
    values["dials"] = TrustAction(**recorded["dials"])
    values["landscape"] = Landscape(**with_nan(recorded["landscape"]))
    return TrustState(**values)


def with_nan(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they were before JSON, which writes null for what is not a number."""
    return {name: math.nan if value is None else value for name, value in recorded.items()}


def _quantities(state: TrustState) -> Array:
    worst = [state.worst(lever, "calibrated_gap") for lever in LEVERS]
    gaps = [0.0 if one is None else one.gap for one in worst]
    after = [0.0 if one is None else one.calibrated_gap for one in worst]
    return np.asarray(np.nan_to_num([state.utility, *gaps, state.calibrated_utility, *after]))


def _features(state: TrustState, action: TrustAction) -> Array:
    weight = action.lambda_fair / (1.0 + action.lambda_fair)
    row: Array = np.array(
        [*_quantities(state), weight, action.adversarial_share, state.progress, action.next_monitor_in]
    )
    return row


def _potential(state: TrustState) -> float:
    worst = [state.worst(lever, "calibrated_gap") for lever in LEVERS]
    return -sum(max(one.calibrated_gap, 0.0) for one in worst if one is not None)
