"""Budgets, and who spent what.

A `Budget` says what a run may cost: training time on a declared clock, memory, parameters, bytes on disk, milliseconds
a row. A `Ledger` is opened with it, and from then on every second of the process belongs to exactly one phase (train,
attack, monitor, calibrate, export, …); what no phase claims is the scheduler's. Wall clock, CPU clock, steps, samples
and FLOPs are all recorded always; the budget's own clock decides how much is left.

A `CostModel` predicts what the next action will cost from what it cost lately, so that a run stops *before* its limit.
`measure_latency`, `environment` and `doctor` say what the machine is and whether its clocks can be trusted.

>>> budget = Budget.parse("steps=100, size=300kB, latency=2ms")
>>> ledger = Ledger(budget)
>>> for _ in range(3):
...     ledger.count(steps=1, samples=256)
...     ledger.lap("train")
>>> ledger.used(), ledger.remaining(), ledger.fraction()
(3.0, 97.0, 0.03)
"""

from efficienttrust.resources.budget import RESOURCES, Budget, TimeLimit, overrun
from efficienttrust.resources.clocks import CLOCKS, COUNTED_CLOCKS, MEASURED_CLOCKS, Clocks
from efficienttrust.resources.cost import CostModel
from efficienttrust.resources.latency import LatencyReport, measure_latency
from efficienttrust.resources.ledger import UNPHASED, Ledger
from efficienttrust.resources.machine import Check, calibration_kernel, clock_steadiness, doctor, environment
from efficienttrust.resources.process_memory import memory_floor, scaled_limit

__all__ = [
    "CLOCKS",
    "COUNTED_CLOCKS",
    "MEASURED_CLOCKS",
    "RESOURCES",
    "UNPHASED",
    "Budget",
    "Check",
    "Clocks",
    "CostModel",
    "LatencyReport",
    "Ledger",
    "TimeLimit",
    "calibration_kernel",
    "clock_steadiness",
    "doctor",
    "environment",
    "measure_latency",
    "memory_floor",
    "overrun",
    "scaled_limit",
]
