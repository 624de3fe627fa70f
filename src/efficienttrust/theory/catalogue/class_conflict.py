"""When one class is more spread than the other, robustness widens the gap of their errors: a closed form.

Letters: y = +-1, equally frequent; x | y ~ N(y theta, sd_y^2 I), theta = eta (1, ..., 1), sd_+ = K sd_-, K >= 1; m =
sqrt(d) eta / sd_- and e = sqrt(d) eps / sd_-, eps under linf. The best direction of a linear rule is theta, for any eps
< eta and any weighing of the classes; along it, in units of sd_-, the classes are N(-m, 1) and N(m, K^2), and an attack
moves a row by e. A rule decides +1 above its threshold t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._result import Result, results

ASSUMPTIONS = (
    "two equally frequent isotropic Gaussian classes, means along the diagonal, one K times as spread",
    "linear rules, linf attacks",
)
SOURCE = "Xu et al. 2021; Ma et al. 2022. Differs in that the class-fair rules and K = 1 are added"


@dataclass(frozen=True, eq=False)
class ClassRule:
    """A threshold rule and what it does to the two classes.

    Attributes:
        threshold: t, in units of sd_-, from the middle between the means.
        standard: Errors of the class -1 and the class +1 without an attack [2].
        robust: The same under attack [2].
    """

    threshold: float
    standard: Bound
    robust: Bound


@dataclass(frozen=True, eq=False)
class ClassTradeoff:
    """The best linear rules for four aims.

    Attributes:
        rules: `standard` and `robust` have the least error without and under attack; `fair` and `robust_fair` the least
            under the condition that both classes have the same error, without and under attack.
        conflict: By how much the gap of the standard errors of the `robust` rule exceeds that of the `standard` rule.
    """

    rules: dict[str, ClassRule]
    conflict: Bound


def gaussian_class_tradeoff(m: float, K: float, e: float) -> ClassTradeoff:
    """Return the best linear rules for accuracy, robustness and equal class errors, with their class errors.

    Math: with A = 2 m / (K^2 - 1), r = sqrt(A^2 + 2 ln K / (K^2 - 1)) the best standard rule errs Phi(A - K r) on the
    class -1 and Phi(r - K A) on the class +1; the robust rule has the same under attack with m - e for m; a rule that
    is equal to both errs Phi(-2 m / (K + 1)).

    Args:
        m: Half the distance of the means, in units of sd_-; above 0.
        K: sd_+ / sd_-, at least 1.
        e: What an attack moves a row by, in units of sd_-.

    Returns:
        The rules. Those under attack are vacuous, with NaN, from e = m on: then the attack reaches the other mean and
        the diagonal is no longer the best direction.
    """
    positive("m", m)
    not_negative("e", e)
    if not (K >= 1 and math.isfinite(K)):
        raise UsageError(f"K is {K}: it is the larger spread over the smaller; name the wider class +1")
    thresholds = {
        "standard": _threshold(m, K),
        "robust": _threshold(m - e, K) if e < m else math.nan,
        "fair": m * (1 - K) / (1 + K),
        "robust_fair": (m - e) * (1 - K) / (1 + K) if e < m else math.nan,
    }
    inputs = {"m": m, "K": K, "e": e}
    reason = f"an attack of e = {e:g} reaches the other mean at m = {m:g}" if e >= m else ""

    def errors(t: float, move: float) -> Bound:
        from scipy.special import ndtr

        unknown = math.isnan(t) or (move > 0 and bool(reason))
        value = np.array([ndtr(-(t + m - move)), ndtr(-(m - move - t) / K)])
        return Bound(
            np.full(2, math.nan) if unknown else value,
            "exact",
            ASSUMPTIONS,
            SOURCE,
            inputs,
            unknown,
            reason if unknown else "",
        )

    rules = {name: ClassRule(t, errors(t, 0.0), errors(t, e)) for name, t in thresholds.items()}
    gaps = [float(np.diff(rules[name].standard.value)[0]) for name in ("standard", "robust")]
    conflict = Bound(
        gaps[1] - gaps[0],
        "exact",
        ASSUMPTIONS,
        SOURCE,
        inputs,
        bool(reason),
        reason,
        {"gap_standard": gaps[0], "gap_robust": gaps[1]},
    )
    return ClassTradeoff(rules, conflict)


def _threshold(m: float, K: float) -> float:
    """Return K r - A - m, where the densities of N(-m, 1) and N(m, K^2) meet, without cancellation near K = 1."""
    root = math.sqrt(4 * m**2 + 2 * (K**2 - 1) * math.log(K))
    return (4 * m**2 + 2 * K**2 * math.log(K)) / (K * root + 2 * m) - m


results.register("T12", "class_conflict")(
    Result(
        code="T12",
        title="Robustness against equal class errors, in closed form",
        statement=(
            "Two classes along a line, N(-m, 1) and N(m, K^2), K > 1, A = 2m/(K^2-1), r = sqrt(A^2 + 2 ln K/(K^2-1)): "
            "the most accurate linear rule errs Phi(A - K r) on the narrow and Phi(r - K A) on the wide class. The "
            "most robust one is that of m - e: its standard error is smaller on the narrow class and larger on the "
            "wide one. The rule with equal errors has Phi(-2m/(K+1)) on both."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for=(
            "Shows that robust training alone can widen a gap of groups, by how much, and what levelling it costs."
        ),
        vacuous_when="e >= m: an attack reaches the other mean. K = 1: there is no conflict.",
        functions=("gaussian_class_tradeoff",),
        worked=lambda: gaussian_class_tradeoff(2.0, 2.0, 0.5).conflict,
        worked_text="Growth of the gap of class errors by the robust rule, m = 2, K = 2, e = 0.5.",
    )
)
