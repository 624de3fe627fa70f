"""What a run tells while it is under way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from efficienttrust.resources import Ledger


@dataclass(frozen=True)
class ProgressEvent:
    """A sign of life.

    Attributes:
        fraction: Share of the time budget used, in [0, …); 0 when there is no limit.
        used: Used on the declared clock.
        limit: The limit on it, infinite without one.
        clock: The declared clock.
        phase: What is going on: `limits`, `probe`, `train`, `calibrate`, `export`, `measure`, `evaluate`, `limit` or
            `report`.
        step: Optimiser steps so far.
        metrics: Monitor metrics as they will be after calibration.
        action: The present setting of the dials, as text.
        lines: What is to be said once, a line each.
    """

    fraction: float
    used: float
    limit: float
    clock: str
    phase: str
    step: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    action: str = ""
    lines: tuple[str, ...] = ()


class Tell:
    """Turns signs of life into events.

    Args:
        progress: Called with them; None keeps silent.
        ledger: The account.
    """

    def __init__(self, progress: Callable[[ProgressEvent], None] | None, ledger: Ledger) -> None:
        self._progress, self._ledger, self._limit = progress, ledger, ledger.limit
        self._step = 0

    def say(self, lines: Iterable[str]) -> None:
        """Tell lines that are to stay on the screen."""
        said = tuple(lines)
        if self._progress is not None and said:
            clock, used = self._ledger.clock, self._ledger.used()
            self._progress(ProgressEvent(0.0, used, self._limit, clock, "limits", lines=said))

    def __call__(
        self, phase: str, step: int | None = None, metrics: Mapping[str, float] | None = None, action: str = ""
    ) -> None:
        """Tell where the run is."""
        if self._progress is None:
            return
        self._step = self._step if step is None else step
        ledger = self._ledger
        fraction = ledger.used() / self._limit if math.isfinite(self._limit) else 0.0
        self._progress(
            ProgressEvent(fraction, ledger.used(), self._limit, ledger.clock, phase, self._step, metrics or {}, action)
        )
