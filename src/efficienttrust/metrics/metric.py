"""What a metric is, the registry of all of them, and how one is measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.arguments import BY as BY
from efficienttrust.metrics.arguments import EXAMPLES, read_argument
from efficienttrust.metrics.arguments import NORMS as NORMS
from efficienttrust.metrics.arguments import REQUIRED as REQUIRED
from efficienttrust.metrics.arguments import Arguments as Arguments
from efficienttrust.metrics.values import Estimate, Limit, Measurement, Outcome
from efficienttrust.registry import Registry

NEEDS: Final = ("score", "probability", "robust", "corrupted", "ood")
"""What a metric may need beyond labels and decisions; a probability is a score between 0 and 1."""


@dataclass(frozen=True)
class Metric:
    """One metric: what it means, what it may be asked, and how it is estimated and bounded.

    Attributes:
        name: Full name.
        definition: One sentence that a report prints.
        better: Which direction is better.
        low: Lowest possible value.
        high: Highest possible value.
        parameters: Name of each argument -> default, or `REQUIRED`. A required first one may be given without its name.
        compute: (outcome, arguments, level) -> point estimate with a two-sided interval.
        limit: (outcome, arguments, alpha) -> one-sided limit at level 1 - alpha, for certificates.
        tasks: Tasks for which it is defined.
        needs: What it needs beyond labels and decisions, of `NEEDS`.
    """

    name: str
    definition: str
    better: Literal["higher", "lower"]
    low: float
    high: float
    parameters: Arguments
    compute: Callable[[Outcome, Arguments, float], Estimate]
    limit: Callable[[Outcome, Arguments, float], Limit]
    tasks: frozenset[str] = frozenset({"binary"})
    needs: frozenset[str] = frozenset()

    def resolve(self, given: Arguments) -> dict[str, Any]:
        """Return the value of every parameter; raises `UsageError` for unknown, missing and impossible arguments."""
        for argument in given:
            if argument not in self.parameters:
                raise unknown_name(f"argument of {self.name}", argument, self.parameters)
        resolved = {**self.parameters, **given}
        missing = [argument for argument, value in resolved.items() if value is REQUIRED]
        if missing:
            required = [argument for argument, default in self.parameters.items() if default is REQUIRED]
            usage = ", ".join(EXAMPLES.get(argument, f"{argument}=…") for argument in required)
            raise UsageError(f"{self.name} needs {' and '.join(missing)}: write {self.name}({usage})")
        return {name: read_argument(self.name, name, value, self.parameters[name]) for name, value in resolved.items()}

    def lacks(self, outcome: Outcome) -> str:
        """Return why the metric has no meaning for an outcome (its task, or what it needs), or an empty text."""
        if outcome.task not in self.tasks:
            return f"{self.name} is defined for {_either(sorted(self.tasks))} outcomes, not for {outcome.task} ones"
        if self.needs & {"score", "probability"} and not np.isfinite(outcome.score).any():
            return f"{self.name} needs scores, and the model says decisions only"
        if beyond := self._beyond(outcome):
            return beyond
        absent = [need for need in ("robust", "corrupted", "ood") if need in self.needs and not getattr(outcome, need)]
        return f"{self.name} needs what was not measured: {', '.join(absent)}" if absent else ""

    def refuse(self, outcome: Outcome) -> None:
        """Raise `UsageError` where a number would come out that has no meaning: another task, logits as probabilities.

        What is only missing (decisions without scores, an attack that was not run) is no reason to refuse.
        """
        if outcome.task not in self.tasks:
            raise UsageError(self.lacks(outcome))
        if beyond := self._beyond(outcome):
            raise UsageError(beyond)

    def _beyond(self, outcome: Outcome) -> str:
        score = outcome.score
        if "probability" not in self.needs or not ((score < 0) | (score > 1)).any():
            return ""
        low, high = np.nanmin(score), np.nanmax(score)
        return f"{self.name} needs scores between 0 and 1, as probabilities are; these go from {low:.4g} to {high:.4g}"


metrics: Registry[Metric] = Registry("metric", "efficienttrust.metrics.catalogue", of=Metric)
"""All metrics, by name and alias."""


def measure(name: str, outcome: Outcome, arguments: Arguments | None = None, level: float = 0.95) -> Measurement:
    """Measure one metric on one split.

    Args:
        name: Name or alias of the metric.
        outcome: What the model said on the split.
        arguments: Arguments of the metric, e.g. `{"by": "sex"}`.
        level: Level of the two-sided interval.

    Raises:
        UsageError: The metric is not defined for the task of the outcome, it needs probabilities and the scores are
            none, or its arguments are not possible.

    Example:
        >>> import numpy as np
        >>> y = np.array([1, 0, 1, 0])
        >>> outcome = Outcome(y=y, prediction=np.array([1, 0, 1, 1]), score=y * 0.5, groups=y)
        >>> measure("accuracy", outcome).value
        0.75
    """
    metric = metrics.get(name)
    resolved = metric.resolve(arguments or {})
    metric.refuse(outcome)
    return measurement_of(metric, resolved, metric.compute(outcome, resolved, level))


def measurement_of(metric: Metric, resolved: Arguments, estimate: Estimate) -> Measurement:
    """Give an estimate the name and definition of its metric; its interval holds the value, and only what can be."""
    low, high = np.clip((estimate.low, estimate.high), metric.low, metric.high)
    return Measurement(
        name=metric_key(metric, resolved),
        value=float(estimate.value),
        low=float(min(low, estimate.value)),
        high=float(max(high, estimate.value)),
        n=estimate.n,
        how=estimate.how,
        definition=metric.definition,
        note=estimate.note,
    )


def metric_key(metric: Metric, resolved: Arguments) -> str:
    """Return the canonical text of a metric with its arguments, e.g. `robust_accuracy(pgd, eps=0.25, norm=linf)`."""
    shown = []
    for position, (name, default) in enumerate(metric.parameters.items()):
        value = resolved[name]
        if value is not None:
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            shown.append(text if position == 0 and default is REQUIRED else f"{name}={text}")
    return f"{metric.name}({', '.join(shown)})" if shown else metric.name


def robust_key(attack: str, eps: float, norm: str = "linf") -> str:
    """Return the key under which an `Outcome` holds the answers under one attack: `robust_accuracy(pgd, eps=…, …)`."""
    metric = metrics.get("robust_accuracy")
    return metric_key(metric, metric.resolve({"attack": attack, "eps": eps, "norm": norm}))


def corruption_key(name: str, severity: int) -> str:
    """Return the key under which an `Outcome` holds the answers under a corruption, e.g. `corruption_accuracy(…)`."""
    metric = metrics.get("corruption_accuracy")
    return metric_key(metric, metric.resolve({"name": name, "severity": severity}))


def read_corruption_key(key: str) -> tuple[str, int]:
    """Return (name, severity) of a corruption key."""
    match = re.fullmatch(r"corruption_accuracy\((.+), severity=([1-5])\)", key)
    if match is None:
        raise ValueError(f"{key!r} is no corruption key: make it with corruption_key(name, severity)")
    return match[1], int(match[2])


def _either(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
