"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, generator, percentile_estimate, repeats_for
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ranking import ranking
from efficienttrust.metrics.values import Estimate, Limit, Outcome

OBSTACLE = "needs rows of both labels and finite scores"


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    ranks = ranking(outcome.y, outcome.score, outcome.weight)
    if ranks is None:
        return Estimate.missing(len(outcome.y), OBSTACLE)
    return percentile_estimate(ranks.auc(), ranks.resample(ROW_REPEATS, generator()), level, len(outcome.y))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the bootstrap limit, never above what m perfectly ranked rows of the rarer label prove: alpha^(1/m)."""
    ranks = ranking(outcome.y, outcome.score, outcome.weight)
    if ranks is None:
        return Limit.missing(len(outcome.y), OBSTACLE)
    best = alpha ** (1 / ranks.smaller_class)
    draws = ranks.resample(repeats_for(alpha), generator())
    value = min(best, float(np.quantile(draws, alpha)))
    return Limit(value, best, len(outcome.y), f"bootstrap by label, {len(draws)} resamples")


metrics.register("auc")(
    Metric(
        name="auc",
        definition="Probability that a random positive row scores higher than a random negative one (area under ROC).",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
    )
)
