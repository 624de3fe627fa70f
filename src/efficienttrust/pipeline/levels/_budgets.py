"""What constraints on limits of the budget share: reading the ledger of the baseline, and setting one limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured
from efficienttrust.resources import Budget

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def with_limit(arguments: Arguments, **limit: Any) -> Limited:
    """Return the arguments with one limit of the budget set, the others kept.

    Args:
        arguments: Arguments of `fit`.
        **limit: Name of a resource to its limit, as `Budget` takes it.
    """
    budget = replace(Budget.parse(str(arguments["budget"])), **limit)
    return Limited({**arguments, "budget": str(budget)}, str(Budget(**limit)))


def rounded(value: float) -> float:
    """Return a measured figure as short as it means something: to six digits."""
    return float(f"{value:.6g}")


def spent(baseline: Baseline, clock: str, what: str) -> float:
    """Return what the baseline spent on a clock inside its budget.

    Args:
        baseline: The baseline.
        clock: A clock of the ledger.
        what: How to say that it spent nothing: `passes over the training rows`.

    Raises:
        UsageError: Nothing was spent on that clock.
    """
    used = float(baseline.run.ledger.get("clocks", {}).get(clock, 0.0))
    if not used > 0:
        raise UsageError(f"the baseline has no record of {what}: choose another constraint, such as time")
    return used


def networks_only(baseline: Baseline, constraint: str) -> None:
    """Raise `UsageError` where the baseline did not train one network."""
    trainer = baseline.run.document["spec"]["trainer"]
    if trainer != "network":
        raise UsageError(
            f"level {constraint}: the baseline was trained by {trainer}, and only a network has {_HAS[constraint]}; "
            "choose another constraint, or a baseline that is a network"
        )


_HAS = {
    "epochs": "epochs",
    "early_stopping": "epochs to stop early in",
    "width": "a width",
    "sparsity": "weights to prune",
    "bits": "weights to round",
}


def of_the_file(name: str, unit: str, what: str) -> Constraint:
    """Return the constraint on a resource that is measured on the delivered file and limited by the budget.

    Args:
        name: The resource, as the ledger and the budget call it.
        unit: Unit of the ledger's figure.
        what: What is measured, for the definition.
    """
    whole = name in ("parameters", "size")

    def measure(baseline: Baseline) -> Measured:
        used = float(baseline.run.ledger.get(name, {}).get("used") or math.nan)
        if not used > 0:
            raise UsageError(f"level {name}: the baseline has no figure of its {name}; measure it again by fit")
        return Measured(used, unit, "measured on the baseline's file")

    def apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
        # Rows a second are the inverse of a resource: the share is of the time that a row takes.
        limit = measured.value / share if name == "throughput" else measured.value * share
        return with_limit(arguments, **{name: max(1, math.floor(limit)) if whole else rounded(limit)})

    definition = f"The level is a share of {what} of the baseline's file, and becomes a limit that the file must meet."
    return Constraint(name, definition, (f"budget.{name}",), measure, apply)
