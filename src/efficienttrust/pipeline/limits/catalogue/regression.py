"""T3: squared error against a gap of mean predictions, by the estimated price of bringing the means together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, Verdict, assessors, smallest_cell
from efficienttrust.theory import Bound

GAP = "mean_outcome_gap"
ERROR = "root_mean_squared_error"


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield how a target stands to the best predictions that are estimated, under a gap of means.

    Moving the mean of group s by d_s costs w_s d_s^2 of squared error and nothing less does, so under a gap tau the
    price is min_u sum_s w_s dist(m_s, [u, u + tau])^2, m_s the means of the best predictions.
    """
    problem = question.problem
    if problem.task != "regression" or problem.kind != "table" or target.metric not in ("r2", ERROR, GAP):
        return
    found = question.knowledge.best_predictions
    spread = float(np.average((found.y - np.average(found.y, weights=found.weight)) ** 2, weights=found.weight))
    if spread == 0:
        return
    missed = float(np.average((found.y - found.predicted) ** 2, weights=found.weight))
    gaps = [target] if target.metric == GAP else [one for one in question.targets if one.metric == GAP]
    prices = [_price(question, gap) for gap in gaps]
    price = max(prices, default=0.0)
    under = f" under {gaps[int(np.argmax(prices))].text}" if gaps else ""
    best, free = 1 - (missed + price) / spread, 1 - missed / spread
    value = best
    verdict: Verdict = "comfortable"
    if target.metric == GAP:
        said = f"it is estimated to cost {price / spread:.4f} of R squared: {best:.4f} against {free:.4f} without it"
    elif target.metric == "r2":
        said = f"R squared {best:.4f} is estimated to be attainable{under}"
        said += f"; keeping the gap costs {price / spread:.4f} of it" if gaps else ""
        verdict = "comfortable" if target.bound <= best - found.half_width / spread else "tight"
    else:
        value = float(np.sqrt(missed + price))
        said = f"a root mean squared error of {value:,.4g} is estimated to be attainable{under}"
        said += f", and {np.sqrt(missed):,.4g} without" if gaps else ""
        verdict = "comfortable" if target.bound**2 >= missed + price + found.half_width else "tight"
    yield Finding(
        verdict,
        "T3",
        said,
        Bound(
            value,
            "estimate",
            ("the predictions are close to E[Y | row]; a better model may predict better",),
            "Chzhen and Schreuder 2022, for a gap of means alone",
            {"n": len(found.y), "price": price, "model": found.model},
        ),
        fewest=min((one for one in (smallest_cell(_codes(question, gap)) for gap in gaps) if one), default=None),
    )


def _codes(question: Question, gap: Target) -> NDArray[np.int64]:
    found = question.knowledge.best_predictions
    return codes_of(question.problem, found.part, str(dict(gap.arguments).get("by") or ""))[0]


def _price(question: Question, gap: Target) -> float:
    found = question.knowledge.best_predictions
    return price_of_means(found.predicted, _codes(question, gap), found.weight, gap.bound)


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
