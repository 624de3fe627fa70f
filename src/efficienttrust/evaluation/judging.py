"""What has no decision rule to fit, more than two classes and numbers: it is judged as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from efficienttrust.evaluation.present_groups import Codes, present_groups
from efficienttrust.evaluation.rule_data import PENALTY, Calibrated, CalibrationData
from efficienttrust.evaluation.targets import Target

if TYPE_CHECKING:
    from efficienttrust.metrics import Metric, Outcome


@dataclass(frozen=True, eq=False)
class Judged(CalibrationData):
    """What a model without a rule said on one split.

    Attributes:
        names: Attribute name ("" for the intersections) -> names of its groups.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @abstractmethod
    def outcome(self) -> Outcome:
        """Return what is said, as metrics take it."""

    @abstractmethod
    def utility(self) -> float:
        """Return how useful it is, in [0, 1]."""

    @abstractmethod
    def unit(self, metric: Metric) -> float:
        """Return in what a violation of a metric is counted."""

    def groups(self) -> tuple[tuple[Codes, tuple[str, ...]], dict[str, tuple[Codes, tuple[str, ...]]]]:
        """Return codes and names of the intersections, and of each attribute, as far as they have rows."""
        found = {name: present_groups(codes, self.names[name]) for name, (codes, _) in self.codes.items()}
        return found.pop(""), found


@dataclass(frozen=True, eq=False)
class ClassData(Judged):
    """More than two classes: the largest of the logits z [n, K] decides."""

    def outcome(self) -> Outcome:
        """Return what the largest logit says, as metrics take it."""
        from efficienttrust.metrics import Outcome

        (groups, names), attributes = self.groups()
        shifted = np.exp(self.z - self.z.max(axis=1, keepdims=True), dtype=np.float64)
        return Outcome(
            y=self.y,
            prediction=self.z.argmax(axis=1),
            score=shifted / shifted.sum(axis=1, keepdims=True),
            groups=groups,
            group_names=names,
            attributes=attributes,
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
class NumberData(Judged):
    """A regression: z [n] are the predicted numbers."""

    def outcome(self) -> Outcome:
        """Return what is predicted, as metrics take it."""
        from efficienttrust.metrics import Outcome

        (groups, names), attributes = self.groups()
        predicted = self.z.astype(np.float64)
        return Outcome(
            y=self.y.astype(np.float64),
            prediction=predicted,
            score=predicted,
            groups=groups,
            group_names=names,
            attributes=attributes,
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
