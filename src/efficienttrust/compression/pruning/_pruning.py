"""What a pruning is, what is asked of it, and where one is found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._method_text import parse_method
from efficienttrust.errors import UsageError
from efficienttrust.registry import Registry

if TYPE_CHECKING:
    from efficienttrust.compression._workpiece import Workpiece


@dataclass(frozen=True)
class PruneStep:
    """A pruning that was asked for.

    Attributes:
        method: Name of the method.
        amount: Share of the prunable weights that are zero afterwards, or of the units that are gone, in (0, 1).
        options: Options by name, defaults included.
        text: As `--prune` takes it.
    """

    method: str
    amount: float
    text: str
    options: Mapping[str, float] = field(default_factory=dict)

    @property
    def needs_training(self) -> bool:
        """Whether the weights go during the training that follows."""
        return prunings.get(self.method).needs_training


Apply = Callable[["Workpiece", PruneStep, NDArray[np.float32], int], None]
"""Called with a workpiece, which it changes, what was asked for, training rows [m, *shape], and a seed."""


@dataclass(frozen=True)
class Pruning:
    """A way to prune a network.

    Attributes:
        name: Name on the command line.
        title: One sentence for reports, with the source.
        apply: Prunes, or puts a schedule into the projection of the workpiece.
        needs_training: Whether the weights go during the training that follows.
        options: Names and defaults of the options.
        check: Called with the options; raises `UsageError` for values that make no sense.
    """

    name: str
    title: str
    apply: Apply
    needs_training: bool = False
    options: Mapping[str, float] = field(default_factory=dict)
    check: Callable[[Mapping[str, float], str], None] | None = None


prunings: Registry[Pruning] = Registry("pruning", "efficienttrust.compression.pruning.catalogue", of=Pruning)


def parse_pruning(text: str) -> PruneStep:
    """Read `magnitude:0.5`, `structured:50%` or `gradual:0.8, regrow=0.3`.

    Raises:
        UsageError: An unknown method or option, or an amount that is no share between 0 and 1.
    """
    what = f"--prune {text.strip()}"
    known = {name: prunings.get(name).options for name in prunings.names()}
    said = parse_method(text, what, known)
    method = prunings.get(said.name)
    options = {**method.options, **said.options}
    if method.check is not None:
        method.check(options, what)
    return PruneStep(method.name, _share(said.amount, said.name, what), text.strip(), options)


def _share(text: str, name: str, what: str) -> float:
    if not text:
        raise UsageError(f"{what}: say how much goes, as {name}:0.5 or {name}:50%")
    number, percent = (text[:-1], 100.0) if text.endswith("%") else (text, 1.0)
    try:
        share = float(number) / percent
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise UsageError(f"{what}: {text!r} is no share above 0 and below 1; write {name}:0.5 or {name}:50%")
    return share
