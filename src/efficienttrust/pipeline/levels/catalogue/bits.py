"""Bits: a share of the 32 bits of a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._budgets import networks_only
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline

FLOAT_BITS = 32


def _measure(baseline: Baseline) -> Measured:
    networks_only(baseline, "bits")
    quantized = baseline.run.document["spec"].get("quantize", "auto")
    if quantized not in ("auto", "none"):
        raise UsageError(f"level bits: the baseline is quantised already ({quantized}); measure one that is not")
    return Measured(float(FLOAT_BITS), "bits a weight", "weights are float32")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    text = f"weights:{max(1, round(share * measured.value))}"
    from efficienttrust.compression.quantisation import parse_quantisation

    try:
        parse_quantisation(text)
    except UsageError as error:
        raise UsageError(f"level bits={100 * share:g}% of {FLOAT_BITS} bits: {error}") from None
    return Limited({**arguments, "quantize": text}, f"quantize={text}")


constraints.register("bits")(
    Constraint(
        "bits",
        "The level is a share of the 32 bits of a weight, to the nearest whole one; weights are rounded to so many.",
        ("quantize",),
        _measure,
        _apply,
    )
)
