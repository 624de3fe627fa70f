"""A method by name."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.pipeline.methods._method import MethodResult, methods
from efficienttrust.resources import Budget


def run_method(
    name: str, problem: Problem, *, budget: Budget | str, targets: Sequence[Target | str], seed: int = 0
) -> MethodResult:
    """Run a method under a budget that pays for all of it.

    Args:
        name: Name of the method.
        problem: The problem.
        budget: The budget; its time limit names the clock by which `spent` is counted.
        targets: The targets.
        seed: Seed of the training.

    Raises:
        UsageError: An unknown method (with a did-you-mean), or one that does not fit the problem or the targets.
        InfeasibleError: The arithmetic of the budget excludes it.
    """
    method = methods.get(name)
    limits = Budget.parse(budget) if isinstance(budget, str) else budget
    parsed = [parse_target(target) if isinstance(target, str) else target for target in targets]
    return method(problem, limits, parsed, seed)
