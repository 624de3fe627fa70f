"""What a constraint is, what it measures and returns, and the registry of constraints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from efficienttrust.registry import Registry

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline

Arguments = Mapping[str, Any]
"""Arguments of `fit` by name of a field of `FitSpec` or `DataSpec`, as `pipeline.spec.fit_spec` takes them."""


@dataclass(frozen=True)
class Measured:
    """What a baseline used of a resource.

    Attributes:
        value: How much, above 0.
        unit: Its unit, for reading: `s cpu`, `epochs`, `bytes`.
        how: Where the figure is from.
    """

    value: float
    unit: str
    how: str


@dataclass(frozen=True)
class Limited:
    """What a level makes of the arguments of `fit`.

    Attributes:
        arguments: All of them, those that the level changes included.
        limit: The resulting limit, as text: `time=10s cpu`, `mlp(widths=32-16), 2,113 parameters`.
    """

    arguments: Arguments
    limit: str


@dataclass(frozen=True)
class Constraint:
    """One kind of constraint, as registered.

    Attributes:
        name: Its name.
        definition: What a level is a share of, and what becomes of it, in one sentence.
        claims: What of the arguments it sets, so that nothing else may: `budget.time`, `model`.
        measure: Reads what the baseline used; raises `UsageError` for one that has no such figure.
        apply: Called as `apply(share, measured, arguments, baseline)` with a share in (0, 1); changes nothing in place.
    """

    name: str
    definition: str
    claims: tuple[str, ...]
    measure: Callable[[Baseline], Measured]
    apply: Callable[[float, Measured, Arguments, Baseline], Limited]


constraints: Registry[Constraint] = Registry("constraint", "efficienttrust.pipeline.levels.catalogue", of=Constraint)
