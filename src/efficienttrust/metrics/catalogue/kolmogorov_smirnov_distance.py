"""Distance between the distributions of predictions of two groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from efficienttrust.metrics.chance import chance_note
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome

EXPECTED = float(np.sqrt(np.pi / 2) * np.log(2))
"""Mean of Kolmogorov's law: what equal distributions show, in units of sqrt(1/n + 1/m)."""
HOW = "Kolmogorov band"


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    """Return the largest distance of a pair; no distance is further from the truth than Kolmogorov's band allows."""
    sizes, obstacle = _sizes(outcome, arguments["by"])
    if obstacle:
        return Estimate.missing(sizes.total, obstacle)
    distance, unit = _distances(outcome, arguments["by"], sizes)
    joint = _band((1 - level) / len(distance))
    low, high = np.max(distance - joint * unit), np.max(distance + _band(1 - level) * unit)
    widest = int(distance.argmax())
    note = chance_note(float(distance[widest]), EXPECTED * float(unit[widest]))
    notes = "; ".join(filter(None, (sizes.small(), note)))
    how = f"{HOW} {percent(level)}"
    return Estimate(float(distance[widest]), max(0.0, low), min(1.0, high), sizes.total, how, notes)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    sizes, obstacle = _sizes(outcome, arguments["by"])
    if obstacle:
        return Limit.missing(sizes.total, obstacle)
    distance, unit = _distances(outcome, arguments["by"], sizes)
    reach = _band(alpha) * unit
    value, best = float(np.max(distance + reach)), float(np.max(reach))
    return Limit(min(1.0, value), min(1.0, best), sizes.total, HOW, sizes.small())


def _sizes(outcome: Outcome, by: str | None) -> tuple[Rates, str]:
    codes, names = outcome.partition(by)
    everyone = np.ones(len(outcome.y), dtype=bool)
    sizes = group_rates(codes, names, everyone, everyone, "rows", outcome.weight)
    finite = np.isfinite(outcome.prediction).all()
    return sizes, sizes.obstacle() or ("" if finite else "some predictions are not numbers")


def _distances(outcome: Outcome, by: str | None, sizes: Rates) -> tuple[Floats, Floats]:
    """Return the distance of each pair of groups and its unit sqrt(1/n + 1/m), with effective sizes."""
    codes, k = outcome.partition(by)[0], len(sizes.names)
    order = np.argsort(outcome.prediction, kind="stable")
    order = order[codes[order] >= 0]
    value, code = outcome.prediction[order], codes[order]
    w = np.ones(len(order)) if outcome.weight is None else np.asarray(outcome.weight, dtype=np.float64)[order]
    last = np.append(np.flatnonzero(value[1:] != value[:-1]), len(value) - 1)
    below = [np.cumsum(w * (code == group))[last] for group in range(k)]
    shares = [mass / mass[-1] for mass in below]
    pairs = list(combinations(range(k), 2))
    distance = np.array([np.abs(shares[g] - shares[h]).max() for g, h in pairs])
    return distance, np.array([np.sqrt(1 / sizes.size[g] + 1 / sizes.size[h]) for g, h in pairs])


def _band(alpha: float) -> float:
    from scipy import special

    return float(special.kolmogi(alpha))


metrics.register("kolmogorov_smirnov_distance")(
    Metric(
        name="kolmogorov_smirnov_distance",
        definition="Largest distance between the cumulative distributions of predictions of two groups.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
