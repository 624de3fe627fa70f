"""Metrics of many classes or labels, one against the rest: the worst class, and the table of all.

A metric of yes and no is asked about each class in turn, with the class as yes. What is reported is the worst class. It
is picked for looking bad, so the end of the interval on the better side holds for all classes at once (Bonferroni),
while the end on the worse side, and the limit of a certificate, need no correction (see `gaps`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.values import Estimate, Limit, Outcome

Compute = Callable[[Outcome, Arguments, float], Estimate]
Bound = Callable[[Outcome, Arguments, float], Limit]

ONE_VS_REST = frozenset({"binary", "multiclass", "multilabel"})
"""Tasks of metrics that are asked class by class."""


def class_views(outcome: Outcome) -> list[tuple[str, Outcome]]:
    """Return (class, binary outcome of that class against the rest) for every class or label."""
    views = []
    for code, name in enumerate(outcome.class_names):
        if outcome.task == "multilabel":
            y, prediction = outcome.y[:, code], outcome.prediction[:, code]
        else:
            y, prediction = (outcome.y == code).astype(np.int8), (outcome.prediction == code).astype(np.int8)
        score = outcome.score[:, code]
        view = dataclasses.replace(
            outcome,
            y=y,
            prediction=prediction,
            score=score,
            task="binary",
            classes=("other", name),
            robust={},
            robust_rows={},
            corrupted={},
            ood={},
        )
        views.append((name, view))
    return views


def worst_class(compute: Compute, better: str) -> Compute:
    """Return the same metric for any number of classes: that of the worst class, which the note names."""

    @wraps(compute)
    def of_worst(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
        if outcome.task == "binary":
            return compute(outcome, arguments, level)
        views = class_views(outcome)
        found = {name: compute(view, arguments, level) for name, view in views}
        n = max(estimate.n for estimate in found.values())
        if silent := _silent({name: (estimate.value, estimate.note) for name, estimate in found.items()}):
            return Estimate.missing(n, silent)
        sign = -1 if better == "higher" else 1
        name = max(found, key=lambda name: sign * found[name].value)
        joint = [compute(view, arguments, 1 - (1 - level) / len(views)) for _, view in views]
        if better == "higher":
            low, high = min(each.low for each in found.values()), min(each.high for each in joint)
        else:
            low, high = max(each.low for each in joint), max(each.high for each in found.values())
        worst = found[name]
        note = "; ".join(filter(None, (f"worst class: {name!r}", worst.note)))
        return Estimate(worst.value, low, high, n, f"{worst.how}, worst of {len(views)} classes", note)

    return of_worst


def worst_class_limit(limit: Bound, better: str) -> Bound:
    """Return the limit of the worst class: the worst of the classes' limits, valid as it stands."""

    @wraps(limit)
    def of_worst(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
        if outcome.task == "binary":
            return limit(outcome, arguments, alpha)
        found = {name: limit(view, arguments, alpha) for name, view in class_views(outcome)}
        n = max(each.n for each in found.values())
        if silent := _silent({name: (each.value, each.note) for name, each in found.items()}):
            return Limit.missing(n, silent)
        worst = min if better == "higher" else max
        value, best = (worst(getattr(each, end) for each in found.values()) for end in ("value", "best"))
        some = next(iter(found.values()))
        return Limit(value, best, n, f"{some.method}, worst of {len(found)} classes")

    return of_worst


def _silent(found: dict[str, tuple[float, str]]) -> str:
    """Return which classes cannot be estimated and why, or an empty text."""
    missing = [f"class {name!r}: {note}" for name, (value, note) in found.items() if np.isnan(value)]
    return "; ".join(missing[:3]) + ("; …" if len(missing) > 3 else "")
