"""Utility, fairness and calibration on the rows as they are; the groups; what the model said, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from efficienttrust.evaluation.proof import RESERVED
from efficienttrust.evaluation.subjects import Answer, Rows
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import REQUIRED, Measurement, Metric, Outcome, group_table, measure, metrics
from efficienttrust.metrics.metric import measurement_of
from efficienttrust.metrics.values import Estimate

if TYPE_CHECKING:
    import pandas as pd


def clean_section(
    outcome: Outcome, targets: Sequence[Target], *, by_class: bool
) -> tuple[dict[str, Measurement], list[dict[str, object]]]:
    """Measure every metric that these answers allow and every target; return (metric key -> measurement, groups).

    Args:
        outcome: What the model said.
        targets: Targets, whose metrics may have arguments.
        by_class: Whether the groups are the classes: then only the worst group is measured, as parity between classes
            would ask that the model ignores them.
    """
    found: dict[str, Measurement] = {}

    def add(name: str, arguments: Mapping[str, object]) -> None:
        measured = _measured(name, outcome, arguments)
        found[measured.name] = measured

    for name in metrics.names():
        metric = metrics.get(name)
        if REQUIRED in metric.parameters.values() or metric.lacks(outcome) or not _sensible(metric, outcome, by_class):
            continue
        add(name, {})
        if "by" in metric.parameters and len(outcome.attributes) > 1:
            for attribute in outcome.attributes:
                add(name, {"by": attribute})
    for target in targets:
        add(target.metric, dict(target.arguments))
    return found, list(group_table(outcome))


def predictions_table(rows: Rows, answer: Answer, outcome: Outcome) -> pd.DataFrame:
    """Return what the model said, one row per row, so that anybody can recompute every figure."""
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {"row": rows.row, "label": rows.y}
    for name, (codes, names) in rows.attributes.items():
        free = f"group {name}" if name in RESERVED else name
        columns[free] = [None if code < 0 else names[code] for code in codes]
    if rows.weight is not None:
        columns["weight"] = rows.weight
    if rows.task == "regression":
        columns["prediction"] = answer.prediction
        return pd.DataFrame(columns)
    if answer.score.ndim == 1:
        columns["score"] = answer.score
    else:
        columns |= {f"score {name}": answer.score[:, code] for code, name in enumerate(rows.classes)}
    if answer.margin is not None:
        columns["margin"] = answer.margin
    columns["prediction"] = answer.prediction
    for key, standing in outcome.robust.items():
        right = np.full(len(rows), -1, dtype=np.int8)  # −1: not attacked
        right[outcome.attacked(key)[1]] = standing
        columns[f"right under {key}"] = right
    return pd.DataFrame(columns)


def _measured(name: str, outcome: Outcome, arguments: Mapping[str, object]) -> Measurement:
    """Measure a metric, or say why it has no value: one metric must not throw away all that was measured before it."""
    try:
        return measure(name, outcome, arguments)
    except Exception as error:  # what was never measured, or whatever a metric of the user's raises
        metric, why = metrics.get(name), " ".join(str(error).split()) or type(error).__name__
        return measurement_of(metric, metric.resolve(arguments), Estimate.missing(0, f"not measured: {why}"))


def _sensible(metric: Metric, outcome: Outcome, by_class: bool) -> bool:
    if "by" not in metric.parameters:
        return True
    if by_class:
        return metric.name.startswith("worst_group")
    return len(outcome.group_names) > 1
