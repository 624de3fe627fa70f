"""What an analysis is given, and the registry of analyses: one section per module of `catalogue/`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import unknown_name
from efficienttrust.registry import Registry
from efficienttrust.study._columns import METRIC
from efficienttrust.study.analysis._document import Section
from efficienttrust.study.analysis._options import Options
from efficienttrust.study.analysis._table import Floats, Table, bare
from efficienttrust.study.analysis._units import Resampling, resampling


class Material:
    """What every analysis is given: the table, the options, and what several of them need.

    Attributes:
        table: Trials, placed.
        options: Of the analysis.
        columns: Metrics and costs to analyse.
    """

    def __init__(self, table: Table, options: Options) -> None:
        self.table = table
        self.options = options
        chosen = tuple(options.metrics) or tuple(table.columns())
        for name in (*options.metrics, *options.headline, *options.mediators, *options.margins):
            if name not in table.frame.columns:
                raise unknown_name("column", name, table.columns())
        self.columns = tuple(name for name in chosen if not self.refused(name))
        self._values: dict[str, Floats] = {}
        self._resamplings: dict[int, Resampling] = {}

    def values(self, column: str) -> Floats:
        """Return a column placed by [units, cells]; a clock read while others used the machine is left out."""
        if column not in self._values:
            lost = self._contended if column in CLOCKS else None
            self._values[column] = self.table.values(column, lost)
        return self._values[column]

    def refused(self, column: str) -> str:
        """Return why the values of a column cannot be compared, or an empty text."""
        if column in CLOCKS and self._contended.mean() > MOST_CONTENDED:
            return f"{self._contended.mean():.0%} of the trials shared the machine: their clocks cannot be compared"
        threads = self.threads
        if column in {*CLOCKS, "cost.time_cpu"} and len(threads) > 1:
            counts = ", ".join(str(one) for one in threads)
            return f"trials ran with different numbers of threads ({counts}): their clocks cannot be compared"
        return ""

    @functools.cached_property
    def threads(self) -> tuple[int, ...]:
        """Numbers of threads that trials ran with."""
        if "run.threads" not in self.table.frame:
            return ()
        return tuple(sorted({int(one) for one in self.table.frame["run.threads"].dropna()}))

    @functools.cached_property
    def _contended(self) -> NDArray[np.bool_]:
        if "run.contended" not in self.table.frame:
            return np.zeros(len(self.table.frame), dtype=bool)
        return self.table.figures("run.contended") > 0

    @functools.cached_property
    def resampling(self) -> Resampling:
        """The replicates that all sections share."""
        return resampling(self.table.block_of_unit, self.options.resamples, self.options.seed)

    def resampling_of(self, block: int) -> Resampling:
        """Return the replicates of the seeds of one data set."""
        if block not in self._resamplings:
            seeds = np.zeros(int((self.table.block_of_unit == block).sum()), dtype=np.int64)
            self._resamplings[block] = resampling(seeds, self.options.resamples, self.options.seed)
        return self._resamplings[block]

    @functools.cached_property
    def headline(self) -> tuple[str, ...]:
        """Metrics for what is slow or needs a choice."""
        if self.options.headline:
            return self.options.headline
        known = [name for name in self.columns if name.startswith(METRIC) and self.varies(name)]
        design = self.table.design
        declared = {one.metric for one in design.hypotheses}
        targets = " ".join(text for texts in design.targets.values() for text in texts)
        asked = set(re.findall(r"[\w.]+", targets))
        chosen = [name for name in known if name in declared or bare(name) in asked]
        for words in (("accuracy", "auc", "r2"), GAPS, ("robust_accuracy",)):
            found = [name for name in known if any(word in bare(name) for word in words)]
            exact = [name for name in found if bare(name) in words] or found
            if not set(found) & set(chosen):
                chosen += exact[:1]
        return tuple(dict.fromkeys(chosen or known[:3]))

    def varies(self, column: str) -> bool:
        """Whether a column has two values or more."""
        values = self.values(column)
        known = values[np.isfinite(values)]
        return len(known) > 1 and bool(np.ptp(known) > 0)


CLOCKS = ("cost.time_wall", "cost.latency", "cost.throughput")
"""Columns that another process on the machine disturbs."""
MOST_CONTENDED = 0.05
"""Share of contended trials from which on clocks are refused; below, the figures of these trials are left out."""
GAPS = ("difference", "gap", "ratio", "worst_group")
"""In the name of a metric that compares groups."""

Analysing = Callable[[Material], Section]
sections: Registry[Analysing] = Registry("analysis", "efficienttrust.study.analysis.catalogue")
"""Analyses by name of the field of `Analysis` that they fill."""
