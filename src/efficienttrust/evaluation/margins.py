"""How far a target has to be overshot on the rows it is fitted on, to hold on rows that were not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.judging import NumberData
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import LABEL_FREE, CalibrationData, attribute_of, robustness_key
from efficienttrust.evaluation.targets import Target

Codes = Mapping[str, tuple[NDArray[np.int64], int]]

MARGIN_SHARE = 0.6  # the margin is at most this share of the way to a perfect value
LEAST_RATE = 0.05  # rates nearer to 0 or 1 are taken for this, so that no error is 0


def target_margins(
    targets: Sequence[Target], fitted_on: CalibrationData, n_new: int, confidence: float
) -> dict[str, float]:
    """Return how much to tighten each target so that it holds on new rows.

    Args:
        targets: The targets.
        fitted_on: The split that the rule is fitted on; new rows are taken to be composed like it.
        n_new: Number of new rows on which the targets must hold.
        confidence: Standard errors of the difference between both.
    """
    margins = {}
    for target in targets:
        error = math.hypot(*errors_here_and_there(target, fitted_on, n_new))
        headroom = abs(target.bound) if target.relation == "<=" else abs(1.0 - target.bound)
        margins[target.key] = min(confidence * error, MARGIN_SHARE * headroom)
    return margins


def errors_here_and_there(target: Target, fitted_on: CalibrationData, n_new: int) -> tuple[float, float]:
    """Return the standard errors of a target's metric on the split that a rule is fitted on, and on n new rows."""
    on_new = math.sqrt(len(fitted_on.y) / max(n_new, 1))
    if isinstance(fitted_on, NumberData):
        error = error_of(target, fitted_on)
        return error, error * on_new
    weighted = _dilution(fitted_on.weight)
    judged, attacked = _codes_judged(fitted_on, target), rows_attacked(fitted_on, target)
    return (
        weighted * standard_error(target, fitted_on.y, judged, attacked),
        weighted * standard_error(target, fitted_on.y, fitted_on.codes) * on_new,
    )


def _dilution(weight: NDArray[np.float32] | None) -> float:
    """Return by how much unequal weights widen a standard error: the root of n over Kish's effective size."""
    if weight is None or not weight.any():
        return 1.0
    return math.sqrt(len(weight) * float(np.square(weight, dtype=float).sum())) / float(weight.sum(dtype=float))


def standard_error(target: Target, y: NDArray[Any], codes: Codes, rows_attacked: int | None = None) -> float:
    """Return the standard error of a target's metric near its bound, on rows of this composition.

    A rate has that of a binomial share at the bound (over the smallest group's rows for a worst group); a gap that of
    the difference between its two smallest groups at the base rate, which is conservative with more groups than two;
    a ratio that of a gap over the base rate.

    Args:
        target: The target.
        y: Labels, for the base rate.
        codes: Attribute -> (codes, number of groups) of the rows judged.
        rows_attacked: How many of them are attacked, where fewer than all.
    """
    groups, n_groups = codes[attribute_of(target)]
    n = len(groups) if rows_attacked is None else rows_attacked
    sizes = np.sort(np.bincount(groups[groups >= 0], minlength=n_groups))
    sizes = sizes[sizes > 0]
    rate = min(max(_base_rate(y), LEAST_RATE), 1 - LEAST_RATE)
    spread = math.sqrt(rate * (1 - rate))
    is_ratio = target.metric == "demographic_parity_ratio"
    if target.relation == ">=" and not is_ratio:
        share = min(max(target.bound, LEAST_RATE), 1 - LEAST_RATE)
        counted = n * sizes[0] / max(len(groups), 1) if target.metric.startswith("worst") and len(sizes) else n
        return math.sqrt(share * (1 - share) / max(counted, 1.0))
    if len(sizes) < 2:
        return spread / math.sqrt(max(n, 1))
    share = 1.0 if target.metric in LABEL_FREE else rate  # of a group's rows that count
    gap = spread * math.sqrt(1 / (share * sizes[0]) + 1 / (share * sizes[1]))
    return gap / rate if is_ratio else gap


def error_of(target: Target, data: CalibrationData) -> float:
    """Return the standard error of a target's metric on the rows of `data`.

    That of a rate follows from the composition of the rows (see `standard_error`); that of a metric of numbers is read
    off its interval, weights included, and is 0 where there is none.
    """
    from efficienttrust.metrics import measure
    from efficienttrust.metrics.intervals import two_sided_z

    if not isinstance(data, NumberData):
        return standard_error(target, data.y, data.codes, rows_attacked(data, target))
    level = 0.95
    measured = measure(target.metric, data.outcome(), dict(target.arguments), level)
    return float(np.nan_to_num(measured.high - measured.low, posinf=0.0)) / (2 * two_sided_z(level))


def _base_rate(y: NDArray[Any]) -> float:
    """Return the share of positives; of more than two classes the share that each would have if all were alike."""
    if not len(y):
        return 0.5
    return 1.0 / (int(y.max()) + 1) if y.max() > 1 else float(y.mean())


def _codes_judged(data: CalibrationData, target: Target) -> Codes:
    if target.metric not in LABEL_FREE or data.more is None:
        return data.codes
    return {
        name: (np.concatenate([codes, data.more.codes[name][0]]), n_groups)
        for name, (codes, n_groups) in data.codes.items()
    }


def rows_attacked(data: CalibrationData, target: Target) -> int | None:
    """Return how many rows a robustness target is judged on, None for targets that read all rows."""
    return len(data.attacked[robustness_key(target)].rows) if target.metric in ROBUST_METRICS else None
