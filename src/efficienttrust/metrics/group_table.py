"""The table of rates by group that a report shows: every sensitive attribute, and their intersections."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.metrics.means import group_means
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.row_losses import absolute_errors
from efficienttrust.metrics.values import Array, Outcome


def group_table(outcome: Outcome, level: float = 0.95) -> list[dict[str, object]]:
    """Return one row per group of each attribute, then per intersection where there are several attributes.

    Returns:
        Rows with `attribute`, `group`, `n`, and cells `{value, low, high, n}`; the value is NaN where a group has no
        such rows. Binary: `positives`, and the rates `base_rate`, `selection_rate`, `tpr`, `fpr`, `accuracy`.
        Multiclass and multilabel: `accuracy`. Both with one rate per robustness key, all with Wilson's interval.
        Regression: `mean_label`, `mean_prediction` with Student's, `mean_absolute_error` and `rmse`; no interval of one
        row.
    """
    partitions = dict(outcome.attributes)
    if len(partitions) != 1:
        partitions[" & ".join(outcome.attributes) or "group"] = (outcome.groups, outcome.group_names)
    table = []
    for attribute, (codes, names) in partitions.items():
        cells = _means(outcome, codes, names, level) if outcome.task == "regression" else {}
        rates = {} if outcome.task == "regression" else _rates(outcome, codes, names)
        cells |= {name: cells_of(rate, level) for name, rate in rates.items()}
        counted = (codes >= 0) if outcome.weight is None else (codes >= 0) & (outcome.weight > 0)
        sizes = np.bincount(codes[counted], minlength=len(names))
        for code, group in enumerate(names):
            row: dict[str, object] = {"attribute": attribute, "group": group, "n": int(sizes[code])}
            if outcome.task == "binary":
                row["positives"] = int(np.count_nonzero(counted & (codes == code) & (outcome.y == 1)))
            table.append(row | {name: cell[code] for name, cell in cells.items()})
    return table


def _rates(outcome: Outcome, codes: Array, names: tuple[str, ...]) -> dict[str, Rates]:
    everyone, weight = np.ones(len(outcome.y), dtype=bool), outcome.weight
    rates = {}
    if outcome.task == "binary":
        y, predicted = np.asarray(outcome.y, dtype=bool), np.asarray(outcome.prediction, dtype=bool)
        rates = {
            "base_rate": group_rates(codes, names, y, everyone, "rows", weight),
            "selection_rate": group_rates(codes, names, predicted, everyone, "rows", weight),
            "tpr": group_rates(codes, names, predicted, y, "positives", weight),
            "fpr": group_rates(codes, names, predicted, ~y, "negatives", weight),
        }
    rates["accuracy"] = group_rates(codes, names, outcome.right, everyone, "rows", weight)
    for key in outcome.robust:
        right, rows = outcome.attacked(key)
        attacked = None if weight is None else weight[rows]
        rates[key] = group_rates(codes[rows], names, right, np.ones(len(rows), dtype=bool), "attacked rows", attacked)
    return rates


def _means(outcome: Outcome, codes: Array, names: tuple[str, ...], level: float) -> dict[str, list[dict[str, float]]]:
    missed = absolute_errors(outcome)
    asked = {
        "mean_label": outcome.y,
        "mean_prediction": outcome.prediction,
        "mean_absolute_error": missed,
        "rmse": missed**2,
    }
    found = {}
    for name, values in asked.items():
        means = group_means(codes, len(names), values, outcome.weight)
        ends = means.log_ends(level) if name in ("mean_absolute_error", "rmse") else means.ends(level)
        bounds = [np.where(means.n > 1, end, np.nan) for end in ends]  # one row says nothing of its spread
        columns = [np.sqrt(each) if name == "rmse" else each for each in (means.value, *bounds)]
        found[name] = [
            {"value": float(value), "low": float(low), "high": float(high), "n": int(n)}
            for value, low, high, n in zip(*columns, means.n, strict=True)
        ]
    return found


def cells_of(rates: Rates, level: float) -> list[dict[str, float]]:
    """Return `{value, low, high, n}` of every rate, with its Wilson interval."""
    low, high = wilson(np.nan_to_num(rates.hits), rates.size, two_sided_z(level))
    return [
        {"value": float(value), "low": float(a), "high": float(b), "n": int(n)}
        for value, a, b, n in zip(rates.rate, low, high, rates.n, strict=True)
    ]
