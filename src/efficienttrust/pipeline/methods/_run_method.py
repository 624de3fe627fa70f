"""A method by name."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, methods
from efficienttrust.resources import Budget
from efficienttrust.training import Settings


def run_method(
    name: str,
    problem: Problem,
    *,
    budget: Budget | str,
    targets: Sequence[Target | str],
    seed: int = 0,
    model: str | None = None,
    settings: Settings | None = None,
) -> MethodResult:
    """Run a method under a budget that pays for all of it.

    Args:
        name: Name of the method.
        problem: The problem.
        budget: The budget; its time limit names the clock by which `spent` is counted.
        targets: The targets.
        seed: Seed of the training.
        model: Network by name with options, for methods that leave it open.
        settings: How it is trained: device, precision, pruning ... as far as the method leaves it open.

    Raises:
        UsageError: An unknown method (with a did-you-mean), one that does not fit the problem or the targets, or one
            that fixes by itself what was asked for.
        InfeasibleError: The arithmetic of the budget excludes it.
    """
    method = methods.get(name)
    limits = Budget.parse(budget) if isinstance(budget, str) else budget
    parsed = [parse_target(target) if isinstance(target, str) else target for target in targets]
    return method(MethodRequest(problem, limits, parsed, seed, model, settings or Settings()))
