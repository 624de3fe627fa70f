"""Rows of the tables of an analysis, in natural units; NaN is "cannot be estimated"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

POOLED = ""
"""In a column `data`: all data sets together, each with equal weight."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the ends of its interval, at the level of the options."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LevelCount:
    """Trials of one level of a factor, by status."""

    factor: str
    level: str
    done: int
    infeasible: int
    failed: int


@dataclass(frozen=True)
class Column:
    """An analysed column of the table; `better` is empty where neither direction is."""

    name: str
    label: str
    better: Literal["higher", "lower", ""]
    finite: int


@dataclass(frozen=True)
class EffectRow:
    """Difference of a level to the reference, paired within unit and the levels of all other factors.

    Attributes:
        metric: Column.
        factor: That was varied.
        level: That is compared.
        reference: Level it is compared with.
        mean: Of the level over its pairs, data sets equally weighted.
        reference_mean: Of the reference over the same pairs.
        difference: With t interval within data sets: what holds for *these* data sets.
        across: With hierarchical bootstrap interval (data sets, then seeds): data sets *like* these.
        across_t: With t interval over the means of the data sets; NaN below 2 of them.
        p: Of `difference`, two-sided.
        p_adjusted: By Holm's method over the levels of this factor for this metric.
        units: Data sets × seeds with at least one pair.
        pairs: Of trials.
        planned: Planned hypothesis about the same factor and metric, else empty: the row is exploratory.
    """

    metric: str
    factor: str
    level: str
    reference: str
    mean: float
    reference_mean: float
    difference: Estimate
    across: Estimate
    across_t: Estimate
    p: float
    p_adjusted: float
    units: int
    pairs: int
    planned: str = ""


@dataclass(frozen=True)
class DataEffectRow:
    """The same difference in one data set, with t interval over its seeds (a row of a forest plot)."""

    metric: str
    factor: str
    level: str
    reference: str
    data: str
    difference: Estimate
    units: int


@dataclass(frozen=True)
class TermRow:
    """One term of an analysis of variance.

    Attributes:
        metric: Column.
        term: Factor, or `A × B`.
        kind: Type of the sums of squares, `II` or `III` (sum coding).
        df: Degrees of freedom of the term.
        ss: Its sum of squares.
        f: Against the residual of the model.
        df_error: Of that residual.
        p: Of `f`; takes trials of one unit as independent given its block, so it is the least careful of the four.
        p_hc3: Of a Wald test with the HC3 covariance.
        eta2: Partial eta squared, with bootstrap interval over units.
        omega2: Partial omega squared, with bootstrap interval over units.
        f_units: Estimates of the term in each unit against their scatter within data sets: the test to read.
        df_units: Its degrees of freedom, numerator and denominator, after Greenhouse and Geisser.
        p_units: Of `f_units`: these data sets.
        p_across: The same with data sets as units: data sets like these.
    """

    metric: str
    term: str
    kind: Literal["II", "III"]
    df: int
    ss: float
    f: float
    df_error: int
    p: float
    p_hc3: float
    eta2: Estimate
    omega2: Estimate
    f_units: float
    df_units: tuple[float, float]
    p_units: float
    p_across: float


@dataclass(frozen=True)
class CellMean:
    """Mean of a metric where two factors have these levels, for pictures of interactions; t within data sets."""

    metric: str
    factors: tuple[str, str]
    levels: tuple[str, str]
    mean: Estimate
    units: int


@dataclass(frozen=True)
class MixedRow:
    """A difference to the reference from a mixed model on means of unit × level.

    Attributes:
        metric: Column.
        factor: That was varied.
        level: That is compared.
        reference: Level it is compared with.
        difference: With Wald interval.
        p: Of the Wald test.
        model: That was used: `random slope`, `random intercept` or `fixed block`.
        tried: Models before it in the chain, each with why it was left.
        data_sd: Of the data sets' intercepts.
        slope_sd: Of the level's effect over data sets.
        residual_sd: Of what is left.
    """

    metric: str
    factor: str
    level: str
    reference: str
    difference: Estimate
    p: float
    model: Literal["random slope", "random intercept", "fixed block"]
    tried: tuple[str, ...]
    data_sd: float
    slope_sd: float
    residual_sd: float


@dataclass(frozen=True)
class ContrastRow:
    """A declared hypothesis and what became of it.

    Attributes:
        name: Of the hypothesis.
        family: That shares the error rate.
        statement: In words.
        metric: Column.
        factor: Of the contrast.
        test: `difference`, `superiority` or `equivalence`.
        direction: Of the contrast.
        margin: In the unit of the metric.
        contrast: The contrast with t interval within data sets; for equivalence at 1 − 2 alpha.
        p: Of the declared test.
        p_holm: Adjusted over the family by Holm's method; a hypothesis that was not tested keeps its place, as p = 1.
        verdict: `supported`, `not supported` or `not tested`.
        units: Data sets × seeds in which the contrast is known.
        reason: Why it was not tested.
    """

    name: str
    family: str
    statement: str
    metric: str
    factor: str
    test: str
    direction: str
    margin: float
    contrast: Estimate
    p: float
    p_holm: float
    verdict: Literal["supported", "not supported", "not tested"]
    units: int
    reason: str = ""


@dataclass(frozen=True)
class IqmRow:
    """Interquartile mean over data sets × seeds × other factors; hierarchical bootstrap."""

    metric: str
    factor: str
    level: str
    iqm: Estimate


@dataclass(frozen=True)
class ImprovementRow:
    """Probability that a level beats the reference on a matched trial; a tie counts half; hierarchical bootstrap."""

    metric: str
    factor: str
    level: str
    reference: str
    probability: Estimate


@dataclass(frozen=True)
class RankRow:
    """Mean rank of a level over data sets (1 is best), and the levels that Wilcoxon with Holm cannot tell from it."""

    metric: str
    factor: str
    level: str
    rank: float
    friedman_p: float
    indistinct: tuple[str, ...]


@dataclass(frozen=True)
class ResidualRow:
    """Residuals of the model of variance against the normal distribution, at the same probabilities.

    Attributes:
        metric: Column.
        expected: Quantiles of the standard normal.
        observed: Quantiles of the standardised residuals.
        skewness: 0 for a normal distribution.
        kurtosis: Excess; 0 for a normal distribution.
        p: Of D'Agostino and Pearson's test; in thousands of trials a negligible departure is significant.
    """

    metric: str
    expected: tuple[float, ...]
    observed: tuple[float, ...]
    skewness: float
    kurtosis: float
    p: float


@dataclass(frozen=True)
class VarianceRow:
    """Brown and Forsythe's form of Levene's test over the levels of a factor, on residuals."""

    metric: str
    factor: str
    statistic: float
    p: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class InfluentialTrial:
    """A trial with one of the largest Cook distances of a metric's model."""

    metric: str
    trial: str
    levels: Mapping[str, str]
    seed: int
    cook: float
    residual: float


@dataclass(frozen=True)
class MissingCell:
    """A cell in which trials have no figure, and why."""

    levels: Mapping[str, str]
    infeasible: int
    failed: int
    absent: int
    reason: str


@dataclass(frozen=True)
class RunCircumstances:
    """How the trials ran: `contended` ones shared the machine, so that their wall clock cannot be compared."""

    contended: int
    threads: tuple[int, ...]
    largest_load: float
    attempts: int
