"""The room that an exported file has: limits on size, parameters and latency, checked on a real file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from efficienttrust.compression import Decision, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._file import export_file, open_file, single_row_call
from efficienttrust.resources import Budget, measure_latency

LATENCY_SECONDS = 0.05
BYTES_PER_WEIGHT = 4
HEADROOM = 0.9  # of the latency limit: the final file is measured again, on a clock with noise


@dataclass(frozen=True, eq=False)
class Room:
    """What an exported file has to fit into, and what it will hold besides a scorer.

    Attributes:
        problem: The problem.
        budget: The limits.
        aware: Whether the file will ask for the sensitive columns.
        head: Whether it will hold a group head.
        metadata: What it will say of itself, as its size counts too.
    """

    problem: Problem
    budget: Budget
    aware: bool
    head: bool
    metadata: Mapping[str, str]

    def file_of(self, scorer: Scorer) -> File:
        """Return the exported file of a scorer, opened, with room taken for any decision that may be found."""
        content = export_file(self.problem, scorer, self._largest_decision(), self.metadata)
        return open_file(self.problem, content)

    def misfits(self, file: File) -> list[str]:
        """Return which limits a file exceeds, with figures."""
        budget, misfits = self.budget, []
        if budget.size is not None and file.size_bytes > budget.size:
            misfits.append(f"size {file.size_bytes} of {budget.size:.0f} bytes")
        if budget.parameters is not None and file.n_parameters > budget.parameters:
            misfits.append(f"{file.n_parameters} of {budget.parameters:.0f} parameters")
        if budget.latency is not None:
            report = measure_latency(single_row_call(self.problem, file), max_seconds=LATENCY_SECONDS)
            # Other processes are no property of the model: when they were in the way, the CPU clock decides.
            measured = report.cpu_p95_ms if report.contended else report.p95_ms
            if measured > HEADROOM * budget.latency:
                misfits.append(f"latency {measured:.3g} of {budget.latency:.3g} ms")
        return misfits

    def exceeded(self, scorer: Scorer) -> list[str]:
        """Return which limits the file of a scorer would exceed; trained or not is the same."""
        return self.misfits(self.file_of(scorer))

    def too_heavy(self, scorer: Scorer) -> str:
        """Return which limit the weights alone exceed, which saves an export; empty where none."""
        n, budget = scorer.n_parameters, self.budget
        if budget.parameters is not None and n > budget.parameters:
            return f"{n} of {budget.parameters:.0f} parameters"
        if budget.size is not None and BYTES_PER_WEIGHT * n > budget.size:
            return f"{BYTES_PER_WEIGHT * n} bytes of weights alone, of {budget.size:.0f}"
        return ""

    def _largest_decision(self) -> Decision:
        """Return a decision that takes as much room in the file as any that calibration may find."""
        d, n_groups = self.problem.encoder.n_features, len(self.problem.group_names)
        inferred = self.head and not self.aware
        head = (np.zeros((d, n_groups), np.float32), np.zeros(n_groups, np.float32)) if inferred else None
        return Decision(0.0, np.zeros(n_groups if self.aware or inferred else 0), head, by_group=self.aware)
