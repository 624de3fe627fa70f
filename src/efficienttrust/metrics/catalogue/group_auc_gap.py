"""Gap of the area under the ROC curve between groups."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, generator, repeats_for
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.ranges import range_estimate
from efficienttrust.metrics.ranking import Ranking, ranking
from efficienttrust.metrics.rates import odds_rates
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    rankings, obstacle, note, n = _rankings(outcome, arguments["by"])
    if obstacle:
        return Estimate.missing(n, obstacle)
    areas, draws = _areas(rankings, ROW_REPEATS)
    value, low, high = range_estimate(areas, draws.std(axis=0), draws - draws.mean(axis=0), level)
    how = f"bootstrap by group and label {percent(level)}, {len(draws)} resamples"
    return Estimate(value, low, min(1.0, high), n, how, note)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    rankings, obstacle, note, n = _rankings(outcome, arguments["by"])
    if obstacle:
        return Limit.missing(n, obstacle)
    areas, draws = _areas(rankings, repeats_for(alpha))
    noise = draws - draws.mean(axis=0)
    pairs = list(permutations(range(len(areas)), 2))
    reach = [float(np.quantile(noise[:, g] - noise[:, h], 1 - alpha)) for g, h in pairs]
    value = max(areas[g] - areas[h] + r for (g, h), r in zip(pairs, reach, strict=True))
    method = f"bootstrap by group and label, {len(draws)} resamples, widest pair"
    return Limit(min(1.0, float(value)), min(1.0, max(reach)), n, method, note)


def _rankings(outcome: Outcome, by: str | None) -> tuple[list[Ranking], str, str, int]:
    """Return (sorted scores of each group, why there are none, note on small groups, rows)."""
    positives, negatives = odds_rates(outcome, by)
    n = positives.total + negatives.total
    obstacle = "; ".join(filter(None, (positives.obstacle(), negatives.obstacle())))
    if not obstacle and not np.isfinite(outcome.score).all():
        obstacle = "some scores are not numbers"
    note = "; ".join(filter(None, (positives.small(), negatives.small())))
    if obstacle:
        return [], obstacle, note, n
    codes, names = outcome.partition(by)
    rankings = []
    for code in range(len(names)):
        rows = codes == code
        weight = None if outcome.weight is None else outcome.weight[rows]
        rankings.append(ranking(outcome.y[rows], outcome.score[rows], weight))
    return [ranks for ranks in rankings if ranks is not None], "", note, n


def _areas(rankings: list[Ranking], repeats: int) -> tuple[Floats, Floats]:
    """Return the areas [K] and their resamples [resamples, K]."""
    rng = generator()
    draws = np.stack([ranks.resample(repeats, rng) for ranks in rankings], axis=1)
    return np.array([ranks.auc() for ranks in rankings]), draws


metrics.register("group_auc_gap")(
    Metric(
        name="group_auc_gap",
        definition="Largest minus smallest area under the ROC curve among the groups, each group ranked by itself.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=_compute,
        limit=_limit,
    )
)
