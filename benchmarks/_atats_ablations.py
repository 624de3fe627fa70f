"""ATATS with one part taken out, for the length of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


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
        from efficienttrust.atats.catalogue.plan import PlannedControl

        action = PlannedControl._action

        def without(self: Any, *given: Any) -> Any:
            return dataclasses.replace(action(self, *given), **{part: 0.0})

        return [("efficienttrust.atats.catalogue.plan.PlannedControl._action", without)]
    if part:
        raise ValueError(f"no part {part!r}")
    return []
