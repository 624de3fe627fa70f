"""Rows of the tables about constraints: feasibility, doses, paths and trade-offs, in natural units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from efficienttrust.study.analysis._rows import Estimate

UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class RateRow:
    """Share of trials that were feasible (or hit all targets) where factors have these levels.

    Attributes:
        outcome: `feasible`: not excluded by budget or bound, failures left out; `hit`: all targets met, where an
            infeasible trial hits nothing.
        levels: Level by factor; other factors are pooled.
        data: Data set, or `POOLED`.
        count: Of successes.
        trials: That count.
        rate: With Wilson interval, which takes trials as independent.
        exact: The same with Clopper and Pearson's interval.
        clustered: Mean of the shares of data sets, each the mean of its seeds' shares, with the interval of a bootstrap
            that draws data sets, then seeds (in one data set: seeds); NaN ends where all units agree.
    """

    outcome: Literal["feasible", "hit"]
    levels: Mapping[str, str]
    data: str
    count: int
    trials: int
    rate: Estimate
    exact: Estimate
    clustered: Estimate = UNKNOWN


@dataclass(frozen=True)
class OddsRow:
    """Log odds of a level against the reference, from a logistic model of all factors' main effects (Firth).

    Attributes:
        outcome: `feasible` or `hit`.
        factor: Whose level it is.
        level: Compared.
        reference: Compared with.
        log_odds: With Wald interval; where separated, the interval is one-sided in truth and finite by the penalty.
        p: Penalised likelihood-ratio test of the whole factor.
        separated: Whether the level or the reference has no failure, or no success, at all.
    """

    outcome: Literal["feasible", "hit"]
    factor: str
    level: str
    reference: str
    log_odds: Estimate
    p: float
    separated: bool


@dataclass(frozen=True)
class CensoredRow:
    """P(feasible) beside the mean of a metric given feasible: neither alone says what a level does."""

    metric: str
    factor: str
    level: str
    feasible: Estimate
    given_feasible: Estimate
    failed: int


@dataclass(frozen=True)
class CheapestRow:
    """The tightest level of a kind of constraint at which targets are still reached.

    Attributes:
        mitigation: Level of the factor `mitigation`, or empty where there is none.
        kind: Of constraint.
        data: Data set.
        level: The tightest such that it and all looser ones reach the share of hits; empty: none does.
        dose: Of that level.
        dose_low: Lower end of its bootstrap interval over seeds; NaN where a replicate reaches nothing at all.
        dose_high: Upper end.
        reached: Share of bootstrap replicates in which any level reaches it.
        hit: Share of hits there.
        costs: Mean cost there by column.
    """

    mitigation: str
    kind: str
    data: str
    level: str
    dose: float
    dose_low: float
    dose_high: float
    reached: float
    hit: Estimate
    costs: Mapping[str, float]


@dataclass(frozen=True)
class DosePoint:
    """Metric at one dose.

    Attributes:
        metric: Column.
        kind: Of constraint.
        data: Data set, or `POOLED`.
        level: Of the factor `constraint`.
        dose: In `unit`.
        unit: Of the dose.
        mean: Paired with the unconstrained.
        difference: To the unconstrained.
        monotone: Difference under the best monotone curve; NaN where a level has no pairs.
    """

    metric: str
    kind: str
    data: str
    level: str
    dose: float
    unit: str
    mean: float
    difference: Estimate
    monotone: Estimate


@dataclass(frozen=True)
class DoseTrend:
    """Change of a metric per halving (or doubling) of the dose, in the direction of tighter."""

    metric: str
    kind: str
    data: str
    per: Literal["halving", "doubling"]
    slope: Estimate
    p: float


@dataclass(frozen=True)
class Threshold:
    """The loosest dose at which a metric has left the margin around the unconstrained.

    Attributes:
        metric: Column.
        kind: Of constraint.
        data: Data set, or `POOLED`.
        margin: In the unit of the metric.
        source: Where the margin is from: the name of a hypothesis, or `options`.
        level: First level whose whole interval lies outside the margin; empty: none.
        dose: Of that level.
        within: Tightest level such that it and all looser ones lie wholly inside the margin; empty: none.
    """

    metric: str
    kind: str
    data: str
    margin: float
    source: str
    level: str
    dose: float
    within: str


@dataclass(frozen=True)
class MediationRow:
    """Paths from a constraint to an outcome, within units; intervals by hierarchical bootstrap.

    Attributes:
        kind: Of constraint; the treatment is its tightness, 0 for the unconstrained and 1 for the tightest level.
        mediator: Column.
        outcome: Column.
        total: Effect of the tightest level on the outcome.
        direct: Natural direct effect.
        indirect: Natural indirect effect: through the mediator, by product of coefficients.
        share: Indirect over total; NaN where the total is not clear of 0.
        to_mediator: Effect of the treatment on the mediator (a).
        from_mediator: Effect of the mediator on the outcome at fixed treatment (b).
        interaction: Treatment × mediator; direct and indirect effects are linear only if it is 0.
        direct_interacting: Natural direct effect where it is not taken as 0.
        indirect_interacting: Natural indirect effect where it is not taken as 0.
        rho: Correlation of the two errors at which the indirect effect vanishes (Imai et al. 2010).
        r2: The same as a product of shares of residual variance that a hidden confounder would have to explain.
        trials: Used.
        units: Used.
    """

    kind: str
    mediator: str
    outcome: str
    total: Estimate
    direct: Estimate
    indirect: Estimate
    share: Estimate
    to_mediator: Estimate
    from_mediator: Estimate
    interaction: Estimate
    direct_interacting: Estimate
    indirect_interacting: Estimate
    rho: float
    r2: float
    trials: int
    units: int


@dataclass(frozen=True)
class FrontPoint:
    """A mean over seeds in the plane of two columns; `on_front`: no other point of its data set is better in both."""

    data: str
    mitigation: str
    constraint: str
    x_column: str
    y_column: str
    x: float
    y: float
    on_front: bool


@dataclass(frozen=True)
class HypervolumeRow:
    """Area that a level's points dominate, as a share of the box between ideal and reference point.

    Attributes:
        columns: The two objectives.
        reference: Worst values, which bound the box; the same for all rows of a data set.
        ideal: Best values, likewise.
        mitigation: Whose points they are.
        constraint: The budget.
        data: Data set, or `POOLED`: mean over data sets.
        hypervolume: With t interval over seeds.
    """

    columns: tuple[str, str]
    reference: tuple[float, float]
    ideal: tuple[float, float]
    mitigation: str
    constraint: str
    data: str
    hypervolume: Estimate


@dataclass(frozen=True)
class AttainmentRow:
    """Corners of the region that a share of the units attains, from empirical attainment functions."""

    columns: tuple[str, str]
    mitigation: str
    constraint: str
    data: str
    share: float
    points: tuple[tuple[float, float], ...]
