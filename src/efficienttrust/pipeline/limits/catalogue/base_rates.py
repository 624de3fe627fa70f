"""T2: accuracy and demographic parity that exclude each other, as base rates differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors, smallest_cell
from efficienttrust.theory import Bound, base_rate_bound

BOUNDED = ("accuracy", "worst_group_accuracy")


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield where base rates on the test split force more error than an accuracy target leaves.

    Only an identity on those very rows: it holds of what will be measured, whatever is trained.
    """
    if question.problem.task != "binary" or target.metric not in BOUNDED:
        return
    for parity in question.targets:
        same_groups = target.metric == "accuracy" or dict(target.arguments) == dict(parity.arguments)
        if parity.metric != "demographic_parity_difference" or not same_groups:
            continue
        bound = _bound(question, target, parity)
        if bound is not None and target.bound > float(bound):
            gap = float(np.ptp(bound.inputs["base_rates"]))
            yield Finding(
                "impossible",
                "T2",
                f"it and {parity.text} exclude each other here: base rates differ by {gap:.3f}, so no model exceeds "
                f"{target.metric} {float(bound):.4f}",
                bound,
                refuses=True,
                fewest=_fewest(question, parity),
            )


def _bound(question: Question, target: Target, parity: Target) -> Bound | None:
    """Return the highest value of the target's metric on test under the parity target; None where it says nothing."""
    test = question.problem.splits["test"]
    codes, n_groups = codes_of(question.problem, test, str(dict(parity.arguments).get("by") or ""))
    weight = np.ones(len(codes)) if test.weight is None else test.weight.astype(np.float64)
    sizes = np.array([weight[codes == code].sum() for code in range(n_groups)])
    present = np.flatnonzero(sizes)
    if len(present) < 2:
        return None
    rates = [np.average(test.y[codes == code], weights=weight[codes == code]) for code in present]
    bound = base_rate_bound(rates, sizes[present], parity.bound)
    if bound.vacuous:
        return None
    if target.metric == "worst_group_accuracy":
        return replace(bound, value=bound.details["worst_group_accuracy"])
    known = sizes.sum() / weight.sum()  # rows of unknown group may all be right
    return replace(bound, value=1 - known * (1 - float(bound)))


def _fewest(question: Question, parity: Target) -> int | None:
    """Return how many test rows the smallest group has of a label."""
    test = question.problem.splits["test"]
    codes, _ = codes_of(question.problem, test, str(dict(parity.arguments).get("by") or ""))
    return smallest_cell(codes, test.y)


assessors.register("base_rates")(Assessor(assess, cheap=True))
