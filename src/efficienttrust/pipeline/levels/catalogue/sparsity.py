"""Sparsity: a share of the baseline's weights that are not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._budgets import networks_only
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    networks_only(baseline, "sparsity")
    if pruned := baseline.run.document["spec"].get("prune"):
        raise UsageError(f"level sparsity: the baseline is pruned already ({pruned}); measure one that is not")
    from efficienttrust.compression import parent_of

    return Measured(
        float(parent_of(baseline.run.scorer).n_parameters), "weights", "parameters of the baseline's network"
    )


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    text = f"gradual:{round(1 - share, 12):g}"
    return Limited({**arguments, "prune": text}, f"prune={text}")


constraints.register("sparsity")(
    Constraint(
        "sparsity",
        "The level is a share of the weights that stay other than zero; the rest is pruned gradually while training.",
        ("prune",),
        _measure,
        _apply,
    )
)
