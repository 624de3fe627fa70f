"""The room that an exported file has: limits on size, parameters and latency, checked on a real file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import Decision, ModuleScorer, NetworkScorer, Scorer
from efficienttrust.compression.quantisation import QuantiseStep, quantise
from efficienttrust.data import Problem
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._file import export_file, open_file, single_row_call
from efficienttrust.resources import Budget, measure_latency

LATENCY_SECONDS = 0.05
SAMPLE_ROWS = 512  # of training rows, to measure activations by
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

    def file_of(self, scorer: Scorer, quantisation: QuantiseStep | None = None) -> File:
        """Return the exported file of a scorer, opened, with room taken for any decision that may be found.

        Args:
            scorer: The scorer, trained or not.
            quantisation: Is carried out first where it is a real one.
        """
        if quantisation is not None and quantisation.real and isinstance(scorer, NetworkScorer | ModuleScorer):
            scorer = quantise(scorer, quantisation, self._sample)
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
            measured = self.latency_of(file)
            if measured > HEADROOM * budget.latency:
                misfits.append(f"latency {measured:.3g} of {budget.latency:.3g} ms")
        return misfits

    def latency_of(self, file: File) -> float:
        """Return the p95 of one row of a file, in milliseconds."""
        report = measure_latency(single_row_call(self.problem, file), max_seconds=LATENCY_SECONDS)
        # Other processes are no property of the model: when they were in the way, the CPU clock decides.
        return report.cpu_p95_ms if report.contended else report.p95_ms

    def exceeded(self, scorer: Scorer) -> list[str]:
        """Return which limits the file of a scorer would exceed; trained or not is the same."""
        return self.misfits(self.file_of(scorer))

    def too_heavy(self, scorer: Scorer, bits: float = 32) -> str:
        """Return which limit the weights alone exceed at so many bits, which saves an export; empty where none."""
        n, budget = scorer.n_parameters, self.budget
        if budget.parameters is not None and n > budget.parameters:
            return f"{n} of {budget.parameters:.0f} parameters"
        if budget.size is not None and bits / 8 * n > budget.size:
            return f"{bits / 8 * n:.0f} bytes of weights alone, of {budget.size:.0f}"
        return ""

    @cached_property
    def _sample(self) -> NDArray[np.float32]:
        return activation_sample(self.problem, 0)

    def _largest_decision(self) -> Decision:
        """Return a decision that takes as much room in the file as any that calibration may find."""
        d, n_groups = self.problem.encoder.n_features, len(self.problem.group_names)
        inferred = self.head and not self.aware
        head = (np.zeros((d, n_groups), np.float32), np.zeros(n_groups, np.float32)) if inferred else None
        return Decision(0.0, np.zeros(n_groups if self.aware or inferred else 0), head, by_group=self.aware)


def activation_sample(problem: Problem, seed: int) -> NDArray[np.float32]:
    """Return training rows by which activations are measured for a quantisation; no other split is touched."""
    train = problem.splits["train"]
    return train.inputs(np.sort(np.random.default_rng(seed).permutation(len(train))[:SAMPLE_ROWS]))
