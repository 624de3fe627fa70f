"""T5: robust accuracy that a linear model is known to reach, without any attack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors, unknown
from efficienttrust.theory import AttackNorm, Bound, linear_robust_error


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield whether the best of a few linear models already reaches a robust accuracy, and whether accuracy forbids it.

    The models are fitted on train and their robust accuracy is exact on calibrate; robust accuracy never exceeds
    accuracy, so what is estimated to be attainable without an attack is an estimate of the most under one.
    """
    problem = question.problem
    if target.metric != "robust_accuracy" or problem.task != "binary" or problem.kind != "table":
        return
    arguments, part = dict(target.arguments), problem.splits["calibrate"]
    if part.weight is not None:  # the exact error counts rows
        return
    eps, norm = float(str(arguments["eps"])), cast(AttackNorm, str(arguments["norm"]))
    try:
        free = question.knowledge.frontier("demographic_parity_difference", "", (1.0,))
    except UsageError as error:
        yield unknown("T5", error)
        return
    errors = [
        linear_robust_error(w, b, part.x, part.y, eps, norm, problem.domain)
        for w, b in question.knowledge.linear_models
    ]
    if errors:
        best = min(errors, key=float)
        low, _ = wilson((1 - float(best)) * len(part), len(part), two_sided_z(0.95))
        if target.bound <= float(low):
            said = (
                f"a linear model reaches {1 - float(best):.4f} on calibrate (at least {float(low):.4f} with 95 % "
                "confidence), whatever the attack"
            )
            yield Finding("comfortable", "T5", said, best)
            return
    value, high = float(free.accuracy.value[-1]), float(free.high[-1])
    if target.bound > high:
        said = (
            f"accuracy without an attack is estimated to end at {value:.4f} (up to {high:.4f}), and an attack adds none"
        )
    else:
        said = (
            f"between what a linear model reaches ({1 - min(map(float, errors), default=np.nan):.4f}) and the "
            f"accuracy that is estimated without an attack ({value:.4f}) nothing is known"
        )
    yield Finding(
        "tight", "T5", said,
        Bound(value, "estimate", free.accuracy.assumptions, free.accuracy.source, {"eps": eps, "norm": norm}),
    )  # fmt: skip


assessors.register("linear_reach")(Assessor(assess, cheap=False))
