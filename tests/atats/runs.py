"""Plans, states and short closed-loop runs for the tests of policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import strategies as st

from efficienttrust.atats import (
    DIALS,
    ConstraintState,
    Lever,
    Plan,
    Policy,
    TrustAction,
    TrustState,
    make_plan,
    policies,
    project,
)
from efficienttrust.atats._dials import ATTACKS

every_policy = pytest.mark.parametrize("name", policies.names())
ADAPTIVE = [
    name for name in policies.names() if name not in ("static", "rl")
]  # what is learned promises bounds, not monotony

BOTH = Lever(fairness=True, robustness=True, calibration=1.0)


def plan_of(lever: Lever = BOTH, *, limit: float = 100.0, monitor: float = 0.05) -> Plan:
    return make_plan(
        lever,
        used=1.0,
        limit=limit,
        reserve=2.0,
        plain_step=0.01,
        adversarial_step=0.02,
        monitor=monitor,
        steps_per_epoch=100.0,
    )


def constraint(lever: str, gap: float, *, key: str | None = None, tolerance: float = 0.05) -> ConstraintState:
    return ConstraintState(key or f"{lever} metric", lever, tolerance, gap, 0.01, gap, 0.0, gap)


def state_of(*constraints: ConstraintState, progress: float = 0.5, action: TrustAction | None = None) -> TrustState:
    action = action or TrustAction()
    return TrustState(
        progress=progress,
        budget_used=0.9 * progress,
        step=int(1000 * progress),
        utility=0.8,
        calibrated_utility=0.79,
        loss=0.4,
        constraints=constraints,
        dials=action,
        adversarial_cost_ratio=2.0,
        monitor_cost_ratio=5.0,
        overfitting=0.0,
    )


def steps(policy: Policy, plan: Plan, constraints: Sequence[Sequence[ConstraintState]]) -> list[TrustAction]:
    """Run a policy through the projector against given readings; return the start and every allowed action."""
    return closed_loop(policy, plan, len(constraints), lambda index, _: constraints[index])


def closed_loop(
    policy: Policy, plan: Plan, n: int, react: Callable[[int, TrustAction], Sequence[ConstraintState]]
) -> list[TrustAction]:
    """Run a policy through the projector against a plant; return the start and every allowed action."""
    actions = [policy.reset(plan)]
    for index in range(n):
        present = actions[-1]
        state = state_of(*react(index, present), progress=(index + 1) / (n + 1), action=present)
        actions.append(project(policy.act(state), present)[0])
    return actions


def without_reasons(actions: Sequence[TrustAction]) -> list[TrustAction]:
    return [replace(action, reasons={}) for action in actions]


def assert_in_range(action: TrustAction) -> None:
    for dial in DIALS:
        assert dial.low <= getattr(action, dial.name) <= dial.high
    assert action.attack in ATTACKS


_gap = st.floats(-1.0, 1.0)


@st.composite
def constraints(draw: st.DrawFn, levers: tuple[str, ...] = ("fairness", "robustness", "none")) -> ConstraintState:
    return ConstraintState(
        key=draw(st.sampled_from(["a", "b", "c"])),
        lever=draw(st.sampled_from(levers)),
        tolerance=draw(st.floats(0.0, 1.0)),
        gap=draw(_gap),
        half_width=draw(st.floats(0.0, 0.5)),
        smoothed_gap=draw(_gap),
        slope=draw(_gap),
        calibrated_gap=draw(_gap),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    lever = Lever(draw(st.booleans()), draw(st.booleans()), draw(st.floats(0.0, 1.0)))
    return plan_of(lever, limit=draw(st.floats(3.0, 200.0)), monitor=draw(st.floats(0.0, 2.0)))


readings = st.lists(st.lists(constraints(), max_size=4), max_size=12)
