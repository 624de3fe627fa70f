"""The limit that reports draw: the highest accuracy that is estimated to be attainable under each gap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._knowledge import CONSTRAINTS, DELTAS
from efficienttrust.theory import Attribute, EstimatedFrontier, estimated_frontier, held_out_scores

FOLDS = 2  # of the rows of the train split: a report shall not wait for a sharper estimate, which `limits` gives


def limit_document(problem: Problem, targets: Sequence[Target], *, aware: bool, seed: int) -> dict[str, Any]:
    """Return the limit under the first gap among the targets, as plain values; `why_not` where there is none.

    Args:
        problem: The problem.
        targets: Targets, or the axes of a curve.
        aware: Whether the true group is used at prediction.
        seed: Seed of folds and bootstrap.
    """
    gap = next((one for one in targets if one.metric in CONSTRAINTS), None)
    if gap is None:
        return {"why_not": "no target limits a gap between groups"}
    if problem.task != "binary" or problem.kind != "table":
        return {"why_not": "it is estimated for tables with two classes"}
    constraint, gaps = CONSTRAINTS[gap.metric]
    attribute: Attribute = "aware" if aware else "blind"
    try:
        scores = held_out_scores(
            problem, by=str(dict(gap.arguments).get("by") or ""), attribute=attribute, splits=("train",), folds=FOLDS,
            seed=seed,
        )  # fmt: skip
        found = estimated_frontier(
            scores, constraint=constraint, deltas=DELTAS, attribute=attribute, gaps=gaps, folds=FOLDS, seed=seed
        )
    except UsageError as error:  # too few rows of a class or of a group
        return {"why_not": str(error)}
    return {
        "metric": gap.key,
        "utility_metric": "accuracy",
        "gap": found.delta.tolist(),
        "utility": found.accuracy.value.tolist(),
        "low": found.low.tolist(),
        "high": found.high.tolist(),
        "kind": found.accuracy.kind,
        "how": how(found, len(problem.splits["train"])),
    }


def raised(limit: dict[str, Any], models: Iterable[tuple[str, float, float]]) -> dict[str, Any]:
    """Return the limit raised to the models that lie above its band: what was measured can be attained.

    Args:
        limit: From `limit_document`.
        models: Name, gap and utility of each, on test; NaN where it could not be estimated.
    """
    if "why_not" in limit:
        return limit
    found = {**limit, **{name: list(limit[name]) for name in ("utility", "low", "high")}}
    above = []
    for name, gap, utility in models:
        if not (math.isfinite(gap) and math.isfinite(utility)):
            continue
        if utility <= float(np.interp(gap, limit["gap"], limit["high"])):
            continue
        above.append(name)
        for place, allowed in enumerate(limit["gap"]):
            if allowed >= gap:
                for end in ("utility", "high"):
                    found[end][place] = max(found[end][place], utility)
    if above:
        found["how"] += f" {', '.join(above)} came out above the first estimate, which was raised to what was measured."
    return found


def how(found: EstimatedFrontier, n: int) -> str:
    """Return in words how a frontier was estimated, and what it is no limit of."""
    reads = "may read" if found.plug_in.attribute == "aware" else "do not read"
    said = (
        f"Estimated (T1) from {found.accuracy.details['model']} on {n:,} training rows, each scored by a model of the "
        f"other folds and calibrated; rules {reads} the group; {found.band} {found.level:.0%} band. A better model may "
        "lie above it."
    )
    return " ".join([said, *found.warnings])
