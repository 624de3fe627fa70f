"""A number of theory that says what kind of number it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["exact", "lower", "upper", "estimate", "heuristic", "scaling"]
"""What a number is: `exact`, `lower` and `upper` hold under the stated assumptions; `estimate` replaces something
unknown by what was measured; `heuristic` is a rule derived from a model of the situation; `scaling` has unspecified
constants."""

RIGOROUS: frozenset[Kind] = frozenset({"exact", "lower", "upper"})


@dataclass(frozen=True, eq=False)
class Bound:
    """A bound, an exact value or an estimate, with what it rests on.

    Attributes:
        value: The number, or an array of them where it is a curve.
        kind: What kind of number it is.
        assumptions: What has to hold for it, one clause each.
        source: Who proved it.
        inputs: What it was computed from, by name.
        vacuous: It says nothing here, as the trivial bound is at least as good.
        reason: Why it is vacuous; empty where it is not.
        details: Further figures of the same result by name, such as thresholds that attain it.
    """

    value: Any
    kind: Kind
    assumptions: tuple[str, ...]
    source: str
    inputs: Mapping[str, Any]
    vacuous: bool = False
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vacuous != bool(self.reason):
            raise ValueError("a vacuous bound states its reason, and no other bound has one")

    @property
    def rigorous(self) -> bool:
        """Whether it holds wherever its assumptions do, so that it may refuse a target."""
        return self.kind in RIGOROUS and not self.vacuous

    def __float__(self) -> float:
        return float(self.value)
