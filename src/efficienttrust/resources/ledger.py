"""Who spent what: every second, step, sample and FLOP of a run is charged to one phase.

The ledger holds one mark per clock. Whatever happened since the mark is *pending*, and is charged to a phase when

- `lap(name)` is called: to `name` (the hot loop: two clock reads and no context manager, about a microsecond);
- `phase(name)` is entered: to the phase around it, or to `UNPHASED` when there is none;
- `phase(name)` is left: to `name`. A nested phase has thus taken its own part out of the outer one.

Counters wait in the same way: `count(steps=1); lap("train")` charges the step to `train`. So nothing is counted twice
and nothing is lost: the phases sum to the total.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from efficienttrust.resources.budget import RESOURCES, Budget, overrun
from efficienttrust.resources.clocks import CLOCKS, Clocks

UNPHASED = "scheduler"
"""The phase of whatever happens outside every named phase."""

_WALL, _CPU, _STEPS, _SAMPLES, _FLOPS = range(len(CLOCKS))


class Ledger:
    """The account of one run against its budget.

    Args:
        budget: The limits; its time limit names the declared clock (wall when there is none).
        clock_override: Other sources of time, for tests.

    Attributes:
        budget: The limits.
        clock: The declared clock.
        limit: The limit on that clock, infinite when there is none.
    """

    def __init__(self, budget: Budget, *, clock_override: Clocks | None = None) -> None:
        if budget.time is not None and budget.time.clock == "epochs":
            raise ValueError("a ledger cannot count epochs; pass budget.in_samples(n_train)")
        self.budget = budget
        self.clock = "wall" if budget.time is None else budget.time.clock
        self.limit = math.inf if budget.time is None else float(budget.time.amount)
        self._index = CLOCKS.index(self.clock)
        clocks = clock_override or Clocks()
        self._wall, self._cpu = clocks.wall, clocks.cpu
        self._phases: dict[str, list[float]] = {}
        self._outside: dict[str, list[float]] = {}
        self._book = self._phases  # where charges go: inside the budget until close(), outside after it
        self._open: list[str] = []  # the phases entered and not yet left
        self._measured: dict[str, dict[str, object]] = {}
        self._total = [0.0] * len(CLOCKS)  # charged inside the budget
        self._steps, self._samples, self._flops = 0, 0, 0.0  # pending
        self._wall_mark, self._cpu_mark = self._wall(), self._cpu()

    def count(self, steps: int = 0, samples: int = 0, flops: float = 0.0) -> None:
        """Count work done; it is charged to the phase that the next lap or the end of the phase names."""
        self._steps += steps
        self._samples += samples
        self._flops += flops

    def lap(self, name: str) -> None:
        """Charge everything since the last lap or phase boundary to the phase `name`."""
        wall, cpu = self._wall(), self._cpu()
        cells = self._book.get(name)
        if cells is None:
            cells = self._book[name] = [0.0] * len(CLOCKS)
        wall_spent, cpu_spent = wall - self._wall_mark, cpu - self._cpu_mark
        cells[_WALL] += wall_spent
        cells[_CPU] += cpu_spent
        cells[_STEPS] += self._steps
        cells[_SAMPLES] += self._samples
        cells[_FLOPS] += self._flops
        if self._book is self._phases:
            total = self._total
            total[_WALL] += wall_spent
            total[_CPU] += cpu_spent
            total[_STEPS] += self._steps
            total[_SAMPLES] += self._samples
            total[_FLOPS] += self._flops
        self._wall_mark, self._cpu_mark = wall, cpu
        self._steps, self._samples, self._flops = 0, 0, 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge the body to the phase `name`, less what nested phases and laps in it take."""
        self._settle()
        self._open.append(name)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()

    def used(self, clock: str | None = None) -> float:
        """Return what the run has spent up to now on a clock (default: the declared one), frozen by `close`."""
        index = self._index if clock is None else CLOCKS.index(clock)
        total = self._total[index]
        if self._book is self._outside:
            return total
        if index == _WALL:
            return total + self._wall() - self._wall_mark
        if index == _CPU:
            return total + self._cpu() - self._cpu_mark
        return total + (self._steps, self._samples, self._flops)[index - _STEPS]

    def remaining(self) -> float:
        """Return what is left on the declared clock: infinite without a limit, negative once overrun."""
        return self.limit - self.used()

    def fraction(self) -> float:
        """Return the share of the time limit that is used: above 1 once overrun, 0 when there is no limit."""
        return self.used() / self.limit

    @contextmanager
    def until(self, limit: float) -> Iterator[None]:
        """Let the body plan with a nearer limit: a part of a run that may use a share of the budget.

        Args:
            limit: On the declared clock, counted from the beginning of the run; the limit of the budget still holds.
        """
        whole = self.limit
        self.limit = min(whole, limit)
        try:
            yield
        finally:
            self.limit = whole

    def add_prior(self, name: str, *, wall: float, cpu: float) -> None:
        """Charge time spent before the ledger was opened, e.g. on loading the data, to the phase `name`."""
        cells = self._phases.setdefault(name, [0.0] * len(CLOCKS))
        for index, spent in ((_WALL, wall), (_CPU, cpu)):
            cells[index] += spent
            self._total[index] += spent

    def measured(self, resource: str, used: float, **details: object) -> None:
        """Enter what a resource other than time came to on the delivered artefact.

        Args:
            resource: `size`, `latency`, `parameters`, `memory` or `throughput`.
            used: In the unit of the budget (bytes, ms, …).
            **details: Further figures to record beside it, e.g. `p50=0.05, contended=False`.
        """
        if resource not in RESOURCES[1:]:
            raise ValueError(f"{resource!r} is not a resource other than time: {RESOURCES[1:]}")
        asked = getattr(self.budget, resource)
        beyond = overrun(resource, asked, used)
        self._measured[resource] = {"asked": asked, "used": used, "overrun": beyond, **details}

    def close(self) -> None:
        """Freeze the totals; what is charged from here on is recorded outside the budget."""
        if self._book is self._phases:
            self._settle()
            self._book = self._outside

    def to_dict(self) -> dict[str, Any]:
        """Return the account as plain values.

        `time` holds `clock`, `asked`, `used`, `overrun` and `phases` on the declared clock, and every measured resource
        its `asked`, `used` and `overrun`; `clocks` holds the totals of all clocks, `outside` what was spent after
        `close`: per phase the value on every clock.
        """
        self._settle()
        phases = {name: cells[self._index] for name, cells in self._phases.items()}
        used = sum(phases.values())
        asked = None if math.isinf(self.limit) else self.limit
        return {
            "time": {
                "clock": self.clock,
                "asked": asked,
                "used": used,
                "overrun": overrun("time", asked, used),
                "phases": phases,
            },
            **self._measured,
            "clocks": {clock: sum(row[i] for row in self._phases.values()) for i, clock in enumerate(CLOCKS)},
            "outside": {name: dict(zip(CLOCKS, cells, strict=True)) for name, cells in self._outside.items()},
        }

    def state_dict(self) -> dict[str, list[float]]:
        """Return what was spent so far, by phase, for a checkpoint."""
        self._settle()
        return {name: list(cells) for name, cells in self._phases.items()}

    def load_state_dict(self, state: Mapping[str, list[float]]) -> None:
        """Carry over what an interrupted run had spent; what this process has spent already is kept on top."""
        for name, carried in state.items():
            cells = self._phases.setdefault(name, [0.0] * len(CLOCKS))
            for index, spent in enumerate(carried):
                cells[index] += spent
                self._total[index] += spent

    def _settle(self) -> None:
        self.lap(self._open[-1] if self._open else UNPHASED)
