"""What a metric is, the registry of all of them, and how one is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.values import Estimate, Limit, Measurement, Outcome
from efficienttrust.registry import Registry

Arguments = Mapping[str, Any]

REQUIRED: Final = "required"
"""Marks a parameter that has no default."""

BY: Final[Arguments] = {"by": None}
"""Parameters of a group metric: `by` names one sensitive attribute; None takes the intersection of all."""

NORMS: Final = ("linf",)
"""Norms in which a perturbation is measured."""


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
    """

    name: str
    definition: str
    better: Literal["higher", "lower"]
    low: float
    high: float
    parameters: Arguments
    compute: Callable[[Outcome, Arguments, float], Estimate]
    limit: Callable[[Outcome, Arguments, float], Limit]

    def resolve(self, given: Arguments) -> dict[str, Any]:
        """Return the value of every parameter; raises `UsageError` for unknown, missing and impossible arguments."""
        for argument in given:
            if argument not in self.parameters:
                raise unknown_name(f"argument of {self.name}", argument, self.parameters)
        resolved = {**self.parameters, **given}
        missing = [argument for argument, value in resolved.items() if value is REQUIRED]
        if missing:
            required = [argument for argument, default in self.parameters.items() if default is REQUIRED]
            usage = ", ".join("pgd" if argument == "attack" else f"{argument}=0.25" for argument in required)
            raise UsageError(f"{self.name} needs {' and '.join(missing)}: write {self.name}({usage})")
        return {name: _CHECKS[name](self.name, value) for name, value in resolved.items()}


metrics: Registry[Metric] = Registry("metric", "efficienttrust.metrics.catalogue")
"""All metrics, by name and alias."""


def measure(name: str, outcome: Outcome, arguments: Arguments | None = None, level: float = 0.95) -> Measurement:
    """Measure one metric on one split.

    Args:
        name: Name or alias of the metric.
        outcome: What the model said on the split.
        arguments: Arguments of the metric, e.g. `{"by": "sex"}`.
        level: Level of the two-sided interval.

    Example:
        >>> import numpy as np
        >>> y = np.array([1, 0, 1, 0])
        >>> outcome = Outcome(y=y, prediction=np.array([1, 0, 1, 1]), score=y * 0.5, groups=y)
        >>> measure("accuracy", outcome).value
        0.75
    """
    metric = metrics.get(name)
    resolved = metric.resolve(arguments or {})
    estimate = metric.compute(outcome, resolved, level)
    return Measurement(
        name=metric_key(metric, resolved),
        value=float(estimate.value),
        low=float(min(estimate.low, estimate.value)),
        high=float(max(estimate.high, estimate.value)),
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


def _text(metric: str, value: object) -> str | None:
    return None if value is None else str(value)


def _radius(metric: str, value: object) -> float:
    """Read a perturbation radius: a number above 0, or a fraction such as 8/255; kept to six digits, as in the key."""
    try:
        above, _, below = str(value).partition("/")
        radius = float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"eps of {metric} must be a number above 0, e.g. 0.25 or 8/255, not {value!r}") from None
    if not 0 < radius < float("inf"):
        raise UsageError(f"eps of {metric} must be above 0 and finite, not {value}")
    return float(f"{radius:.6g}")


def _norm(metric: str, value: object) -> str:
    text = {"inf": "linf"}.get(str(value).lower(), str(value).lower())
    if text not in NORMS:
        raise unknown_name(f"norm of {metric}", str(value), NORMS)
    return text


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {"by": _text, "attack": _text, "eps": _radius, "norm": _norm}
