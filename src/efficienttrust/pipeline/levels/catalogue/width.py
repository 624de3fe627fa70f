"""Width: the baseline's network, as much narrower as it takes to have a share of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._budgets import networks_only
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline

HALVINGS = 16  # of the interval in which the factor is sought
NEAR = 0.1  # share of the parameters asked from which the difference is said

Options = Mapping[str, Any]


def _measure(baseline: Baseline) -> Measured:
    networks_only(baseline, "width")
    name, options = _network(baseline)
    n = _counter(baseline, name)(options)
    return Measured(float(n), "parameters", f"of the baseline's network {_text(name, options)}")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    name, options = _network(baseline)
    count, wanted = _counter(baseline, name), share * measured.value
    below, above = narrowed(options, 0.0), narrowed(options, 1.0)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = narrowed(options, middle)
        if count(tried) < wanted:
            low, below = middle, tried
        else:
            high, above = middle, tried
    chosen = min(below, above, key=lambda one: abs(count(one) - wanted))
    text, n = _text(name, chosen), count(chosen)
    said = f"{text}, {n:,} parameters"
    if abs(n - wanted) > NEAR * wanted:
        said += f": no width is nearer to {wanted:,.0f}, as a layer has at least one unit and a whole number of them"
    return Limited({**arguments, "model": text}, said)


def _network(baseline: Baseline) -> tuple[str, Options]:
    """Return the network that was delivered, with the options that make it, its width among them."""
    from efficienttrust.compression import ModuleScorer, NetworkScorer, parent_of
    from efficienttrust.models import network_of

    parent = parent_of(baseline.run.scorer)
    if isinstance(parent, NetworkScorer):
        widths = tuple(int(weight.shape[1]) for weight, _bias in parent.layers[:-1])
        if not widths:
            raise UsageError("level width: the baseline is a linear model, which has no width; choose data or time")
        return "mlp", {"widths": widths}
    assert isinstance(parent, ModuleScorer)
    if parent.edits:
        raise UsageError("level width: units of the baseline's network were pruned; measure one that is not pruned")
    known = network_of(parent.network).options
    option = next((option for option in ("width", "widths") if option in known), None)
    if option is None:
        raise UsageError(f"level width: {parent.network} has no option width; choose data or time")
    value = parent.options.get(option, known[option])
    return parent.network, {**parent.options, option: tuple(value) if option == "widths" else float(value)}


def narrowed(options: Options, factor: float) -> Options:
    """Return the options with the width times a factor, of which no layer loses its last unit."""
    if "widths" in options:
        return {**options, "widths": tuple(max(1, round(factor * width)) for width in options["widths"])}
    return {**options, "width": max(float(f"{factor * options['width']:.5g}"), 1e-4)}


def _counter(baseline: Baseline, name: str) -> Callable[[Options], int]:
    """Return what counts the parameters of the network at given options, on rows of the baseline."""
    from efficienttrust.models import make_network
    from efficienttrust.training import inputs_of

    problem = baseline.problem
    inputs = inputs_of(problem, 0)

    def count(options: Options) -> int:
        if "widths" in options:
            sizes = (inputs.shape[0], *options["widths"], problem.outputs)
            return sum((taken + 1) * given for taken, given in pairwise(sizes))
        module = make_network(name, inputs, problem.outputs, seed=0, **options)
        return sum(parameter.numel() for parameter in module.parameters())

    return count


def _text(name: str, options: Options) -> str:
    from efficienttrust.pipeline._document import network_text

    return network_text(name, options)


constraints.register("width")(
    Constraint(
        "width",
        "The level is a share of the parameters of the baseline's network; all layers are narrowed by one factor so "
        "that the count comes as near as it can.",
        ("model",),
        _measure,
        _apply,
    )
)
