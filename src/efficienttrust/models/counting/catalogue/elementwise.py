"""Element-wise operators, by their definition in elementary functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.models.counting._formulas import flop_formulas, on_numbers, per_output, register_all
from efficienttrust.resources.flops import COMPOSITE, Cost

_ELEMENTARY = (
    *("mul", "div", "neg", "abs", "sign", "sgn", "reciprocal", "square", "sqrt", "rsqrt", "pow", "float_power"),
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "sigmoid", "hypot"),
    *("maximum", "minimum", "fmax", "fmin", "relu", "clamp_min", "clamp_max", "threshold", "heaviside", "fmod"),
    *("remainder", "floor_divide", "xlogy", "angle", "deg2rad", "rad2deg"),
    *("floor", "ceil", "round", "trunc", "frac", "eq", "ne", "lt", "le", "gt", "ge", "lgamma", "digamma"),
    *("isnan", "isinf", "isposinf", "isneginf", "logaddexp", "logaddexp2", "special_erfcx", "nextafter"),
)
register_all(_ELEMENTARY, per_output(1))
register_all(("addcmul", "addcdiv", "lerp"), per_output(3))
register_all(("logit",), per_output(3))  # 1 − x, ÷, log
register_all(("glu",), per_output(2))  # a · σ(b)
register_all(("native_dropout",), per_output(2))  # × mask, ÷ share kept; only where a model keeps it on
register_all(("hardshrink", "softshrink"), per_output(2))
register_all(("nan_to_num",), per_output(3))  # three comparisons
register_all(("_prelu_kernel", "rrelu_with_noise", "leaky_relu"), per_output(COMPOSITE["leaky_relu"]))
register_all(("hardtanh", "clamp"), per_output(COMPOSITE["clamp"]))
register_all(("log_sigmoid_forward",), per_output(COMPOSITE["log_sigmoid"]))
for _name in ("elu", "celu", "selu", "silu", "mish", "softplus", "hardsigmoid", "hardswish"):
    register_all((_name,), per_output(COMPOSITE[_name]))


@flop_formulas.register("aten.add")
@flop_formulas.register("aten.sub")
@flop_formulas.register("aten.rsub")
def _sum(arguments: Mapping[str, Any], output: Any) -> Cost:
    """One per element, and one more where the second term is multiplied by `alpha`."""
    if not on_numbers(arguments, output):
        return Cost()
    return Cost(other=(1.0 + (arguments.get("alpha", 1) != 1)) * output.numel())


@flop_formulas.register("aten.gelu")
def _gelu(arguments: Mapping[str, Any], output: Any) -> Cost:
    kind = "gelu_tanh" if arguments.get("approximate") == "tanh" else "gelu"
    return Cost(other=COMPOSITE[kind] * output.numel())
