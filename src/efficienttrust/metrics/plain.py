"""Every metric as a plain function: columns in, a `Measurement` out."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.metrics.arguments import EXAMPLES, REQUIRED
from efficienttrust.metrics.columns import read_columns, refuse_undecided
from efficienttrust.metrics.metric import Metric, corruption_key, measure, metrics, robust_key
from efficienttrust.metrics.values import Measurement, Outcome

_EXTRA: Sequence[str] = ("robust", "corrupted", "ood")
_COLUMNS = {
    "y": "Labels [n]; [n, K] of 0 and 1 for many labels.",
    "prediction": "Decisions of the same kind; without them, what the scores say.",
    "score": "Probabilities [n] of the positive class, or [n, K].",
    "groups": "One label per row, or a mapping (or data frame) of attribute -> labels.",
    "weight": "Weights of the rows, 0 or more.",
    "task": "Inferred from the columns where it is not given, see `outcome_from`.",
    "classes": "The classes in the order of their scores; of two, the second is the positive one.",
    "level": "Level of the two-sided interval.",
    "robust": "Whether each row is right under the attack [n], or a mapping of such columns by robustness key.",
    "corrupted": "Whether each row is right under the corruption [n], or a mapping (name, severity) -> such a column.",
    "ood": "Detector -> (scores of these rows, scores of rows from elsewhere).",
}
_OWN = {
    "by": "Name of the attribute whose groups are compared; without it, the intersection of all.",
    "corrected": "Whether to take off the upward bias of a small sample.",
    "attack": "Name of the attack.",
    "eps": "Radius of the attack.",
    "norm": "Norm of the radius.",
    "name": "Name of the corruption.",
    "severity": "Severity of the corruption, 1 (mild) to 5.",
    "detector": "Name of the detector.",
}


def plain_function(name: str) -> Callable[..., Measurement]:
    """Return the metric of that name (or alias) as a function of columns."""
    metric = metrics.get(name)
    signature = _signature(metric)

    def function(*args: Any, **kwargs: Any) -> Measurement:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{metric.name}() {error}") from None
        given.apply_defaults()
        asked = {key: value for key, value in given.arguments.items() if key in metric.parameters}
        arguments = {key: value for key, value in asked.items() if value is not REQUIRED}
        return _measure(metric, {k: v for k, v in given.arguments.items() if k not in asked}, arguments)

    function.__name__ = function.__qualname__ = metric.name
    function.__doc__ = _documentation(metric, signature)
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__module__ = "efficienttrust.metrics"
    return function


def _measure(metric: Metric, columns: dict[str, Any], arguments: dict[str, Any]) -> Measurement:
    level = columns.pop("level")
    extra = {key: columns.pop(key) for key in _EXTRA if key in columns}
    if "groups" in columns and columns["groups"] is None:
        raise UsageError(f"{metric.name} compares groups: pass one label per row as groups=")
    if columns["task"] is None and len(metric.tasks) == 1 and metric.tasks != {"binary"}:
        (columns["task"],) = metric.tasks
    resolved = metric.resolve(arguments)
    outcome = read_columns(**columns)
    if columns["prediction"] is None and not metric.needs & {"score", "probability"}:
        refuse_undecided(metric.name, outcome)
    missing = [key for key, value in extra.items() if value is None]
    if missing:
        raise UsageError(f"{metric.name} needs {missing[0]}=: {_COLUMNS[missing[0]]}")
    outcome = _with(outcome, extra, resolved)
    if lacking := metric.lacks(outcome):
        raise UsageError(lacking)
    return measure(metric.name, outcome, arguments, level)


def _with(outcome: Outcome, extra: dict[str, Any], resolved: Mapping[str, Any]) -> Outcome:
    """Return the outcome with what was measured beyond clean answers, under the keys by which metrics look for it."""
    found: dict[str, Any] = {}
    for field, value in extra.items():
        held = value if isinstance(value, Mapping) else {None: value}
        keyed = {}
        for key, column in held.items():
            if field == "robust" and key is None:
                key = robust_key(resolved["attack"], resolved["eps"], resolved["norm"])
            if field == "corrupted" and not isinstance(key, str):
                if key is None and "severity" not in resolved:
                    raise UsageError("corrupted must be a mapping: {(name, severity): column, …}")
                key = corruption_key(*(key or (resolved["name"], resolved["severity"])))
            keyed[key] = tuple(map(np.asarray, column)) if field == "ood" else np.asarray(column)
        found[field] = keyed
    try:
        return dataclasses.replace(outcome, **found)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _signature(metric: Metric) -> inspect.Signature:
    extra = [need for need in _EXTRA if need in metric.needs]
    defaults: dict[str, Any] = {"score": None, "groups": None, "weight": None, "task": None, "classes": None}
    if "by" not in metric.parameters:
        del defaults["groups"]
    defaults |= dict.fromkeys(extra) | dict(metric.parameters) | {"level": 0.95}
    keyword, empty = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
    parameters = [
        inspect.Parameter("y", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("prediction", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None),
        *(
            inspect.Parameter(key, keyword, default=empty if value is REQUIRED else value)
            for key, value in defaults.items()
        ),
    ]
    return inspect.Signature(parameters, return_annotation=Measurement)


def _documentation(metric: Metric, signature: inspect.Signature) -> str:
    known = _COLUMNS | _OWN
    lines = [
        f"    {key}: {known[key]}" if key in known else f"    {key}: See the definition."
        for key in signature.parameters
    ]
    example = ", ".join(
        f"{k}={EXAMPLES[k]!r}" if "=" not in EXAMPLES[k] else EXAMPLES[k] for k in metric.parameters if k in EXAMPLES
    )
    tasks = f"Defined for {', '.join(sorted(metric.tasks))}; {metric.better} is better."
    usage = f" Write e.g. {metric.name}(…, {example})." if example else ""
    return f"{metric.definition}\n\n{tasks}{usage}\n\nArgs:\n" + "\n".join(lines)
