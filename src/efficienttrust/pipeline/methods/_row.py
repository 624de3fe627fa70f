"""One row of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from efficienttrust.evaluation.rule_data import utility_of
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult


def row_of(result: MethodResult, targets: Sequence[Target | str]) -> dict[str, Any]:
    """Return what a method came to, as plain values; a value that cannot be estimated is NaN, and no hit.

    Args:
        result: The result.
        targets: The targets that the method was given.

    Returns:
        `method`, `seed`, `problem`, `budget` (as text), `clock`, `spent` and `overspent` on it, `stage`;
        `metrics` of the method's model on test, of which a stage before calibration knows accuracy and the targets;
        `verdicts` by target (`met` or `missed` by the point value before calibration); `hit`: all targets are met by
        their point values; `violation`: the sum of what they are missed by; `utility`: accuracy, or R squared. And
        `before`: `hit`, `violation` and `utility` of the model before calibration; None where there is no such stage.
    """
    run = result.run
    parsed = [parse_target(target) if isinstance(target, str) else target for target in targets]
    utility = utility_of(run.document["problem"]["task"])
    deployed = {key: float(one["value"]) for key, one in run.metrics.items()}
    stages = {stage["name"]: stage["metrics"] for stage in run.document["stages"]}
    earlier = {key: float(one["value"]) for key, one in stages.get(BEFORE, {}).items()}
    own = earlier if result.stage == BEFORE and earlier else deployed
    statuses = {verdict.target: verdict.status for verdict in run.verdicts}
    if own is earlier:
        statuses = {one.text: "met" if one.gap(own[one.key]) <= 0 else "missed" for one in parsed}
    limit = result.budget.time
    return {
        "method": result.method,
        "seed": result.seed,
        "problem": run.document["problem"]["name"],
        "budget": str(result.budget),
        "clock": result.clock,
        "spent": result.spent,
        "overspent": 0.0 if limit is None else max(0.0, result.spent - limit_of(result)),
        "stage": result.stage if own is earlier else "deployed",
        "metrics": own,
        "verdicts": statuses,
        **_judged(own, parsed, utility),
        "before": _judged(earlier, parsed, utility) if earlier else None,
    }


def limit_of(result: MethodResult) -> float:
    """Return the time limit that was asked for, on the declared clock; infinite where there is none."""
    limit = result.budget.time
    if limit is None:
        return math.inf
    if limit.clock != "epochs":
        return float(limit.amount)
    asked = result.run.ledger["time"]["asked"]
    return math.inf if asked is None else float(asked)


def _judged(values: Mapping[str, float], targets: Sequence[Target], utility: str) -> dict[str, Any]:
    gaps = [target.gap(values[target.key]) for target in targets]
    return {
        "hit": all(gap <= 0 for gap in gaps),  # NaN is not
        "violation": sum(max(gap, 0.0) if not math.isnan(gap) else math.nan for gap in gaps),
        "utility": values[utility],
    }
