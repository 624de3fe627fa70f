"""A survey: what each setting of a conditional network comes to on the monitor split, after virtual calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from efficienttrust.training._monitor import Monitor
from efficienttrust.training.conditional._dialled import Setting
from efficienttrust.training.conditional._stepper import ConditionalStepper


@dataclass(frozen=True)
class Surveyed:
    """One setting.

    Attributes:
        setting: The setting.
        objective: Utility less a penalty for what is missing to the tightened targets, after virtual calibration.
        utility: Accuracy after virtual calibration.
        values: Target key -> value after virtual calibration.
    """

    setting: Setting
    objective: float
    utility: float
    values: Mapping[str, float]


def survey(
    stepper: ConditionalStepper, monitor: Monitor, settings: Iterable[Setting], affordable: Callable[[], bool]
) -> list[Surveyed]:
    """Look at settings in order while the budget affords it; return those looked at, best objective first.

    Args:
        stepper: The conditional network.
        monitor: How to look.
        settings: The settings.
        affordable: Asked before each setting.
    """
    found = []
    for setting in settings:
        if not affordable():
            break
        scorer = stepper.scorer_at(setting)
        reading = monitor.look(scorer, monitor.score(scorer), guard=False)
        found.append(Surveyed(setting, reading.objective, reading.calibrated_accuracy, dict(reading.calibrated)))
    return sorted(found, key=lambda one: -one.objective)
