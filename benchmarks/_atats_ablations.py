"""ATATS with one part taken out, one dial held, one more switched on, or one field of the state hidden, for a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

PLAN = "efficienttrust.atats.catalogue.plan.PlannedControl"
SWITCHED_ON = {
    "reweighing": {"reweighing": 1.0}, "fair_batch": {"fair_batch": 0.1}, "group_dro": {"group_dro": 0.05},
    "debias": {"debias": 1.0}, "trades": {"trades": 6.0}, "pgd": {"attack": "pgd", "attack_steps": 3.0},
    "sparsity": {"sparsity": 0.5}, "learning_rate_factor": {"learning_rate_factor": 0.5},
}  # fmt: skip
"""Dials that `plan` leaves alone, at the untuned strengths of the baselines: what each adds to it."""
HIDDEN_FROM_PLAN = (("fairness", "smoothed_gap"), ("robustness", "calibrated_gap"), ("robustness", "half_width"))
PARTS: dict[str, dict[str, str]] = {
    "plan": {},
    "without planner": {"policy": "pid"},
    "without adaptation": {"policy": "static"},
    "without calibration before choice": {"ablate": "virtual calibration"},
    "without guard": {"ablate": "guard"},
    "without candidates": {"ablate": "candidates"},
    "without a narrower width": {"ablate": "width"},
    "without the memory watch": {"ablate": "memory"},
    "without the fairness dial": {"ablate": "lambda_fair"},
    "without the robustness dial": {"ablate": "adversarial_share"},
}


def finer() -> dict[str, dict[str, str]]:
    """Return the ablations of single dials and single fields of the state, by the name of the row."""
    from efficienttrust.atats.learning._residual import READS

    return {
        "plan": {},
        "without the fairness dial": {"ablate": "lambda_fair"},
        "without the robustness dial": {"ablate": "adversarial_share"},
        "without moving the fairness dial": {"ablate": "held lambda_fair"},
        "without moving the robustness dial": {"ablate": "held adversarial_share"},
        "without the planned start of the attack": {"ablate": "start"},
        "without the planned interval of looks": {"ablate": "interval"},
        **{f"without plan reading {lever} {name}": {"ablate": f"plan {lever} {name}"}
           for lever, name in HIDDEN_FROM_PLAN},
        **{f"with {name}": {"ablate": f"on {name}"} for name in SWITCHED_ON},
        "rl": {"policy": "rl"},
        **{f"rl without {name}": {"policy": "rl", "ablate": f"rl {name}"} for name in READS},
    }  # fmt: skip


@contextmanager
def ablated(part: str) -> Iterator[None]:
    """Take a part out for the body; an empty name takes nothing out."""
    with ExitStack() as stack:
        for target, replacement in _replacements(part):
            stack.enter_context(patch(target, replacement))
        yield


def _replacements(part: str) -> list[tuple[str, Any]]:
    if part == "virtual calibration":  # what a look sees is the network as it is, not as it will be calibrated
        from efficienttrust.evaluation.calibration import evaluate_rule

        def as_it_is(data: Any, targets: Any, margins: Any, **_: Any) -> Any:
            import numpy as np

            return evaluate_rule(data, 0.0, np.zeros(data.posterior.shape[1], np.float32), targets, margins)

        return [("efficienttrust.training._monitor.calibrate", as_it_is)]
    if part == "guard":
        return [("efficienttrust.atats._guard.Guard.check", lambda *_: None)]
    if part == "candidates":
        from efficienttrust.training.catalogue import network

        members = network._members
        return [("efficienttrust.training.catalogue.network._members", lambda *given: members(*given)[:1])]
    if part == "width":
        return [("efficienttrust.training._widths.STEPS_WANTED", 0)]
    if part == "memory":
        return [("efficienttrust.training._bench.Bench.memory", lambda *_: None)]
    if part in ("lambda_fair", "adversarial_share"):
        return _acting(lambda _, action: dataclasses.replace(action, **{part: 0.0}))
    if part == "interval":
        return _acting(lambda _, action: dataclasses.replace(action, next_monitor_in=type(action)().next_monitor_in))
    if part == "start":  # attacked from the first step on, at the planned share
        return [(f"{PLAN}.reset", _attacking_at_once())]
    kind, _, name = part.partition(" ")
    if kind == "held":
        return [(f"{PLAN}.act", _holding(name))]
    if kind == "on":
        return _acting(lambda _, action: dataclasses.replace(action, **SWITCHED_ON[name]))
    if kind == "plan":
        return [(f"{PLAN}.act", _blind_to(*name.split(" ")))]
    if kind == "rl":
        return [("efficienttrust.atats.catalogue.rl.reading_of", _reading_without(name))]
    if part:
        raise ValueError(f"no part {part!r}")
    return []


def _acting(change: Callable[[Any, Any], Any]) -> list[tuple[str, Any]]:
    from efficienttrust.atats.catalogue.plan import PlannedControl

    action = PlannedControl._action

    def changed(self: Any, *given: Any) -> Any:
        return change(self, action(self, *given))

    return [(f"{PLAN}._action", changed)]


def _attacking_at_once() -> Callable[[Any, Any], Any]:
    from efficienttrust.atats.catalogue.plan import PlannedControl

    reset = PlannedControl.reset

    def at_once(self: Any, plan: Any) -> Any:
        return reset(self, dataclasses.replace(plan, adversarial_start=min(plan.adversarial_start, 0.0)))

    return at_once


def _holding(name: str) -> Callable[[Any, Any], Any]:
    """Return a decision that leaves one dial where the plan put it; the planned start of the attack stays."""
    from efficienttrust.atats.catalogue.plan import PlannedControl

    act = PlannedControl.act

    def held(self: Any, state: Any) -> Any:
        action = act(self, state)
        if name == "lambda_fair":
            return dataclasses.replace(action, lambda_fair=self._plan.start_lambda)
        share = self._plan.start_share if action.adversarial_share > 0 else 0.0
        return dataclasses.replace(action, adversarial_share=share)

    return held


def _blind_to(lever: str, name: str) -> Callable[[Any, Any], Any]:
    """Return a decision of `plan` that takes a number of the constraints of a lever for 0."""
    from efficienttrust.atats.catalogue.plan import PlannedControl

    act = PlannedControl.act

    def blind(self: Any, state: Any) -> Any:
        constraints = tuple(
            dataclasses.replace(one, **{name: 0.0}) if one.lever == lever else one for one in state.constraints
        )
        return act(self, dataclasses.replace(state, constraints=constraints))

    return blind


def _reading_without(name: str) -> Callable[[Any], Any]:
    """Return a reading whose one field is always the middle of its range in training; `plan` beneath sees it all."""
    from efficienttrust.atats.learning import load_network, reading_of, shipped_weights
    from efficienttrust.atats.learning._residual import READS

    place, network = READS.index(name), load_network(shipped_weights())
    middle = (network.low[place] + network.high[place]) / 2

    def reading(state: Any) -> Any:
        found = reading_of(state)
        found[place] = middle
        return found

    return reading
