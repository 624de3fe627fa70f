"""The clocks a time budget can be declared on, and how the measured ones are read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MEASURED_CLOCKS = ("wall", "cpu")
"""Read from the machine, in seconds. `wall` is what a user waits; `cpu` is what a shared machine can be judged by."""

COUNTED_CLOCKS = ("steps", "samples", "flops")
"""Counted by the loop, hence exact and the same on every machine: for tests and factorial studies."""

CLOCKS = MEASURED_CLOCKS + COUNTED_CLOCKS
"""Every clock a ledger keeps; a budget may also be given in epochs, which become samples once the data is known."""


@dataclass(frozen=True)
class Clocks:
    """The two functions that tell the time; tests put deterministic ones in their place.

    Attributes:
        wall: Monotonic seconds.
        cpu: Seconds of CPU of this process: all its threads, not its child processes.
    """

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
