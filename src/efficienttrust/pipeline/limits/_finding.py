"""What a result of the theory says about a target, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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


@dataclass(frozen=True, eq=False)
class Finding:
    """What one result says about one target.

    Attributes:
        verdict: Where the target stands by this result alone.
        code: The result, as `T2`.
        sentence: In words, with the numbers.
        bound: The number behind it.
        refuses: It is rigorous about what would be measured, so that a training towards the target may be refused.
    """

    verdict: Verdict
    code: str
    sentence: str
    bound: Bound
    refuses: bool = False


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
    """

    problem: Problem
    targets: tuple[Target, ...]
    budget: Budget
    aware: bool
    knowledge: Knowledge


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
