"""The document of an analysis: sections, whose rows stand in `_rows.py` and `_constraint_rows.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from efficienttrust.study._design import Design
from efficienttrust.study.analysis._constraint_rows import (
    AttainmentRow,
    CensoredRow,
    CheapestRow,
    DosePoint,
    DoseTrend,
    FrontPoint,
    HypervolumeRow,
    MediationRow,
    OddsRow,
    RateRow,
    Threshold,
)
from efficienttrust.study.analysis._options import Options
from efficienttrust.study.analysis._plain import from_plain, to_plain
from efficienttrust.study.analysis._rows import (
    CellMean,
    Column,
    ContrastRow,
    DataEffectRow,
    EffectRow,
    ImprovementRow,
    InfluentialTrial,
    IqmRow,
    LevelCount,
    MissingCell,
    MixedRow,
    RankRow,
    ResidualRow,
    RunCircumstances,
    TermRow,
    VarianceRow,
)

ANALYSIS_VERSION = 1
"""Of the layout of `analysis.json`."""


@dataclass(frozen=True)
class Refusal:
    """What was asked, or would be expected, and is not given.

    Attributes:
        what: The figure or comparison.
        reason: Why it would mislead or does not exist.
    """

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """What every section has besides its tables.

    Attributes:
        title: Of the section, for a heading.
        method: How the figures were computed and under which assumptions, one sentence each.
        notes: What a reader has to know about these very figures.
        refusals: What is not given, and why.
    """

    title: str
    method: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview(Section):
    """What was planned and what came of it.

    Attributes:
        planned: Trials of the design.
        counts: Trials by status.
        data_sets: Blocks.
        units: Units of inference: data set × split seed.
        levels: Trials by factor, level and status.
        columns: Columns that were analysed, and which direction is better.
        declared: `as declared`, `changed` or `nothing declared`: whether the hypotheses have the hash of before.
        environment: As recorded in the table's metadata.
        command: That ran the study.
    """

    planned: int
    counts: Mapping[str, int]
    data_sets: tuple[str, ...]
    units: int
    levels: tuple[LevelCount, ...]
    columns: tuple[Column, ...]
    declared: str
    environment: Mapping[str, str]
    command: str


@dataclass(frozen=True, kw_only=True)
class Effects(Section):
    """Differences to the reference level in natural units: all data sets together, and one by one."""

    pooled: tuple[EffectRow, ...] = ()
    by_data: tuple[DataEffectRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Anova(Section):
    """Analysis of variance, and cell means for pictures of interactions."""

    terms: tuple[TermRow, ...] = ()
    means: tuple[CellMean, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mixed(Section):
    """Mixed models, with the model that was fitted in the end."""

    effects: tuple[MixedRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hypotheses(Section):
    """The contrasts that were declared before the first trial; everything elsewhere is exploratory."""

    contrasts: tuple[ContrastRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feasibility(Section):
    """How probable it is that a budget can be kept and that all targets are hit, and metrics given that."""

    rates: tuple[RateRow, ...] = ()
    odds: tuple[OddsRow, ...] = ()
    censored: tuple[CensoredRow, ...] = ()
    cheapest: tuple[CheapestRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DoseResponse(Section):
    """Metric against how tight a constraint is."""

    points: tuple[DosePoint, ...] = ()
    trends: tuple[DoseTrend, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mediation(Section):
    """Does a constraint hurt the outcome through the mediator, or directly?"""

    paths: tuple[MediationRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pareto(Section):
    """Trade-off curves, hypervolumes and attainment."""

    points: tuple[FrontPoint, ...] = ()
    hypervolumes: tuple[HypervolumeRow, ...] = ()
    attainment: tuple[AttainmentRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comparisons(Section):
    """Comparisons of levels that need no model: interquartile means, probability of improvement, ranks."""

    iqm: tuple[IqmRow, ...] = ()
    improvement: tuple[ImprovementRow, ...] = ()
    ranks: tuple[RankRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Diagnostics(Section):
    """Whether the assumptions hold: residuals, variances, influence, missing cells, circumstances of the runs."""

    residuals: tuple[ResidualRow, ...] = ()
    variances: tuple[VarianceRow, ...] = ()
    influential: tuple[InfluentialTrial, ...] = ()
    missing: tuple[MissingCell, ...] = ()
    circumstances: RunCircumstances | None = None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Everything that was computed from one table of results; `analysis.json` holds it.

    Attributes:
        version: Layout of the document.
        design: Of the study.
        options: Of the analysis.
        table: SHA-256 of the file that was analysed.
        overview: What was planned and what came of it; the other sections are described by their own classes.
    """

    version: int
    design: Design
    options: Options
    table: str
    overview: Overview
    effects: Effects
    anova: Anova
    mixed: Mixed
    hypotheses: Hypotheses
    feasibility: Feasibility
    dose: DoseResponse
    mediation: Mediation
    pareto: Pareto
    comparisons: Comparisons
    diagnostics: Diagnostics

    def sections(self) -> dict[str, Section]:
        """Return the sections by name, in the order of reading."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Section)}

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain JSON values; what is not a finite number becomes null."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Analysis:
        """Return it from plain JSON values; null becomes NaN where a number is due."""
        analysis: Analysis = from_plain(cls, values)
        return analysis
