"""Candidates of a conditional network: the plain networks of some of its settings."""

from __future__ import annotations

import math
from collections.abc import Callable

from efficienttrust.training._monitor import Monitor
from efficienttrust.training._trainer import Candidate
from efficienttrust.training.conditional._dialled import DialRange, Setting
from efficienttrust.training.conditional._stepper import ConditionalStepper
from efficienttrust.training.conditional._survey import survey

KEPT = 4  # of the settings surveyed
SURVEYED, FEWEST = 24, 6  # settings looked at, of the lightest and of the heaviest networks


def surveyed_settings(
    stepper: ConditionalStepper, monitor: Monitor, affordable: Callable[[], bool]
) -> tuple[Setting, ...]:
    """Look at settings all over the range on the monitor split while the budget affords it; return the best ones."""
    count = max(FEWEST, round(SURVEYED * monitor.lightness))
    grid = (stepper.centre, *spread_settings(stepper.dials, count))
    found = survey(stepper, monitor, dict.fromkeys(grid), affordable)
    return tuple(one.setting for one in found[:KEPT]) or (stepper.centre,)


def spread_settings(dials: DialRange, count: int) -> tuple[Setting, ...]:
    """Return about so many settings, evenly over the range; more levels of lambda_F than of q."""
    if not dials.fairness:
        return dials.grid(1, max(count, 2))
    if not dials.robustness:
        return dials.grid(max(count, 2), 1)
    shares = max(2, min(5, round(math.sqrt(count / 1.5))))
    return dials.grid(max(2, count // shares), shares)


def candidates_at(stepper: ConditionalStepper, settings: tuple[Setting, ...]) -> tuple[Candidate, ...]:
    """Return the plain networks of settings."""
    note = "a setting of one network that was trained for all"
    return tuple(Candidate(one.text, stepper.scorer_at(one), note) for one in settings)
