"""Targets: constraints on one metric, read from text such as `demographic_parity_difference <= 0.05`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics import REQUIRED, Metric, metric_key, metrics

Relation = Literal["<=", ">="]

_TARGET = re.compile(
    r"(?P<metric>\w+)\s*(?:\((?P<arguments>[^()]*)\))?\s*(?P<relation><=|>=|≤|≥|==|=|<|>)\s*(?P<bound>\S+(?:\s*%)?)"
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_EXAMPLE = "write e.g. demographic_parity_difference <= 0.05"


@dataclass(frozen=True)
class Target:
    """A constraint on one metric.

    Attributes:
        metric: Full name of the metric.
        arguments: Arguments with their values, defaults included, sorted by name.
        relation: `<=` where lower is better, `>=` where higher is better.
        bound: The value that may just be reached.
    """

    metric: str
    arguments: tuple[tuple[str, str | float], ...]
    relation: Relation
    bound: float

    @cached_property
    def key(self) -> str:
        """The metric with its arguments, without the relation: `robust_accuracy(pgd, eps=0.25, norm=linf)`."""
        metric = metrics.get(self.metric)
        return metric_key(metric, metric.resolve(dict(self.arguments)))

    @property
    def text(self) -> str:
        """The canonical text, which parses to an equal target."""
        return f"{self.key} {self.relation} {self.bound!r}"

    def gap(self, value: float) -> float:
        """Return how far a value is on the wrong side of the bound: above 0 = violated, NaN for NaN."""
        return value - self.bound if self.relation == "<=" else self.bound - value

    def __str__(self) -> str:
        return self.text


def parse_target(text: str) -> Target:
    """Read one target, e.g. `dpd(by=sex) <= 5%` or `robust_accuracy(pgd, eps=8/255) >= 0.80`.

    Raises:
        UsageError: For anything that is not `metric(arguments) <= number` or `>=`, with the remedy: an unknown metric
            or argument, a bound that the metric cannot take, the wrong direction.
    """
    match = _TARGET.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"target {text!r} is not `metric <= number` or `metric >= number`: {_EXAMPLE}")
    metric = metrics.get(match["metric"].lower())
    relation = _relation(metric, match["relation"], match["bound"], text)
    bound = _bound(metric, match["bound"], text)
    resolved = metric.resolve(_arguments(metric, match["arguments"] or "", text))
    arguments = tuple(sorted((name, value) for name, value in resolved.items() if value is not None))
    return Target(metric.name, arguments, relation, bound)


def check_targets(
    targets: Iterable[Target], sensitive: Sequence[str] | None = None
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """Return the targets without those that others imply, and a note for each one that was dropped.

    No two targets can contradict each other: each bounds its metric from the worse side only, and a classifier without
    an error meets all of them but demographic parity, which base rates decide.

    Args:
        targets: The targets, in the user's order, which is kept.
        sensitive: Names of the sensitive attributes, to check `by=` and that group metrics have groups; None to skip.

    Raises:
        UsageError: A group metric without a sensitive attribute, or `by=` naming an unknown one.
    """
    kept: dict[str, Target] = {}
    notes = []
    for target in targets:
        if sensitive is not None:
            _check_groups(target, sensitive)
        other = kept.get(target.key)
        if other is None:
            kept[target.key] = target
            continue
        stricter, weaker = (target, other) if target.gap(other.bound) > 0 else (other, target)
        kept[target.key] = stricter
        repeated = target.bound == other.bound
        why = "it was given twice" if repeated else f"{stricter.text} implies it"
        notes.append(f"target {weaker.text} was dropped: {why}")
    return tuple(kept.values()), tuple(notes)


def _relation(metric: Metric, symbol: str, bound: str, text: str) -> Relation:
    wanted: Relation = ">=" if metric.better == "higher" else "<="
    relation = {"≤": "<=", "≥": ">="}.get(symbol, symbol)
    if relation not in ("<=", ">="):
        raise UsageError(f"target {text!r} uses {symbol!r}: write {metric.name} {wanted} {bound}")
    if relation != wanted:
        side = "below" if wanted == ">=" else "above"
        raise UsageError(
            f"target {text!r} asks for the worse direction: {metric.better} is better for {metric.name}, "
            f"so bound it from {side}: {metric.name} {wanted} {bound}"
        )
    return relation


def _bound(metric: Metric, text: str, target: str) -> float:
    digits = text.removesuffix("%").rstrip()
    if not _NUMBER.fullmatch(digits):
        pointed = digits.replace(",", ".")
        remedy = f"write {pointed}" if _NUMBER.fullmatch(pointed) else _EXAMPLE
        raise UsageError(f"bound {text!r} of target {target!r} is not a number: {remedy}")
    bound = float(f"{float(digits) / 100:.12g}") if text.endswith("%") else float(digits)
    if not metric.low <= bound <= metric.high:
        percent = f" (did you mean {bound:g}%?)" if metric.high == 1 and 2 <= bound <= 100 else ""
        raise UsageError(
            f"bound {text} of target {target!r} is impossible: {metric.name} lies between {metric.low:g} "
            f"and {metric.high:g}{percent}"
        )
    return bound


def _arguments(metric: Metric, text: str, target: str) -> Mapping[str, str]:
    """Read `pgd, eps=0.25`: names as declared by the metric, the first without a name where it is required."""
    arguments: dict[str, str] = {}
    first = next((name for name, default in metric.parameters.items() if default is REQUIRED), None)
    for position, part in enumerate(text.split(",") if text.strip() else ()):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            if position or first is None:
                known = ", ".join(f"{parameter}=…" for parameter in metric.parameters) or "none"
                raise UsageError(f"argument {part.strip()!r} of target {target!r} needs a name; arguments: {known}")
            name, value = first, name
        if name not in metric.parameters:
            raise unknown_name(f"argument of {metric.name}", name, metric.parameters)
        if name in arguments:
            raise UsageError(f"argument {name!r} of target {target!r} is given twice: keep one")
        if not value:
            raise UsageError(f"argument {name!r} of target {target!r} has no value: write {name}=…")
        arguments[name] = value
    return arguments


def _check_groups(target: Target, sensitive: Sequence[str]) -> None:
    if "by" not in metrics.get(target.metric).parameters:
        return
    if not sensitive:
        raise UsageError(f"target {target.text} compares groups: name the column that holds them with --sensitive")
    by = dict(target.arguments).get("by")
    if by is not None and by not in sensitive:
        raise unknown_name(f"sensitive attribute in target {target.text}:", str(by), sensitive)
