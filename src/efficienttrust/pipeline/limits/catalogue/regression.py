"""T3: R squared against a gap of mean predictions, by the estimated price of bringing the means together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors
from efficienttrust.theory import Bound

GAP = "mean_outcome_gap"


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield how a target of R squared stands to the best predictions that are estimated, under a gap of means.

    Moving the mean of group s by d_s costs w_s d_s^2 of squared error and nothing less does, so under a gap tau the
    price is min_u sum_s w_s dist(m_s, [u, u + tau])^2, m_s the means of the best predictions.
    """
    problem = question.problem
    if problem.task != "regression" or problem.kind != "table" or target.metric != "r2":
        return
    found = question.knowledge.best_predictions
    spread = float(np.average((found.y - np.average(found.y, weights=found.weight)) ** 2, weights=found.weight))
    if spread == 0:
        return
    missed = float(np.average((found.y - found.predicted) ** 2, weights=found.weight))
    price, under = 0.0, ""
    for gap in question.targets:
        if gap.metric != GAP:
            continue
        codes, _ = codes_of(problem, found.part, str(dict(gap.arguments).get("by") or ""))
        here = price_of_means(found.predicted, codes, found.weight, gap.bound)
        if here >= price:
            price, under = here, f" under {gap.text}"
    best = 1 - (missed + price) / spread
    yield Finding(
        "comfortable" if target.bound <= best - found.half_width / spread else "tight",
        "T3",
        f"R squared {best:.4f} is estimated to be attainable{under}; keeping the gap costs {price / spread:.4f} of it"
        if under
        else f"R squared {best:.4f} is estimated to be attainable",
        Bound(
            best,
            "estimate",
            ("the predictions are close to E[Y | row]; a better model may predict better",),
            "Chzhen and Schreuder 2022, for a gap of means alone",
            {"n": len(found.y), "price": price, "model": found.model},
        ),
    )


def price_of_means(
    predicted: NDArray[np.float64], codes: NDArray[np.int64], weight: NDArray[np.float64], gap: float
) -> float:
    """Return the least mean squared change of predictions [n] after which group means differ by at most `gap`."""
    from scipy.optimize import minimize_scalar

    present = np.unique(codes[codes >= 0])
    if len(present) < 2:
        return 0.0
    means = np.array([np.average(predicted[codes == code], weights=weight[codes == code]) for code in present])
    shares = np.array([weight[codes == code].sum() for code in present]) / weight.sum()
    if np.ptp(means) <= gap:
        return 0.0

    def price(start: float) -> float:
        return float(shares @ (means - np.clip(means, start, start + gap)) ** 2)

    bounds = (means.min(), means.max() - gap)
    return float(minimize_scalar(price, bounds=bounds, method="bounded", options={"xatol": 1e-12}).fun)


assessors.register("regression")(Assessor(assess, cheap=False))
