"""How many steps an attack within training should have, when every one of them is paid from the same budget.

Letters: B the budget and c the cost of a plain step in the same unit; an attack of k steps makes a step cost (k + 1) c,
so T = B / ((k + 1) c) steps are left. D the distance to the optimum, G the size of a gradient: D G / sqrt(T) is what
optimisation leaves. g0 rho^k is what the attack leaves unfound.
"""

from __future__ import annotations

import math

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import positive, probability
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._result import Result, results

ASSUMPTIONS = (
    "a step of the attack costs as much as one of training",
    "training behaves like a convex stochastic problem: D G / sqrt(T)",
    "each step of the attack closes the same share of what it leaves unfound",
)
SOURCE = "own model of the situation; the split of errors follows Bottou and Bousquet 2008"


def plan_attack_steps(budget: float, step_cost: float, dg: float = 1.0, g0: float = 0.5, rho: float = 0.5) -> Bound:
    """Return how many attack steps a training step should have: a rule of thumb.

    Math: the k >= 0 that minimises D G sqrt((k + 1) c / B) + g0 rho^k.

    Args:
        budget: B, above 0.
        step_cost: c, in the unit of the budget.
        dg: D G.
        g0: What no attack at all leaves unfound, in units of the loss.
        rho: Share of it that is left after one more step, in (0, 1).

    Returns:
        k; `details` has the predicted `suboptimality` and the training `steps` that are left. Vacuous where the budget
        does not pay one training step.
    """
    cost, b = positive("step_cost", step_cost), positive("budget", budget)
    predicted = [_suboptimality(k, b / cost, dg, g0, rho) for k in range(_most(g0, rho, dg, b / cost) + 1)]
    best = min(range(len(predicted)), key=predicted.__getitem__)
    steps = math.floor(b / ((best + 1) * cost))
    return Bound(
        value=best,
        kind="heuristic",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        inputs={"budget": budget, "step_cost": step_cost, "dg": dg, "g0": g0, "rho": rho},
        vacuous=steps < 1,
        reason="the budget does not pay one training step" if steps < 1 else "",
        details={"suboptimality": predicted[best], "steps": steps},
    )


def budget_to_suboptimality(
    suboptimality: float, step_cost: float, dg: float = 1.0, g0: float = 0.5, rho: float = 0.5
) -> Bound:
    """Return the smallest budget at which the best plan is predicted to leave `suboptimality`: a rule of thumb.

    Math: min over k with g0 rho^k < s of (k + 1) c (D G / (s - g0 rho^k))^2.

    Args:
        suboptimality: s, above 0.
        step_cost: c; the budget has its unit.
        dg: D G.
        g0: What no attack at all leaves unfound.
        rho: Share of it that is left after one more step.

    Returns:
        B; `details["attack_steps"]` is the k that attains it.
    """
    s, cost = positive("suboptimality", suboptimality), positive("step_cost", step_cost)
    _check(dg, g0, rho)
    first = max(0, math.floor(math.log(s / g0) / math.log(rho)) + 1)  # the first k with g0 rho^k < s

    def needed(k: int) -> float:
        left = s - g0 * rho**k
        return math.inf if left <= 0 else (k + 1) * cost * (dg / left) ** 2

    # from the k at which hardly anything is left unfound, one more step only costs
    last = first + math.ceil(math.log(1e-9) / math.log(rho))
    best = min(range(first, last + 1), key=needed)
    if not math.isfinite(needed(best)):
        raise UsageError(f"no budget in floating-point numbers leaves as little as {suboptimality}: give a larger one")
    return Bound(
        value=needed(best),
        kind="heuristic",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        inputs={"suboptimality": suboptimality, "step_cost": step_cost, "dg": dg, "g0": g0, "rho": rho},
        details={"attack_steps": best},
    )


def _check(dg: float, g0: float, rho: float) -> None:
    positive("dg", dg)
    positive("g0", g0)
    probability("rho", rho)


def _most(g0: float, rho: float, dg: float, plain_steps: float) -> int:
    """Return a k from which on one more step costs more than all that is left unfound."""
    _check(dg, g0, rho)
    k = 0
    while g0 * rho**k > dg * (math.sqrt((k + 2) / plain_steps) - math.sqrt((k + 1) / plain_steps)):
        k += 1
    return k


def _suboptimality(k: int, plain_steps: float, dg: float, g0: float, rho: float) -> float:
    return dg * math.sqrt((k + 1) / plain_steps) + g0 * rho**k


results.register("T14", "compute_allocation")(
    Result(
        code="T14",
        title="How many attack steps a budget should buy",
        statement=(
            "Where k attack steps make a training step cost (k+1)c, a budget B leaves D G sqrt((k+1)c/B) to "
            "optimisation and g0 rho^k unfound; the best k grows like the logarithm of the budget."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for="A first number of attack steps before anything is measured; a policy corrects it while training.",
        vacuous_when="The budget does not pay one training step. It is a rule of thumb and never refuses a target.",
        functions=("plan_attack_steps", "budget_to_suboptimality"),
        worked=lambda: plan_attack_steps(10_000.0, 1.0),
        worked_text="Attack steps for a budget of 10,000 plain steps (D G = 1, g0 = rho = 0.5).",
    )
)
