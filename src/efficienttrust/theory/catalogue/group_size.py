"""What no auditor and no learner can know about a group of n_g rows, whatever they compute.

Letters: p a rate, tau the difference to detect, delta the chance of either error; m = |mu| / sigma half the distance of
the two classes' means in standard deviations, d the number of columns, Phi the normal distribution function.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive, probability, whole
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._divergence import binary_kl
from efficienttrust.theory._result import Result, results

CHUNK = 1024
MOST_ROWS = 10_000_000
NODES = 200


def min_group_n_lower(p: float, tau: float, delta: float = 0.05) -> Bound:
    """Return how many rows any test needs at least to tell a rate p from p + tau, with both errors at most delta.

    Math: both errors at most delta imply 2 delta >= exp(-n kl) / 2, hence n >= ln(1 / (4 delta)) / kl, with the smaller
    of kl(p || p + tau) and kl(p + tau || p).

    Args:
        p: A rate in (0, 1).
        tau: The difference, above 0, with p + tau below 1.
        delta: Largest chance of either error.

    Returns:
        Rows, a `lower` bound; vacuous from delta = 1/4 on.
    """
    _rates(p, tau, delta)
    nothing = delta >= 0.25
    divergence = min(float(binary_kl(p, p + tau)), float(binary_kl(p + tau, p)))
    return Bound(
        value=0 if nothing else math.ceil(math.log(1 / (4 * delta)) / divergence),
        kind="lower",
        assumptions=("the rows are independent draws", "the test has to work at both rates"),
        source="Bretagnolle and Huber 1979, as in Tsybakov 2009",
        inputs={"p": p, "tau": tau, "delta": delta},
        vacuous=nothing,
        reason="errors of 1/4 and more are reached without a row by this bound" if nothing else "",
    )


def exact_test_size(p: float, tau: float, delta: float = 0.05) -> Bound:
    """Return the smallest n at which a test of p against p + tau has both errors at most delta: exact.

    The best test rejects from a count c on (Neyman and Pearson), so every n and c is tried. Binomial laws have steps: a
    larger n may fail again, and `details["from_there_on"]` is the n from which at least the next 1,000 all work.

    Args:
        p: A rate in (0, 1).
        tau: The difference, above 0, with p + tau below 1.
        delta: Largest chance of either error.
    """
    _rates(p, tau, delta)
    first, last_failure, start = 0, 0, 1
    while start <= MOST_ROWS:
        n = np.arange(start, start + CHUNK, dtype=np.float64)
        works = _works(n, p, p + tau, delta)
        if works.any() and not first:
            first = int(n[np.argmax(works)])
        if not works.all():
            last_failure = int(n[np.flatnonzero(~works)[-1]])
        elif first:
            break
        start += CHUNK
    else:
        raise UsageError(f"more than {MOST_ROWS:,} rows would be needed to detect {tau}: give a larger difference")
    return Bound(
        value=first,
        kind="exact",
        assumptions=("the rows are independent draws", "the test is not randomised"),
        source="Neyman and Pearson 1933, by enumeration",
        inputs={"p": p, "tau": tau, "delta": delta},
        details={"from_there_on": last_failure + 1},
    )


def group_size_error_curve(m: float, d: int, n_by_group: Sequence[int]) -> Bound:
    """Return the expected error of the plug-in linear rule of each group by its number of rows, equally hard groups.

    y = ±1 evenly, x ~ N(y mu, I_d), |mu| = m; the rule is sign(w.x), w the mean of y x over n rows. Math: sqrt(n) w . x
    = (|a|^2 - |b|^2) / 4 for two independent normal vectors a and b with covariance 2 I, so the error is the chance
    that chi2_d((sqrt n + 1)^2 m^2 / 2) < chi2_d((sqrt n - 1)^2 m^2 / 2): an integral in one dimension.

    Args:
        m: Half the distance of the means, in standard deviations.
        d: Columns.
        n_by_group: Rows of each group.

    Returns:
        Errors [G], `exact`. `details`: `approximation` Phi(-m^2 / sqrt(m^2 + d / n)), `best` Phi(-m), which no rule
        beats, and `gap`, the accuracy gap that group sizes alone produce.
    """
    from scipy import special

    positive("m", m)
    sizes = np.array([whole("group size", n) for n in n_by_group], dtype=np.float64)
    if not len(sizes):
        raise UsageError("no group sizes: give the rows of each group")
    dimension = whole("d", d)
    errors = np.array([_plug_in_error(m, dimension, float(n)) for n in sizes])
    return Bound(
        value=errors,
        kind="exact",
        assumptions=("two balanced normal classes with the known covariance sigma^2 I", "the rule is the plug-in rule"),
        source="own closed form; the approximation is the usual large-d one (Raudys 1972)",
        inputs={"m": m, "d": d, "n_by_group": tuple(int(n) for n in sizes)},
        details={
            "approximation": special.ndtr(-(m**2) / np.sqrt(m**2 + dimension / sizes)),
            "best": float(special.ndtr(-m)),
            "gap": float(np.ptp(errors)),
        },
    )


def vc_minimax_scaling(vc_dimension: float, n: float) -> Bound:
    """Return sqrt(V / n): how the best learner's excess error falls with the rows of a group, constants unknown."""
    return Bound(
        value=math.sqrt(positive("vc_dimension", vc_dimension) / positive("n", n)),
        kind="scaling",
        assumptions=("the worst distribution for a class of VC dimension V", "constants are not specified"),
        source="Vapnik and Chervonenkis 1974; Devroye, Györfi and Lugosi 1996, chapter 14",
        inputs={"vc_dimension": vc_dimension, "n": n},
    )


