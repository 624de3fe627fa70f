"""T1: accuracy against a gap, by the estimated frontier of the best rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.pipeline.limits._finding import (
    Assessor,
    Finding,
    Question,
    Verdict,
    assessors,
    smallest_cell,
    unknown,
)
from efficienttrust.pipeline.limits._knowledge import CONSTRAINTS
from efficienttrust.theory import Bound

FREE = parse_target("demographic_parity_difference <= 1")
"""A gap that is no limit."""


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield how a target of accuracy, or of a gap, stands to the frontier under all gaps that are asked for."""
    if question.problem.task != "binary" or question.problem.kind != "table":
        return
    try:
        for finding in _assess(question, target):
            yield replace(finding, fewest=_fewest(question, target))
    except UsageError as error:  # too few rows of a class or of a group
        yield unknown("T1", error)


def _fewest(question: Question, target: Target) -> int | None:
    """Return how many rows that were scored the smallest group has of a label, where groups are compared at all."""
    gaps = [target] if target.metric in CONSTRAINTS else [one for one in question.targets if one.metric in CONSTRAINTS]
    parts = [part for name, part in question.problem.splits.items() if name != "test"]
    labels = np.concatenate([part.y for part in parts])
    found = []
    for gap in gaps:
        by = str(dict(gap.arguments).get("by") or "")
        found.append(smallest_cell(np.concatenate([codes_of(question.problem, part, by)[0] for part in parts]), labels))
    return min((one for one in found if one is not None), default=None)


def _assess(question: Question, target: Target) -> Iterator[Finding]:
    gaps = [one for one in question.targets if one.metric in CONSTRAINTS]
    if target.metric == "accuracy":
        yield _accuracy(question, target, gaps)
    elif target.metric in CONSTRAINTS:
        yield _gap(question, target)


def _accuracy(question: Question, target: Target, gaps: Sequence[Target]) -> Finding:
    """Compare with the lowest of the frontiers, each under one of the gaps."""
    if gaps:
        binding = min(gaps, key=lambda gap: float(_at(question, gap, gap.bound)))
        bound, under = _at(question, binding, binding.bound), f"under {binding.text} "
    else:
        bound, under = _at(question, FREE, 1.0), ""
    value, low, high = float(bound), bound.details["low"], bound.details["high"]
    verdict: Verdict = "comfortable" if target.bound <= low else "tight"
    said = (
        f"{value:.4f} ({low:.4f} to {high:.4f}) is estimated to be attainable {under}"
        f"by rules that read the scores of {bound.details['model']}"
    )
    if target.bound > high:
        said += "; more is asked, so only a better model than that could reach it"
    return Finding(verdict, "T1", said, bound)


def _gap(question: Question, target: Target) -> Finding:
    bound, free = _at(question, target, target.bound), _at(question, target, 1.0)
    cost = float(free) - float(bound)
    said = (
        f"it is estimated to cost {100 * cost:.2f} points of accuracy: {float(bound):.4f} "
        f"({bound.details['low']:.4f} to {bound.details['high']:.4f}) against {float(free):.4f} without it"
    )
    return Finding("comfortable", "T1", said, bound)


def _at(question: Question, gap: Target, delta: float) -> Bound:
    """Return the frontier under one gap as a single bound."""
    where = (gap.metric, str(dict(gap.arguments).get("by") or ""))
    asked = {one.bound for one in question.targets if (one.metric, str(dict(one.arguments).get("by") or "")) == where}
    found = question.knowledge.frontier(*where, tuple(sorted({min(bound, 1.0) for bound in asked} | {1.0})))
    place = int(np.searchsorted(found.delta, delta))
    value, low, high = (float(one[place]) for one in (found.accuracy.value, found.low, found.high))
    about = found.accuracy
    return Bound(
        value, about.kind, about.assumptions, about.source, {**about.inputs, "delta": delta},
        details={"low": low, "high": high, "model": about.details["model"]},
    )  # fmt: skip


assessors.register("fair_bayes")(Assessor(assess, cheap=False))
