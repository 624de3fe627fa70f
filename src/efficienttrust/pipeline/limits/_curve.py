"""The limit that reports draw: the highest accuracy that is estimated to be attainable under each gap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import LEAST, is_clinical, smallest_cell
from efficienttrust.pipeline.limits._knowledge import CONSTRAINTS
from efficienttrust.theory import Attribute, EstimatedFrontier, estimated_frontier, held_out_scores

DELTAS = (*(round(0.005 * step, 3) for step in range(41)), 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
"""Gaps at which a frontier is estimated."""
COARSE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
"""Those of many groups, whose frontier takes a linear program at each."""
MANY_GROUPS = 4
WIDEST = 0.1  # between the ends of a band that is drawn
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
    by = str(dict(gap.arguments).get("by") or "")
    train = problem.splits["train"]
    codes, _ = codes_of(problem, train, by)
    fewest = smallest_cell(codes, train.y)
    if is_clinical(problem) and fewest is not None and fewest < LEAST:
        return {"why_not": "it would tell of fewer than ten people"}
    constraint, gaps = CONSTRAINTS[gap.metric]
    attribute: Attribute = "aware" if aware else "blind"
    try:
        scores = held_out_scores(
            problem, by=by, attribute=attribute, splits=("train",), folds=FOLDS,
            seed=seed,
        )  # fmt: skip
        found = estimated_frontier(
            scores,
            constraint=constraint,
            deltas=COARSE if len(np.unique(codes)) > MANY_GROUPS else DELTAS,
            attribute=attribute,
            gaps=gaps,
            folds=FOLDS,
            seed=seed,
        )
    except UsageError as error:  # too few rows of a class or of a group
        return {"why_not": str(error)}
    first = int(np.flatnonzero(found.high - found.low > WIDEST).max(initial=-1)) + 1
    if first > len(found.delta) - 2:
        return {"why_not": f"so few rows leave it open: its band is wider than {100 * WIDEST:g} points at every gap"}
    said = how(found, len(problem.splits["train"]))
    if first:
        said += (
            f" Below a gap of {found.delta[first]:g} its band is wider than {100 * WIDEST:g} points: the limit at that "
            "gap stands there, which is no lower."
        )
    # The frontier rises with the gap and its estimate nearly does; sorted it is no farther from the truth
    # (Chernozhukov, Fernandez-Val and Galichon 2009), and neither are the ends of its band.
    utility, low, high = (np.sort(ends[first:]).tolist() for ends in (found.accuracy.value, found.low, found.high))
    return {
        "metric": gap.key,
        "utility_metric": "accuracy",
        "gap": found.delta[first:].tolist(),
        "utility": utility,
        "low": low,
        "high": high,
        "kind": found.accuracy.kind,
        "how": said,
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
    return " ".join([said, *(f"{one[:1].upper()}{one[1:]}." for one in found.warnings)])