def _rates(p: float, tau: float, delta: float) -> None:
    probability("p", p)
    probability("delta", delta)
    if not_negative("tau", tau) == 0 or p + tau >= 1:
        raise UsageError(f"tau is {tau}: the other rate p + tau has to lie between p = {p} and 1")


def _works(n: NDArray[np.float64], p: float, q: float, delta: float) -> NDArray[np.bool_]:
    """Return for each n whether some count c has P_p(X >= c) <= delta and P_q(X < c) <= delta."""
    from scipy import stats

    accepted = stats.binom.isf(delta, n, p)  # the smallest c - 1 with P_p(X > c - 1) <= delta
    works: NDArray[np.bool_] = stats.binom.cdf(accepted, n, q) <= delta
    return works


def _plug_in_error(m: float, d: int, n: float) -> float:
    from scipy import stats

    more, less = (math.sqrt(n) + 1) ** 2 * m**2 / 2, (math.sqrt(n) - 1) ** 2 * m**2 / 2
    middle, spread = math.sqrt(d + less), 9.0  # the square root of a noncentral chi-square has a spread of about 1
    low, high = max(0.0, middle - spread), middle + spread
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    root = low + (high - low) * (nodes + 1) / 2  # in the root there is no pole at 0 for d = 1
    density = 2 * root * stats.chi2.pdf(root**2, d) if less == 0 else 2 * root * stats.ncx2.pdf(root**2, d, less)
    return float((high - low) / 2 * weights @ (density * stats.ncx2.cdf(root**2, d, more)))


results.register("T11", "group_size")(
    Result(
        code="T11",
        title="Lower bounds from the size of a group",
        statement=(
            "To tell a rate p from p + tau with both errors at most delta, any test needs n >= ln(1/(4 delta)) / kl(p "
            "|| p + tau) rows of the group. A plug-in linear rule learned from n_g rows of d columns has an error of "
            "about Phi(-m^2 / sqrt(m^2 + d/n_g)) >= Phi(-m): groups of different size get different accuracy even "
            "where they are equally hard."
        ),
        assumptions=("independent rows", "for the error curve: two balanced normal classes, covariance known"),
        source=(
            "Bretagnolle and Huber 1979; Le Cam 1973; Raudys 1972. Differs in that the error of the plug-in rule is "
            "exact (two noncentral chi-squares), not the large-d approximation"
        ),
        good_for="Refuse audits that no test could pass, and tell a gap of sample size from one of the model.",
        vacuous_when="delta is 1/4 or more; the VC scaling always, as its constant is not specified.",
        functions=("min_group_n_lower", "exact_test_size", "group_size_error_curve", "vc_minimax_scaling"),
        worked=lambda: min_group_n_lower(0.30, 0.05, 0.05),
        worked_text="Rows that any test needs at least to tell a rate of 0.30 from 0.35 with both errors at most 0.05.",
    )
)
