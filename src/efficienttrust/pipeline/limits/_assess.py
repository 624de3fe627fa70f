"""Targets against everything that is known to limit them, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.suite import check_measurable
from efficienttrust.evaluation.targets import Target, check_targets, parse_target
from efficienttrust.pipeline.limits._finding import (
    SEVERITY,
    Finding,
    Question,
    Verdict,
    assessors,
    is_clinical,
    withheld,
)
from efficienttrust.pipeline.limits._knowledge import Knowledge
from efficienttrust.resources import Budget


@dataclass(frozen=True, eq=False)
class TargetLimits:
    """What limits one target.

    Attributes:
        target: The target.
        findings: What the results say, the binding one first.
    """

    target: Target
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict of the binding result; `open` where none says anything."""
        return self.findings[0].verdict if self.findings else "open"

    @property
    def sentence(self) -> str:
        """The binding result in words."""
        return self.findings[0].sentence if self.findings else "no result says anything about it"

    def record(self) -> dict[str, Any]:
        """Return it as plain values, for run.json."""
        return {
            "target": self.target.text,
            "verdict": self.verdict,
            "result": self.findings[0].code if self.findings else None,
            "sentence": self.sentence,
        }


def assess(question: Question, *, cheap: bool, show_small_cells: bool = False) -> tuple[TargetLimits, ...]:
    """Return what limits each target.

    Args:
        question: Targets, problem, budget.
        cheap: Ask only what takes a fraction of a second.
        show_small_cells: Do not withhold what is said about fewer than ten people of clinical data.
    """
    told = withheld if is_clinical(question.problem) and not show_small_cells else None
    asked = [one for one in map(assessors.get, assessors.names()) if one.cheap or not cheap]
    found = []
    for target in question.targets:
        said = [told(finding) if told else finding for one in asked for finding in one.assess(question, target)]
        found.append(TargetLimits(target, tuple(sorted(said, key=lambda one: SEVERITY.index(one.verdict)))))
    return tuple(found)


def question_of(
    problem: Problem,
    targets: Sequence[Target | str],
    *,
    budget: Budget | str = "",
    aware: bool = False,
    seed: int = 0,
) -> Question:
    """Return targets as a question.

    Args:
        problem: The problem.
        targets: The targets.
        budget: Limits of a training; empty limits nothing.
        aware: Whether the true group is used at prediction.
        seed: Seed of folds and bootstrap of what is estimated.

    Raises:
        UsageError: A target is malformed or does not fit the problem.
    """
    parsed, notes = check_targets([parse_target(t) if isinstance(t, str) else t for t in targets], problem.sensitive)
    check_measurable(parsed, problem.task)
    limits = budget if isinstance(budget, Budget) else Budget.parse(budget) if budget else Budget()
    return Question(problem, parsed, limits, aware, Knowledge(problem, aware=aware, seed=seed), notes)


def refuse_impossible(limits: Sequence[TargetLimits]) -> None:
    """Raise `InfeasibleError` where a rigorous result excludes a target; estimates never refuse."""
    for one in limits:
        for finding in one.findings:
            if finding.refuses:
                raise InfeasibleError(
                    f"target {one.target.text} is impossible ({finding.code}): {finding.sentence}; loosen it, or "
                    "train all the same with --force"
                )
