"""T13: robust accuracy against rows that an attack can make alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors, smallest_cell
from efficienttrust.theory import AttackNorm, min_robust_error

MOST_ROWS = 50_000
BOUNDED = ("robust_accuracy", "worst_group_robust_accuracy")


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield where more robust accuracy is asked for than any model has on the test rows.

    It never refuses: what is measured is accuracy under one attack, which may miss what this bound knows to be there.
    """
    problem, part = question.problem, question.problem.splits["test"]
    if target.metric not in BOUNDED or problem.task != "binary" or problem.kind != "table" or len(part) > MOST_ROWS:
        return
    arguments = dict(target.arguments)
    by = str(arguments.get("by") or "")
    worst = target.metric == "worst_group_robust_accuracy"
    try:
        floor = min_robust_error(
            part.x, part.y, float(str(arguments["eps"])), cast(AttackNorm, str(arguments["norm"])),
            domain=problem.domain,
            groups=(part.codes[by] if by else part.groups) if worst else None, sample_weight=part.weight,
            seen=part.groups if question.aware else None,
        )  # fmt: skip
    except UsageError:  # weighted rows, or relations between columns: the floor is not defined for them
        return
    best = 1 - (float(floor.details["worst_group"]) if worst else float(floor))
    if target.bound > best:
        said = (
            f"no model truly exceeds {best:.4f} on these test rows, as an attack within eps = {arguments['eps']} makes "
            f"rows of both labels alike ({floor.details['conflicts']:,} pairs); a measured value above it would show "
            "a weak attack"
        )
        yield Finding(
            "impossible", "T13", said, replace(floor, value=best, kind="upper"),
            fewest=smallest_cell(part.codes[by] if by else part.groups, part.y)
            if worst
            else min(int(floor.details["conflicts"]), round((1 - best) * len(part))),
        )  # fmt: skip


assessors.register("robust_floor")(Assessor(assess, cheap=False))
