"""Many parameters are needed to fit noisy labels smoothly: the law of robustness, with its constants.

Letters: n rows, d columns, p parameters of size at most W in a class that is J-Lipschitz in them; c the isoperimetry of
the columns; e by how much the training error lies below the noise sigma^2; Lip the Lipschitz constant in the row.
"""

from __future__ import annotations

import math

from efficienttrust.theory._arguments import positive, probability, whole
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._result import Result, results

STEEP_ANYWAY = 1.0
"""Slope of a function that says -1 and +1 at two rows of the unit ball, which are 2 apart at most."""


def law_of_robustness(
    n: int,
    d: int,
    p: int,
    excess: float = 0.1,
    *,
    weight_bound: float = 10.0,
    weight_slope: float = 100.0,
    isoperimetry: float = 1.0,
    delta: float = 0.05,
    steep_anyway: float = STEEP_ANYWAY,
) -> Bound:
    """Return the Lipschitz constant that every model with p parameters has at least once it fits below the noise.

    Math: e / (2^9 sqrt c) sqrt(n d / (p ln(60 W J / e) + ln(4 / delta))), with probability 1 - delta over the rows.
    With these constants it says nothing at practical sizes: 60,000 rows, 784 columns and 100,000 parameters give
    0.00116.

    Args:
        n: Rows.
        d: Columns.
        p: Parameters.
        excess: e: mean of the labels' noise variance minus training error, above 0.
        weight_bound: W, the largest norm of the parameters.
        weight_slope: J, how fast outputs change with the parameters.
        isoperimetry: c of the columns' law.
        delta: Chance that it fails.
        steep_anyway: A Lipschitz constant that such a model has in any case, as one measured between two rows. The
            bound is vacuous where it does not exceed this.

    Returns:
        The bound; `details["scaling"]` is sqrt(n d / p) without constants, `details["smooth_needs"]` the n d parameters
        from which a smooth fit is not excluded.
    """
    rows, columns, parameters = whole("n", n), whole("d", d), whole("p", p)
    e, w, j = positive("excess", excess), positive("weight_bound", weight_bound), positive("weight_slope", weight_slope)
    entropy = parameters * max(0.0, math.log(60 * w * j / e)) + math.log(4 / probability("delta", delta))
    slope = e / (2**9 * math.sqrt(positive("isoperimetry", isoperimetry))) * math.sqrt(rows * columns / entropy)
    nothing = slope <= steep_anyway
    return Bound(
        value=slope,
        kind="lower",
        assumptions=(
            "the columns' law is c-isoperimetric (as a normal or uniform law on the sphere)",
            "labels carry noise, and the training error lies below its variance by `excess`",
            "the parameters are bounded by W and outputs are J-Lipschitz in them",
        ),
        source="Bubeck and Sellke 2021, theorem 3",
        inputs={
            "n": n,
            "d": d,
            "p": p,
            "excess": excess,
            "weight_bound": weight_bound,
            "weight_slope": weight_slope,
            "isoperimetry": isoperimetry,
            "delta": delta,
            "steep_anyway": steep_anyway,
        },
        vacuous=nothing,
        reason=f"a slope of {slope:.3g} excludes nothing: such a model has {steep_anyway:.3g} anyway"
        if nothing
        else "",
        details={"scaling": math.sqrt(rows * columns / parameters), "smooth_needs": rows * columns},
    )


def robustness_scaling(n: int, p: int, d: int | None = None) -> Bound:
    """Return how the Lipschitz constant of a fit grows, without constants: sqrt(n d / p), or sqrt(n / p) without `d`.

    Args:
        n: Rows.
        p: Parameters.
        d: Columns, where their law is isoperimetric; without it, any law.
    """
    columns = 1 if d is None else whole("d", d)
    return Bound(
        value=math.sqrt(whole("n", n) * columns / whole("p", p)),
        kind="scaling",
        assumptions=("constants are not specified", "any law of the columns" if d is None else "isoperimetric columns"),
        source="Wu et al. 2023" if d is None else "Bubeck and Sellke 2021",
        inputs={"n": n, "p": p, "d": d},
    )


results.register("T6", "law_of_robustness")(
    Result(
        code="T6",
        title="Law of robustness, and the certified radius of a network",
        statement=(
            "Every model with p bounded parameters whose training error lies e below the noise has a Lipschitz "
            "constant of at least e / (2^9 sqrt c) sqrt(nd / (p ln(60 W J / e) + ln(4/delta))): a smooth fit of noisy "
            "labels needs p of the order of nd. Conversely no decision changes within |z(x) - t| / Lip(z) of a row x."
        ),
        assumptions=(
            "isoperimetric columns, noisy labels, bounded parameters (the law)",
            "plain layers with ReLU between them (the radius)",
        ),
        source="Bubeck and Sellke 2021; Wu et al. 2023; Szegedy et al. 2014; Hein and Andriushchenko 2017",
        good_for="The radius certifies rows of small or linear models; the law says why small models are not smooth.",
        vacuous_when="With its true constants the law is vacuous at every practical size: read its scaling only.",
        functions=("law_of_robustness", "robustness_scaling", "lipschitz_constant", "certified_radius"),
        worked=lambda: law_of_robustness(60_000, 784, 100_000),
        worked_text="Lipschitz constant that 100,000 parameters force on 60,000 rows of 784 columns: a vacuous bound.",
    )
)
