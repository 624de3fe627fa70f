"""`policy compare`: the same data, budget and targets for every policy, by seed, with paired differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.atats import make_policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.rule_data import utility_of
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline.policies._evaluate import Difference, paired
from efficienttrust.resources import Budget

FIGURES = ("hit", "violation", "utility", "spend")


@dataclass(frozen=True)
class Trial:
    """One run of one policy.

    Attributes:
        policy: As text.
        seed: Of the split and of the training.
        hit: 1 when every target is met on test by its point estimate, else 0.
        violation: Sum over targets of how far the test value is on the wrong side of the bound; NaN where one cannot
            be estimated.
        utility: Accuracy, or R squared of a regression, on test.
        spend: Used of the budget's clock.
        steps: Optimiser steps used.
    """

    policy: str
    seed: int
    hit: float
    violation: float
    utility: float
    spend: float
    steps: float


@dataclass(frozen=True)
class Comparison:
    """Policies on one problem.

    Attributes:
        utility: Name of the metric of utility.
        clock: Of `spend`.
        trials: Every run, policy by policy.
    """

    utility: str
    clock: str
    trials: tuple[Trial, ...]

    @property
    def policies(self) -> list[str]:
        """The policies in order; differences are to the first."""
        return list(dict.fromkeys(trial.policy for trial in self.trials))

    def values(self, policy: str, figure: str) -> list[float]:
        """Return one figure of all runs of a policy, by seed."""
        return [float(getattr(trial, figure)) for trial in self.trials if trial.policy == policy]

    def mean(self, policy: str, figure: str) -> float:
        """Return the mean of a figure over seeds; NaN where one is."""
        return float(np.mean(self.values(policy, figure)))

    def difference(self, policy: str, figure: str) -> Difference:
        """Return the paired difference of a policy to the first one."""
        return paired(self.values(policy, figure), self.values(self.policies[0], figure))


def compare_policies(
    load: Callable[[int], Problem],
    *,
    budget: str,
    targets: Sequence[str],
    policies: Sequence[str],
    seeds: int = 3,
    model: str | None = None,
    tell: Callable[[Trial], None] = lambda trial: None,
) -> Comparison:
    """Run `fit` for every policy and seed, each at the whole budget.

    Args:
        load: Returns the problem of a seed; policies share it.
        budget: As of `fit`.
        targets: As of `fit`; at least one.
        policies: At least two, each with options in parentheses; differences are to the first.
        seeds: How many: 0, 1, ...
        model: As of `fit`.
        tell: Called after every run.

    Raises:
        UsageError: Wrong names or values, before anything is trained.
        InfeasibleError: The arithmetic of the budget excludes what was asked.
    """
    _check(budget, targets, policies, seeds)
    from efficienttrust.pipeline._fit import fit

    trials: list[Trial] = []
    for seed in range(seeds):
        problem = load(seed)
        utility = utility_of(problem.task)
        for policy in policies:
            run = fit(problem, budget=budget, targets=targets, policy=policy, model=model, seed=seed)
            gaps = [parse_target(one.target).gap(one.value) for one in run.verdicts]
            trial = Trial(
                policy=policy,
                seed=seed,
                hit=float(all(gap <= 0 for gap in gaps)),
                violation=math.nan if any(map(math.isnan, gaps)) else sum(max(gap, 0.0) for gap in gaps),
                utility=float(run.metrics[utility]["value"]),
                spend=float(run.ledger["time"]["used"]),
                steps=float(run.ledger["clocks"]["steps"]),
            )
            trials.append(trial)
            tell(trial)
    ordered = sorted(trials, key=lambda trial: (policies.index(trial.policy), trial.seed))
    return Comparison(utility, str(run.ledger["time"]["clock"]), tuple(ordered))


def _check(budget: str, targets: Sequence[str], policies: Sequence[str], seeds: int) -> None:
    if not targets:
        raise UsageError("policies are compared by their targets: give at least one --target")
    if len(set(policies)) < 2 or len(set(policies)) < len(policies):
        raise UsageError(f"--policies {','.join(policies)}: give at least two different policies")
    if seeds < 1:
        raise UsageError(f"--seeds {seeds}: give at least 1")
    Budget.parse(budget)
    for target in targets:
        parse_target(target)
    for policy in policies:
        make_policy(policy)
