"""T7: whether the rows of the certify split could prove a target of any model at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.certification import certify
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import robustness_key
from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Outcome, metrics
from efficienttrust.metrics.intervals import percent
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors, smallest_cell
from efficienttrust.theory import Bound

ALPHA = 0.05  # of all targets together
SELECTED = ("demographic_parity_difference", "demographic_parity_ratio")
"""Metrics that a model without an error does not make perfect: only one that selects all groups alike does."""


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield whether an ideal model would be certified, by the very limit that `fit` uses."""
    problem, part = question.problem, question.problem.splits["certify"]
    if problem.task != "binary" or metrics.get(target.metric).needs & {"corrupted", "ood", "score", "probability"}:
        return
    outcome = _ideal(question, target)
    certificate = certify(target, outcome, ALPHA / len(question.targets))
    if np.isnan(certificate.bound):
        said = f"the certify split allows no limit on it ({certificate.note})"
    elif not certificate.satisfied:
        said = (
            f"the certify split (n = {certificate.n:,}) is too small to prove it: a model without "
            f"{'a gap' if metrics.get(target.metric).better == 'lower' else 'an error'} would leave a "
            f"{percent(certificate.level)} limit of {certificate.bound:.4f}"
        )
    else:
        return
    yield Finding(
        "uncertifiable",
        "T7",
        said,
        Bound(
            certificate.bound,
            "exact",
            ("the rows of the certify split are independent draws", "the model was not fitted to them"),
            certificate.method,
            {"n": certificate.n, "alpha": ALPHA, "targets": len(question.targets)},
        ),
        fewest=smallest_cell(codes_of(problem, part, str(dict(target.arguments).get("by") or ""))[0], part.y),
    )


def _ideal(question: Question, target: Target) -> Outcome:
    """Return what a model would say on the certify split that has no error, or no gap at the rate of the labels."""
    part, problem = question.problem.splits["certify"], question.problem
    right = np.ones(len(part), dtype=bool)
    robust = {robustness_key(target): right} if target.metric in ROBUST_METRICS else {}
    decisions = _alike(part.y, part.groups) if target.metric in SELECTED else part.y
    return Outcome(
        y=part.y,
        prediction=decisions.astype(part.y.dtype),
        score=decisions.astype(np.float64),
        groups=part.groups,
        group_names=problem.group_names,
        attributes={name: (codes, problem.attribute_names[name]) for name, codes in part.codes.items()},
        robust=robust,
        robust_rows={key: np.arange(len(part)) for key in robust},
        weight=part.weight,
    )


def _alike(y: NDArray[np.int8], groups: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return decisions that select the same share of every group, up to rounding."""
    decisions = np.zeros_like(y)
    for code in np.unique(groups):
        rows = np.flatnonzero(groups == code)
        decisions[rows[: round(float(y.mean()) * len(rows))]] = 1
    return decisions


assessors.register("certificates")(Assessor(assess, cheap=True))
