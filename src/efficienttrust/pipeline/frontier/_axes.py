"""The axes of a frontier: utility against fairness, robustness, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.rule_data import utility_of
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.metrics import metrics
from efficienttrust.training import lever_of

EPS = {"table": 0.25, "image": 8 / 255}  # of the robustness axis where none is named


@dataclass(frozen=True)
class Axes:
    """What is traded for what.

    Attributes:
        utility: Metric name, higher is better.
        fairness: A gap, as a target that every model meets; None without groups.
        robustness: An accuracy under attack, as a target that every model meets; None where nothing is attacked.
    """

    utility: str
    fairness: Target | None
    robustness: Target | None

    @property
    def targets(self) -> tuple[Target, ...]:
        """The axes beside utility, as targets that bound nothing."""
        return tuple(one for one in (self.fairness, self.robustness) if one is not None)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the measurements, utility first."""
        return (self.utility, *(one.key for one in self.targets))

    def to_document(self) -> dict[str, Any]:
        """Return the axes as plain values."""
        return {"utility": self.utility, "fairness": _text(self.fairness), "robustness": _text(self.robustness)}

    @classmethod
    def from_document(cls, said: Mapping[str, Any]) -> Axes:
        """Read the axes back."""
        fairness, robustness = (
            None if said[name] is None else parse_target(said[name]) for name in ("fairness", "robustness")
        )
        return cls(str(said["utility"]), fairness, robustness)


def parse_axes(problem: Problem, texts: Sequence[str] = ()) -> Axes:
    """Return the axes that were named, as `dpd` or `robust_accuracy(pgd, eps=0.1)`; by default what the data can show.

    Raises:
        UsageError: An axis is unknown, one is named twice, training has no lever for it, or nothing is left to trade.
    """
    named = list(texts) or _by_default(problem)
    found: dict[str, Target] = {}
    for text in named:
        name = text.split("(")[0].strip().lower()
        relation, bound = ("<=", "1") if metrics.get(name).better == "lower" else (">=", "0")
        target = parse_target(f"{text} {relation} {bound}")
        lever = lever_of(target, problem.task)
        if lever == "none":
            raise UsageError(
                f"--axis {text}: training has no lever for it on this data; name a gap between groups of "
                "two classes, or an accuracy under attack"
            )
        if lever in found:
            raise UsageError(f"--axis {text}: {found[lever].metric} is the {lever} axis already; leave out one of both")
        if lever == "fairness" and not problem.sensitive:
            raise UsageError(f"--axis {text} needs groups: name the columns that hold them with --sensitive")
        found[lever] = target
    if not found:
        raise UsageError(
            "frontier: there is nothing to trade here, as no --sensitive columns are named and nothing can be attacked"
        )
    return Axes(utility_of(problem.task), found.get("fairness"), found.get("robustness"))


def _text(target: Target | None) -> str | None:
    return None if target is None else target.text


def _by_default(problem: Problem) -> list[str]:
    axes = []
    if problem.sensitive and problem.task == "binary":
        axes.append("demographic_parity_difference")
    if problem.task != "regression" and (problem.kind == "image" or bool(problem.domain.mutable.any())):
        axes.append(f"robust_accuracy(pgd, eps={EPS[problem.kind]:.6g})")
    return axes
