"""What a run tells while it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProgressEvent:
    """A sign of life.

    Attributes:
        fraction: Share of the time budget used, in [0, …); 0 when there is no limit.
        used: Used on the declared clock.
        limit: The limit on it, infinite without one.
        clock: The declared clock.
        phase: What is going on: `probe`, `train`, `calibrate`, `export`, `measure`, `evaluate` or `report`.
        step: Optimiser steps so far.
        metrics: Monitor metrics as they will be after calibration.
        action: The present setting of the dials, as text.
    """

    fraction: float
    used: float
    limit: float
    clock: str
    phase: str
    step: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    action: str = ""
