"""What can be chosen about an analysis; nothing of it looks at results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Choices of an analysis.

    Attributes:
        metrics: Columns to analyse; all `metric.` and `cost.` columns where empty.
        headline: Metrics for what is slow or needs a choice (mixed models, frontiers, mediation); where empty those of
            the hypotheses and targets, and the first of each kind that has none.
        level: Of intervals.
        resamples: Bootstrap replicates.
        seed: Of the bootstrap.
        mediators: Metrics through which a constraint may act; where empty accuracy, or the first headline metric.
        margins: Equivalence margin by metric for thresholds, where no hypothesis declares one.
        share_of_hits: From which on a budget "reaches" its targets, for the cheapest one.
    """

    metrics: tuple[str, ...] = ()
    headline: tuple[str, ...] = ()
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0
    mediators: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    share_of_hits: float = 0.8
