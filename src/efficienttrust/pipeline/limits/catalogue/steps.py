"""T14: how many steps a budget buys, against how many a target is known to take."""

from __future__ import annotations

import math
from collections.abc import Iterator

from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import metrics
from efficienttrust.models import build_mlp
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors
from efficienttrust.resources import Ledger, TimeLimit
from efficienttrust.theory import Bound
from efficienttrust.training._batches import batch_size_for
from efficienttrust.training._widths import MENU, NARROW_ENOUGH, affordable_steps

ATTACKED_STEPS = 150  # with fewer the planner falls back, see `atats._planner`
PASSES = 2  # over the training rows, with fewer a network has hardly begun to learn


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield where a budget buys fewer steps than it takes to learn at all; gaps alone take none."""
    time = question.budget.time
    robust = target.metric in ROBUST_METRICS
    if time is None or metrics.get(target.metric).better == "lower":
        return
    n = len(question.problem.splits["train"])
    size = min(batch_size_for(n), n)
    steps = _bought(question, robust=robust)
    wanted = max(PASSES * n / size, ATTACKED_STEPS if robust else 0)
    if math.isfinite(steps) and steps < wanted:
        what = "attacked steps" if robust else "steps"
        yield Finding(
            "tight",
            "T14",
            (
                f"a budget of {_told(time)} buys about {steps:,.0f} {what} of {size} rows, and about {wanted:,.0f} "
                "are wanted"
            ),
            Bound(
                steps,
                "heuristic",
                (f"{PASSES} passes over the training rows are wanted, and {ATTACKED_STEPS} steps of what is attacked",),
                "arithmetic of the budget; T14",
                {"budget": str(time), "rows": n, "batch": size, "wanted": wanted},
            ),
        )


def _bought(question: Question, *, robust: bool) -> float:
    """Return how many steps of a small network a budget buys; infinitely many where that cannot be known beforehand."""
    n = len(question.problem.splits["train"])
    limit = question.budget.in_samples(n)
    assert limit.time is not None
    size = min(batch_size_for(n), n)
    if limit.time.clock in ("steps", "samples"):
        return limit.time.amount / (1 if limit.time.clock == "steps" else size)
    if question.problem.kind == "image":
        return math.inf
    n_features = question.problem.splits["train"].x.shape[1]
    network = build_mlp(n_features=n_features, widths=MENU[NARROW_ENOUGH], seed=0)
    return affordable_steps(n, Ledger(limit), robust=robust)(network)


def _told(time: TimeLimit) -> str:
    """Return a limit in words: large counts with separators."""
    return str(time) if time.clock in ("wall", "cpu") else f"{time.amount:,.10g} {time.clock}"


assessors.register("steps")(Assessor(assess, cheap=True))
