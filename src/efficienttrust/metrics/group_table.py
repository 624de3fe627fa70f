"""The table of rates by group that a report shows: every sensitive attribute, and their intersections."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Array, Outcome


def group_table(outcome: Outcome, level: float = 0.95) -> list[dict[str, object]]:
    """Return one row per group of each attribute, then per intersection where there are several attributes.

    Returns:
        Rows with `attribute`, `group`, `n`, `positives`, and the rates `base_rate`, `selection_rate`, `tpr`, `fpr`,
        `accuracy` and one per robustness key, each as `{value, low, high, n}` with its Wilson interval; the value is
        NaN where a group has no such rows.
    """
    partitions = dict(outcome.attributes)
    if len(partitions) != 1:
        partitions[" & ".join(outcome.attributes) or "group"] = (outcome.groups, outcome.group_names)
    table = []
    for attribute, (codes, names) in partitions.items():
        rates = _rates(outcome, codes, names)
        cells = {name: _cells(rate, level) for name, rate in rates.items()}
        base = rates["base_rate"]
        positives = np.bincount(codes[(codes >= 0) & (outcome.y == 1)], minlength=len(names))
        for code, group in enumerate(names):
            row: dict[str, object] = {"attribute": attribute, "group": group, "n": int(base.n[code])}
            row["positives"] = int(positives[code])
            table.append(row | {name: cell[code] for name, cell in cells.items()})
    return table


def _rates(outcome: Outcome, codes: Array, names: tuple[str, ...]) -> dict[str, Rates]:
    y, predicted = np.asarray(outcome.y, dtype=bool), np.asarray(outcome.prediction, dtype=bool)
    everyone, weight = np.ones(len(y), dtype=bool), outcome.weight
    rates = {
        "base_rate": group_rates(codes, names, y, everyone, "rows", weight),
        "selection_rate": group_rates(codes, names, predicted, everyone, "rows", weight),
        "tpr": group_rates(codes, names, predicted, y, "positives", weight),
        "fpr": group_rates(codes, names, predicted, ~y, "negatives", weight),
        "accuracy": group_rates(codes, names, predicted == y, everyone, "rows", weight),
    }
    for key in outcome.robust:
        right, rows = outcome.attacked(key)
        attacked = None if weight is None else weight[rows]
        rates[key] = group_rates(codes[rows], names, right, np.ones(len(rows), dtype=bool), "attacked rows", attacked)
    return rates


def _cells(rates: Rates, level: float) -> list[dict[str, float]]:
    low, high = wilson(np.nan_to_num(rates.hits), rates.size, two_sided_z(level))
    return [
        {"value": float(value), "low": float(a), "high": float(b), "n": int(n)}
        for value, a, b, n in zip(rates.rate, low, high, rates.n, strict=True)
    ]
