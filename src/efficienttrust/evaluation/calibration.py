"""Calibration: the last and cheapest lever. It chooses the decision rule that meets the targets at the least loss.

The rule is `z(x) − threshold − Σ_g c_g P_g(x) > 0`: the fair-Bayes rule in the logit, with the group inferred (blind)
or given (aware). Thresholds and offsets are found by coordinate search over exact counts, on the clean and on the
attacked logits at once, so that robustness is met *as deployed*. (Fair-Bayes rule: Menon and Williamson 2018; Zeng,
Dobriban and Cheng 2022. Differs in that one search serves every rate metric and several targets together, and in that
the targets are tightened by a multiple of their standard errors, so that they hold on rows not seen.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.present_groups import present_groups
from efficienttrust.evaluation.rates import RATE_METRICS, ROBUST_METRICS, Confusion, count_above, point_values
from efficienttrust.evaluation.targets import Target

if TYPE_CHECKING:
    from efficienttrust.metrics import Metric, Outcome

Floats = NDArray[np.float32]

PENALTY = 10.0  # utility given up per unit of violation: far above any real exchange rate
LABEL_FREE = ("demographic_parity_difference", "demographic_parity_ratio")
REACH = 4.0  # offsets are searched in [-REACH, REACH] logits
SWEEPS = 2  # over the groups, when there are more than two
APART = 1e-5  # logits nearer than this are taken for equal: so far the exported file may differ from its parent


@dataclass(frozen=True, eq=False)
class Attacked:
    """Logits under attack.

    Attributes:
        rows: [m] positions of the attacked rows.
        z: [m] logits at the worst point found for each row; margins of more than two classes.
    """

    rows: NDArray[np.int64]
    z: Floats


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Further rows whose labels are not looked at; they sharpen the selection rates, which need none.

    Attributes:
        z: [m] logits.
        codes: Attribute name ("" for the intersections) -> ([m] codes, number of groups).
        posterior: [m, G] P(group | row) or one-hot groups.
        weight: [m] what a row counts, or None.
    """

    z: Floats
    codes: Mapping[str, tuple[NDArray[np.int64], int]]
    posterior: Floats
    weight: Floats | None = None


@dataclass(frozen=True, eq=False)
class CalibrationData:
    """Everything a decision rule is judged by on one split.

    Attributes:
        z: [n] logits.
        y: [n] labels.
        codes: Attribute name ("" for the intersections) -> ([n] codes, number of groups).
        posterior: [n, G] P(group | row) or one-hot groups; G = 0 without a group term.
        attacked: Robustness key -> logits under that attack.
        weight: [n] what a row counts, or None.
        more: Further rows for the metrics that need no label.
    """

    z: Floats
    y: NDArray[Any]
    codes: Mapping[str, tuple[NDArray[np.int64], int]]
    posterior: Floats
    attacked: Mapping[str, Attacked]
    weight: Floats | None = None
    more: Unlabelled | None = None


@dataclass(frozen=True, eq=False)
class ClassData(CalibrationData):
    """The same for more than two classes: the largest of the logits z [n, K] decides, and there is no rule to fit.

    Attributes:
        names: Attribute name ("" for the intersections) -> names of its groups.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def outcome(self) -> Outcome:
        """Return what the largest logit says, as metrics take it."""
        from efficienttrust.metrics import Outcome

        present = {name: present_groups(codes, self.names[name]) for name, (codes, _) in self.codes.items()}
        shifted = np.exp(self.z - self.z.max(axis=1, keepdims=True), dtype=np.float64)
        return Outcome(
            y=self.y,
            prediction=self.z.argmax(axis=1),
            score=shifted / shifted.sum(axis=1, keepdims=True),
            groups=present[""][0],
            group_names=present[""][1],
            attributes={name: found for name, found in present.items() if name},
            robust={key: one.z > 0 for key, one in self.attacked.items()},
            robust_rows={key: one.rows for key, one in self.attacked.items()},
            weight=self.weight,
            task="multiclass",
        )

    def utility(self) -> float:
        """Return the accuracy."""
        return float(np.average(self.z.argmax(axis=1) == self.y, weights=self.weight))

    def unit(self, metric: Metric) -> float:
        """Return in what a violation is counted: all metrics of classes are rates, in units of 1."""
        del metric
        return 1.0


@dataclass(frozen=True, eq=False)
class NumberData(CalibrationData):
    """The same for a regression: z [n] are the predicted numbers, and there is no rule to fit.

    Attributes:
        names: Attribute name ("" for the intersections) -> names of its groups.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def outcome(self) -> Outcome:
        """Return what is predicted, as metrics take it."""
        from efficienttrust.metrics import Outcome

        present = {name: present_groups(codes, self.names[name]) for name, (codes, _) in self.codes.items()}
        predicted = self.z.astype(np.float64)
        return Outcome(
            y=self.y.astype(np.float64),
            prediction=predicted,
            score=predicted,
            groups=present[""][0],
            group_names=present[""][1],
            attributes={name: found for name, found in present.items() if name},
            weight=self.weight,
            task="regression",
        )

    def utility(self) -> float:
        """Return R squared, 0 where the mean does better."""
        y = self.y.astype(np.float64)
        spread = np.average((y - np.average(y, weights=self.weight)) ** 2, weights=self.weight)
        missed = np.average((y - self.z) ** 2, weights=self.weight)
        return max(0.0, 1.0 - float(missed / spread)) if spread > 0 else 0.0

    def unit(self, metric: Metric) -> float:
        """Return in what a violation is counted: standard deviations of the label, where it is in its unit."""
        if metric.high < np.inf:
            return 1.0
        spread = float(self.y.std(dtype=np.float64)) or 1.0
        return spread**2 if metric.name == "mean_squared_error" else spread


