"""Calibration: the last and cheapest lever. It chooses the decision rule that meets the targets at the least loss.

The rule is `z(x) − threshold − Σ_g c_g P_g(x) > 0`: the fair-Bayes rule in the logit, with the group inferred (blind)
or given (aware). Thresholds and offsets are found by coordinate search over exact counts, on the clean and on the
attacked logits at once, so that robustness is met *as deployed*. (Fair-Bayes rule: Menon and Williamson 2018; Zeng,
Dobriban and Cheng 2022. Differs in that one search serves every rate metric and several targets together, and in that
the targets are tightened by a multiple of their standard errors, so that they hold on rows not seen.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.judging import Judged, judge
from efficienttrust.evaluation.rates import RATE_METRICS, ROBUST_METRICS, Confusion, count_above, point_values
from efficienttrust.evaluation.rule_data import (
    LABEL_FREE,
    PENALTY,
    Calibrated,
    CalibrationData,
    Floats,
    Unlabelled,
    attribute_of,
    robustness_key,
)
from efficienttrust.evaluation.targets import Target

REACH = 4.0  # offsets are searched in [-REACH, REACH] logits
SWEEPS = 2  # over the groups, when there are more than two
APART = 1e-5  # logits nearer than this are taken for equal: so far the exported file may differ from its parent


def calibrate(
    data: CalibrationData,
    targets: Sequence[Target],
    margins: Mapping[str, float],
    *,
    n_thresholds: int = 200,
    line: int = 25,
    start: Floats | None = None,
) -> Calibrated:
    """Find threshold and offsets that meet the tightened targets at the highest accuracy.

    Args:
        data: One split.
        targets: Targets on threshold-dependent metrics; others are left alone.
        margins: Target key -> how much it is tightened, in units of the metric.
        n_thresholds: Candidates of the threshold, spread evenly over the ranks of the margins.
        line: Offsets tried per line search, which is repeated at a fifth of the width around the best.
        start: [G] offsets to search around, at a quarter of the width; None searches everywhere.
    """
    if isinstance(data, Judged):
        return judge(data, targets, margins)
    n_groups = data.posterior.shape[1]
    reach = REACH if start is None else REACH / 4
    first = np.zeros(n_groups, np.float32) if start is None else start
    best = _best_threshold(data, first, targets, margins, n_thresholds)
    if not any(_moved_by_offsets(target) for target in targets) or n_groups < 2:
        return best
    free = [0] if n_groups == 2 else list(range(n_groups))  # of two offsets one is absorbed by the threshold
    for sweep in range(1 if n_groups == 2 else SWEEPS):
        for group in free:
            centre, width = float(best.offsets[group]), reach / (1 + 2 * sweep)
            for _ in range(2):
                for value in np.linspace(centre - width, centre + width, line):
                    offsets = best.offsets.copy()
                    offsets[group] = value
                    trial = _best_threshold(data, offsets, targets, margins, n_thresholds)
                    if trial.objective > best.objective + 1e-9:
                        best = trial
                centre, width = float(best.offsets[group]), width / 5
    return best


def evaluate_rule(
    data: CalibrationData, threshold: float, offsets: Floats, targets: Sequence[Target], margins: Mapping[str, float]
) -> Calibrated:
    """Return what a given rule comes to on a split."""
    if isinstance(data, Judged):
        return judge(data, targets, margins)
    margin = data.z - _shift(data.posterior, offsets)
    return _at_thresholds(data, margin, np.array([threshold]), offsets, targets, margins)


def _best_threshold(
    data: CalibrationData,
    offsets: Floats,
    targets: Sequence[Target],
    margins: Mapping[str, float],
    n_thresholds: int,
) -> Calibrated:
    margin = data.z - _shift(data.posterior, offsets)
    thresholds = np.sort(np.append(_between(margin, n_thresholds), 0.0))
    return _at_thresholds(data, margin, thresholds, offsets, targets, margins)


def _between(cut: Floats, n_thresholds: int) -> NDArray[np.float64]:
    """Return thresholds in the widest gap of each of `n_thresholds` ranges of ranks, both ends included.

    Never on a row: rows of equal logit would be decided by the last bit, which the exported file rounds its own way.
    """
    ordered = np.sort(cut).astype(np.float64)
    ends = np.concatenate([ordered[:1] - 1.0, ordered, ordered[-1:] + 1.0])
    gaps = np.diff(ends)
    width = -(-len(gaps) // n_thresholds)
    windows = np.zeros(-(-len(gaps) // width) * width)
    windows[: len(gaps)] = gaps
    widest = windows.reshape(-1, width).argmax(axis=1) + np.arange(0, len(windows), width)
    apart = widest[gaps[widest] > APART]
    return np.asarray(0.5 * (ends[apart] + ends[apart + 1]))


def _at_thresholds(
    data: CalibrationData,
    margin: Floats,
    thresholds: NDArray[np.float64],
    offsets: Floats,
    targets: Sequence[Target],
    margins: Mapping[str, float],
) -> Calibrated:
    """Return the best of some thresholds; `margin` is of the rows of `data`, the offsets taken off."""
    counts: dict[tuple[str, str], Confusion] = {}

    def confusion(attribute: str, key: str) -> Confusion:
        if (attribute, key) not in counts:
            codes, n_groups = data.codes[attribute]
            if key:
                attacked = data.attacked[key]
                rows = attacked.rows
                moved = attacked.z - _shift(data.posterior[rows], offsets)  # no attack moves what the head reads
                weight = None if data.weight is None else data.weight[rows]
                counts[attribute, key] = count_above(moved, thresholds, data.y[rows], codes[rows], n_groups, weight)
            else:
                counts[attribute, key] = count_above(margin, thresholds, data.y, codes, n_groups, data.weight)
        return counts[attribute, key]

    utility = RATE_METRICS["accuracy"](confusion(_counted_anyway(data, targets), ""))
    violation, shortfall = np.zeros_like(utility), np.zeros_like(utility)
    values: dict[str, NDArray[np.float64]] = {}
    for target in targets:
        if target.metric in ROBUST_METRICS:
            found = point_values(ROBUST_METRICS[target.metric], confusion(attribute_of(target), robustness_key(target)))
        elif target.metric in LABEL_FREE and data.more is not None:
            found = point_values(
                RATE_METRICS[target.metric], _selections(data, data.more, thresholds, offsets, attribute_of(target))
            )
        elif target.metric in RATE_METRICS:
            found = point_values(RATE_METRICS[target.metric], confusion(attribute_of(target), ""))
        else:
            continue
        sign = 1.0 if target.relation == "<=" else -1.0
        gap = np.nan_to_num(sign * (found - target.bound), nan=1.0)  # a rate that cannot be estimated is no success
        values[target.key] = found
        violation += np.maximum(gap, 0.0)
        shortfall += np.maximum(gap + margins.get(target.key, 0.0), 0.0)
    objective = utility - PENALTY * shortfall
    k = int(np.argmax(objective))
    return Calibrated(
        threshold=float(thresholds[k]),
        offsets=offsets,
        objective=float(objective[k]),
        utility=float(utility[k]),
        values={key: float(found[k]) for key, found in values.items()},
        violation=float(violation[k]),
        shortfall=float(shortfall[k]),
    )


def _counted_anyway(data: CalibrationData, targets: Sequence[Target]) -> str:
    """Return an attribute by which labelled rows are counted for a target: accuracy is the same over any groups."""
    for target in targets:
        if target.metric in RATE_METRICS and not (target.metric in LABEL_FREE and data.more is not None):
            return attribute_of(target)
    return ""


def _selections(
    data: CalibrationData, more: Unlabelled, thresholds: NDArray[np.float64], offsets: Floats, attribute: str
) -> Confusion:
    """Count selections over labelled and unlabelled rows together; all are entered as negatives."""
    (codes, n_groups), (more_codes, _) = data.codes[attribute], more.codes[attribute]
    margin = np.concatenate([data.z - _shift(data.posterior, offsets), more.z - _shift(more.posterior, offsets)])
    weight = None
    if data.weight is not None and more.weight is not None:
        weight = np.concatenate([data.weight, more.weight])
    no_label = np.zeros(len(margin), dtype=np.int8)
    return count_above(margin, thresholds, no_label, np.concatenate([codes, more_codes]), n_groups, weight)


def _moved_by_offsets(target: Target) -> bool:
    return target.metric in RATE_METRICS and target.metric not in ("accuracy", "balanced_accuracy", "f1", "mcc")


def _shift(posterior: Floats, offsets: Floats) -> Floats:
    return (
        np.asarray(posterior @ offsets, dtype=np.float32)
        if posterior.shape[1]
        else np.zeros(len(posterior), np.float32)
    )
