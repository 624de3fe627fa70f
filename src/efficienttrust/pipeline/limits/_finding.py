"""What a result of the theory says about a target, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.registry import Registry
from efficienttrust.resources import Budget
from efficienttrust.theory import Bound

if TYPE_CHECKING:
    from efficienttrust.pipeline.limits._knowledge import Knowledge

Verdict = Literal["impossible", "uncertifiable", "tight", "comfortable", "open"]
SEVERITY: tuple[Verdict, ...] = ("impossible", "uncertifiable", "tight", "comfortable", "open")
"""The worst finding decides; `open` means that no result says anything about the target."""

LEAST = 10  # people that numbers about clinical data may tell of
WITHHELD = "withheld: its numbers tell of fewer than ten people (see --show-small-cells of `efficienttrust limits`)"


@dataclass(frozen=True, eq=False)
class Finding:
    """What one result says about one target.

    Attributes:
        verdict: Where the target stands by this result alone.
        code: The result, as `T2`.
        sentence: In words, with the numbers.
        bound: The number behind it.
        refuses: It is rigorous about what would be measured, so that a training towards the target may be refused.
        fewest: Smallest number of people that its numbers tell of; None where that is all rows.
    """

    verdict: Verdict
    code: str
    sentence: str
    bound: Bound
    refuses: bool = False
    fewest: int | None = None


def withheld(finding: Finding) -> Finding:
    """Return a finding as readers of clinical data see it: without its numbers where they tell of fewer than ten."""
    if finding.fewest is None or not 0 < finding.fewest < LEAST:
        return finding
    bound = Bound(
        math.nan, finding.bound.kind, finding.bound.assumptions, finding.bound.source, {}, vacuous=True, reason=WITHHELD
    )
    return replace(finding, sentence=WITHHELD, bound=bound)


def is_clinical(problem: Problem) -> bool:
    """Return whether rows are patients, of whom few must not be told."""
    return problem.card is not None and problem.card.clinical


def smallest_cell(codes: NDArray[np.int64], labels: NDArray[Any] | None = None) -> int | None:
    """Return the smallest count of rows of a group, or of a group and label; None without a group.

    Args:
        codes: [n] groups, below 0 where unknown.
        labels: [n] labels; None counts groups alone.
    """
    known = codes >= 0
    if not known.any():
        return None
    cells = codes[known] if labels is None else np.stack([codes[known], labels[known].astype(np.int64)], axis=1)
    return int(np.unique(cells, axis=0, return_counts=True)[1].min())


def unknown(code: str, error: UsageError) -> Finding:
    """Return the finding that a result cannot be applied to these rows."""
    bound = Bound(math.nan, "estimate", (), "", {}, vacuous=True, reason=str(error))
    return Finding("open", code, f"it cannot be estimated here: {error}", bound)


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be assessed.

    Attributes:
        problem: The problem.
        targets: All targets; they hold together or not at all.
        budget: Limits of the training.
        aware: Whether the true group is used at prediction.
        knowledge: What is estimated from the rows, each at its first use.
        notes: On targets that others imply.
    """

    problem: Problem
    targets: tuple[Target, ...]
    budget: Budget
    aware: bool
    knowledge: Knowledge
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assessor:
    """One way to judge targets.

    Attributes:
        assess: Called with the question and one of its targets; yields what there is to say.
        cheap: It takes a fraction of a second and no estimate, so that `fit` asks it before each training.
    """

    assess: Callable[[Question, Target], Iterator[Finding]]
    cheap: bool


assessors: Registry[Assessor] = Registry("limit", "efficienttrust.pipeline.limits.catalogue", of=Assessor)