Judged = ClassData | NumberData
"""What has no rule to fit: it is judged as it is."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A decision rule and what it came to on the split that it was fitted on.

    Attributes:
        threshold: Logit threshold.
        offsets: [G] logit offsets per group.
        objective: Utility minus `PENALTY` × violation of the tightened targets.
        utility: Accuracy; R squared of a regression.
        values: Target key -> point value.
        violation: Sum of the violations of the targets themselves (not tightened).
        shortfall: Sum of the violations of the tightened targets.
    """

    threshold: float
    offsets: Floats
    objective: float
    utility: float
    values: Mapping[str, float]
    violation: float
    shortfall: float

    @property
    def rank(self) -> float:
        """Utility less shortfall, one for one: by it candidates are compared, as its noise is that of a rate."""
        return self.utility - self.shortfall


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
    return _at_thresholds(data, np.array([threshold]), offsets, targets, margins)


def judge(data: Judged, targets: Sequence[Target], margins: Mapping[str, float]) -> Calibrated:
    """Return what a model of more than two classes, or of numbers, comes to on a split."""
    from efficienttrust.metrics import measure, metrics

    outcome, utility = data.outcome(), data.utility()
    values: dict[str, float] = {}
    violation = shortfall = 0.0
    for target in targets:
        metric = metrics.get(target.metric)
        if metric.lacks(outcome):
            continue
        value = measure(target.metric, outcome, dict(target.arguments)).value
        gap, unit = float(np.nan_to_num(target.gap(value), nan=1.0)), data.unit(metric)
        values[target.key] = value
        violation += max(gap, 0.0) / unit
        shortfall += max(gap + margins.get(target.key, 0.0), 0.0) / unit
    none = np.zeros(0, np.float32)
    return Calibrated(0.0, none, utility - PENALTY * shortfall, utility, values, violation, shortfall)


def _best_threshold(
    data: CalibrationData,
    offsets: Floats,
    targets: Sequence[Target],
    margins: Mapping[str, float],
    n_thresholds: int,
) -> Calibrated:
    cut = data.z - _shift(data.posterior, offsets)
    thresholds = np.sort(np.append(_between(cut, n_thresholds), 0.0))
    return _at_thresholds(data, thresholds, offsets, targets, margins)


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
    thresholds: NDArray[np.float64],
    offsets: Floats,
    targets: Sequence[Target],
    margins: Mapping[str, float],
) -> Calibrated:
    margin = data.z - _shift(data.posterior, offsets)
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

    utility = RATE_METRICS["accuracy"](confusion("", ""))
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


def utility_of(task: str) -> str:
    """Return the metric by which models that meet the targets alike are told apart."""
    return "r2" if task == "regression" else "accuracy"


def attribute_of(target: Target) -> str:
    """Return the sensitive attribute that a target compares by, "" for the intersections of all."""
    return str(dict(target.arguments).get("by") or "")


def robustness_key(target: Target) -> str:
    """Return the key of the attack that a robustness target asks for, whatever metric it reads off it."""
    from efficienttrust.metrics import robust_key

    arguments = dict(target.arguments)
    return robust_key(str(arguments["attack"]), float(arguments["eps"]), str(arguments.get("norm", "linf")))


def _moved_by_offsets(target: Target) -> bool:
    return target.metric in RATE_METRICS and target.metric not in ("accuracy", "balanced_accuracy", "f1", "mcc")


def _shift(posterior: Floats, offsets: Floats) -> Floats:
    return (
        np.asarray(posterior @ offsets, dtype=np.float32)
        if posterior.shape[1]
        else np.zeros(len(posterior), np.float32)
    )
