"""The table of rates by class, and of the gaps between groups in each: what a metric's worst class is picked from."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.classes import class_views
from efficienttrust.metrics.group_table import cells_of
from efficienttrust.metrics.metric import measure
from efficienttrust.metrics.rates import group_rates
from efficienttrust.metrics.values import Array, Outcome

GAPS = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_difference_max",
    "predictive_parity_difference",
)
AREAS = ("auc", "average_precision")


def class_table(outcome: Outcome, by: str | None = None, level: float = 0.95) -> list[dict[str, object]]:
    """Return one row per class or label, each taken against the rest.

    Args:
        outcome: A binary, multiclass or multilabel outcome; a binary one has one row, of the class 1.
        by: Name of the sensitive attribute whose groups are compared; None takes the intersection of all.
        level: Level of the intervals.

    Returns:
        Rows with `class`, `n` (rows of that class), the rates `base_rate`, `selection_rate`, `tpr`, `fpr`, `precision`,
        the areas `auc` and `average_precision`, and, with groups, the gaps between them, each as
        `{value, low, high, n, note}`; what cannot be estimated is NaN, and its note says why.
    """
    views = [(outcome.class_names[1], outcome)] if outcome.task == "binary" else class_views(outcome)
    _, groups = outcome.partition(by)
    table = []
    for name, view in views:
        row: dict[str, object] = {"class": name, "n": int(np.count_nonzero(view.y))}
        row |= _rates(view, level)
        names = [*AREAS, *(GAPS if len(groups) > 1 else ())]
        for metric in names:
            found = measure(metric, view, {"by": by} if metric in GAPS else {}, level)
            row[metric] = {key: getattr(found, key) for key in ("value", "low", "high", "n", "note")}
        table.append(row)
    return table


def _rates(view: Outcome, level: float) -> dict[str, object]:
    y, decided = np.asarray(view.y, dtype=bool), np.asarray(view.prediction, dtype=bool)
    everyone = np.ones(len(y), dtype=bool)
    asked: dict[str, tuple[Array, Array, str]] = {
        "base_rate": (y, everyone, "rows"),
        "selection_rate": (decided, everyone, "rows"),
        "tpr": (decided, y, "positives"),
        "fpr": (decided, ~y, "negatives"),
        "precision": (y, decided, "positive decisions"),
    }
    one = np.zeros(len(y), dtype=np.int64)
    found: dict[str, object] = {}
    for name, (event, given, unit) in asked.items():
        rates = group_rates(one, ("all rows",), event, given, unit, view.weight)
        found[name] = cells_of(rates, level)[0] | {"note": rates.obstacle(groups=1)}
    return found
