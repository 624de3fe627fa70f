"""What the analysis has to know of a study: factors, their levels in order, and what was declared before it began."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from efficienttrust.study._trial import content_address

NONE = "none"
"""Level of the factor `constraint` where nothing is constrained."""


@dataclass(frozen=True)
class Factor:
    """A factor of the study.

    Attributes:
        name: As in the columns: `data`, `model`, `constraint`, `mitigation`, or another one.
        levels: In the order of the study file, which tables and pictures keep.
        reference: The level that effects are differences to.
        block: Its levels are blocks: no effect of it is tested, and seeds are nested in it.
    """

    name: str
    levels: tuple[str, ...]
    reference: str
    block: bool = False


@dataclass(frozen=True)
class Constraint:
    """What a level of the factor `constraint` limits.

    Attributes:
        kind: `time`, `epochs`, `memory`, `width`, `prune`, `bits`, `data_fraction` ...; `none`.
        dose: How much, as a number, for dose-response curves; None where it has none.
        unit: Of the dose, as `share of the reference` or `bits`.
        tighter: Whether a larger dose constrains more (`up`, as noise) or less (`down`, as time).
    """

    kind: str
    dose: float | None = None
    unit: str = ""
    tighter: Literal["up", "down"] = "down"


@dataclass(frozen=True)
class Hypothesis:
    """A hypothesis that was declared before the first trial.

    Attributes:
        name: Short, as `H1`.
        family: Hypotheses of one family share the error rate, by Holm's method.
        statement: In words.
        metric: Column it is about, as `metric.accuracy`.
        factor: Factor of the contrast.
        contrast: Weight by level; the weights sum to 0.
        where: Levels of other factors to which it is restricted.
        test: `difference` (is there one), `superiority` (larger than the margin in the stated direction) or
            `equivalence` (smaller than the margin in both directions, by two one-sided tests).
        direction: `greater`, `less` or `two-sided`, of the contrast.
        margin: In the unit of the metric.
    """

    name: str
    family: str
    statement: str
    metric: str
    factor: str
    contrast: Mapping[str, float]
    where: Mapping[str, tuple[str, ...]]
    test: Literal["difference", "superiority", "equivalence"] = "difference"
    direction: Literal["greater", "less", "two-sided"] = "two-sided"
    margin: float = 0.0


@dataclass(frozen=True)
class Design:
    """The design of a study, as it travels in the metadata of the table of results.

    Attributes:
        name: Of the study.
        question: What it asks, in words.
        factors: In the order of the study file.
        constraints: What each level of the factor `constraint` limits.
        hypotheses: Declared before the first trial.
        alpha: Error rate of each family.
        targets: Texts of the targets by level of `data`.
        seeds: Replicates.
        planned: Number of trials.
        spec_hash: SHA-256 of the resolved study file.
        declared_hash: SHA-256 of hypotheses, contrasts, families and margins.
        fraction: What fraction of the full design was planned and its aliases, in words; empty for a full one.
    """

    name: str
    question: str
    factors: tuple[Factor, ...]
    constraints: Mapping[str, Constraint]
    hypotheses: tuple[Hypothesis, ...]
    alpha: float
    targets: Mapping[str, tuple[str, ...]]
    seeds: tuple[int, ...]
    planned: int
    spec_hash: str
    declared_hash: str
    fraction: str = ""

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Design:
        """Return it from plain JSON values; the inverse of `as_plain`."""
        return cls(
            **{
                **values,
                "factors": tuple(Factor(**{**one, "levels": tuple(one["levels"])}) for one in values["factors"]),
                "constraints": {level: Constraint(**one) for level, one in values["constraints"].items()},
                "hypotheses": tuple(
                    Hypothesis(**{**one, "where": {name: tuple(levels) for name, levels in one["where"].items()}})
                    for one in values["hypotheses"]
                ),
                "targets": {level: tuple(texts) for level, texts in values["targets"].items()},
                "seeds": tuple(values["seeds"]),
            }
        )


def hash_of_declared(hypotheses: Sequence[Hypothesis]) -> str:
    """Return the SHA-256 of hypotheses, contrasts, families and margins, as `Design.declared_hash` holds it."""
    return content_address([dataclasses.asdict(one) for one in hypotheses])
