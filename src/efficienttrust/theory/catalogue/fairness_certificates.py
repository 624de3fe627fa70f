"""What a sample proves about the gap between groups, and how many rows it takes.

Letters: k_g decisions (or right decisions, or any hits) in n_g rows of group g, rate p_g = k_g / n_g; alpha the chance
of a wrong statement; tau the gap that is asked for. The certificates of a run (`efficienttrust.evaluation.certify`)
rest on an exact unconditional test, which is sharper than any method here; these closed forms say beforehand what a
sample of a size can prove.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.chance import expected_gap
from efficienttrust.metrics.intervals import clopper_pearson, folded, newcombe, two_sided_z
from efficienttrust.theory._arguments import positive, probability, whole
from efficienttrust.theory._bound import Bound, Kind
from efficienttrust.theory._result import Result, results

Method = Literal["newcombe", "mcdiarmid", "clopper-pearson"]
Counts = tuple[float, float, float, float]
"""`(k1, n1, k0, n0)`: hits and rows of the one group, then of the other."""

ROWS = ("the rows of each group are independent draws", "the model was fixed before these rows were looked at")
MOST_ROWS = 1e15
SOURCES = {
    "newcombe": "Newcombe 1998, method 10 (Wilson-hybrid); nominal on average, not at every rate",
    "mcdiarmid": "McDiarmid 1989",
    "clopper-pearson": "Clopper and Pearson 1934, each rate at half of alpha",
}


def dpd_interval(
    k1: float,
    n1: float,
    k0: float,
    n0: float,
    alpha: float = 0.05,
    method: Method = "newcombe",
    *,
    looks: int = 1,
    pairs: int = 1,
) -> Bound:
    """Return the interval of the signed difference of two groups' rates at level 1 - alpha.

    Args:
        k1: Hits in the first group.
        n1: Rows of it.
        k0: Hits in the second group.
        n0: Rows of it.
        alpha: Chance that the interval misses the true difference.
        method: `newcombe` (the usual display), `mcdiarmid` (any n, ignores the rates) or `clopper-pearson` (any n).
        looks: Times that these rows are looked at; each interval then holds at alpha / (looks · pairs).
        pairs: Pairs of groups that are compared.

    Returns:
        `value` is (low, high) of p1 - p0 within [-1, 1]; `details["absolute"]` is the interval of |p1 - p0|. Newcombe's
        is an `estimate`, the others are `exact` (at least 1 - alpha at any n).

    Raises:
        UsageError: Hits that are not within 0 and n, no rows, or a level out of range.
    """
    share = probability("alpha", alpha) / (whole("looks", looks) * whole("pairs", pairs))
    low, high = _interval((k1, n1, k0, n0), share, method)
    absolute = _absolute(low, high)
    nothing = absolute == (0.0, 1.0)
    return Bound(
        value=np.array([low, high]),
        kind=_kind(method),
        assumptions=ROWS,
        source=SOURCES[method],
        inputs={
            "k1": k1,
            "n1": n1,
            "k0": k0,
            "n0": n0,
            "alpha": alpha,
            "method": method,
            "looks": looks,
            "pairs": pairs,
        },
        vacuous=nothing,
        reason="the interval of the gap is [0, 1]" if nothing else "",
        details={"estimate": k1 / n1 - k0 / n0, "absolute": absolute, "level": 1 - share},
    )


def eod_interval(
    tpr: Counts, fpr: Counts, alpha: float = 0.05, method: Method = "newcombe", *, looks: int = 1, pairs: int = 1
) -> Bound:
    """Return the interval of the equalized odds difference (the larger of two gaps) of two groups.

    Both gaps hold at once, each at alpha / 2, so the larger and the mean of them do.

    Args:
        tpr: `(k1, n1, k0, n0)` among the rows with label 1.
        fpr: The same among the rows with label 0.
        alpha: Chance that the interval misses.
        method: As in `dpd_interval`.
        looks: Times that these rows are looked at.
        pairs: Pairs of groups that are compared.

    Returns:
        `value` is (low, high) of the larger gap; `details` has those of both gaps (`tpr`, `fpr`) and of their mean.
    """
    gaps = [dpd_interval(*counts, alpha / 2, method, looks=looks, pairs=pairs) for counts in (tpr, fpr)]
    ends = np.array([gap.details["absolute"] for gap in gaps])
    larger = ends.max(axis=0)
    nothing = bool(larger[0] <= 0 and larger[1] >= 1)
    return Bound(
        value=larger,
        kind=_kind(method),
        assumptions=ROWS,
        source=SOURCES[method],
        inputs={"tpr": tpr, "fpr": fpr, "alpha": alpha, "method": method, "looks": looks, "pairs": pairs},
        vacuous=nothing,
        reason="the interval of the gap is [0, 1]" if nothing else "",
        details={"tpr": tuple(ends[0]), "fpr": tuple(ends[1]), "mean": tuple(ends.mean(axis=0))},
    )


def min_group_size(
    tau: float,
    d_hat: float,
    alpha: float = 0.05,
    method: Method = "mcdiarmid",
    *,
    rate: float = 0.5,
    looks: int = 1,
    pairs: int = 1,
) -> Bound:
    """Return the smallest n of each of two groups at which a gap seen as `d_hat` is certified below `tau`.

    Math (McDiarmid): n = ln(2 / alpha) / (tau - d_hat)^2. The other methods search for the n at which the upper end of
    their interval is tau, with `rate` ± d_hat / 2 as the groups' rates.

    Args:
        tau: The gap that is asked for, in (0, 1).
        d_hat: The gap that will be seen, at least 0.
        alpha: Chance of a false certificate.
        method: As in `dpd_interval`.
        rate: Mean rate of both groups; McDiarmid's bound does not depend on it.
        looks: Times that the rows are looked at.
        pairs: Pairs of groups that are compared.

    Returns:
        Rows per group; infinite, and vacuous, where d_hat is not below tau.
    """
    probability("tau", tau)
    probability("rate", rate)
    if not 0 <= d_hat <= 2 * min(rate, 1 - rate):
        raise UsageError(
            f"d_hat is {d_hat}: a gap lies between 0 and {2 * min(rate, 1 - rate):g} at a mean rate of {rate}"
        )
    share = probability("alpha", alpha) / (whole("looks", looks) * whole("pairs", pairs))
    never = d_hat >= tau
    return Bound(
        value=math.inf if never else _smallest(tau, d_hat, share, method, rate),
        kind="upper" if method == "mcdiarmid" else "estimate",
        assumptions=(*ROWS, "the gap that will be seen is d_hat", "both groups have the same number of rows"),
        source=SOURCES[_known(method)],
        inputs={
            "tau": tau,
            "d_hat": d_hat,
            "alpha": alpha,
            "method": method,
            "rate": rate,
            "looks": looks,
            "pairs": pairs,
        },
        vacuous=never,
        reason=f"a gap seen as {d_hat:g} certifies no gap below {tau:g} at any size" if never else "",
    )


def dpd_null_bias(p: float, ns: Sequence[int]) -> Bound:
    """Return the expected max - min of the groups' rates where all true rates are `p`: what noise alone shows.

    Math: the integral over x of 1 - prod F_g(x) - prod (1 - F_g(x)), F_g the law of a binomial rate: exact. For two
    groups it is about sqrt(2/pi p (1 - p) (1/n_0 + 1/n_1)), which `details["normal"]` holds.

    Args:
        p: The rate of every group.
        ns: Rows of each group, two groups or more.
    """
    from scipy import special

    probability("p", p)
    sizes = np.array([whole("group size", n) for n in ns])
    if len(sizes) < 2:
        raise UsageError("a gap needs two groups or more: give their sizes")
    errors = np.sqrt(p * (1 - p) / sizes)
    points = np.unique(np.concatenate([_support(p, int(n), float(e)) for n, e in zip(sizes, errors, strict=True)]))
    # points of different groups that are the same fraction differ by rounding: count as one what is closer than that
    below = special.bdtr(np.floor(points[:-1, None] * sizes + 1e-6), sizes, p)
    between = 1 - below.prod(axis=1) - (1 - below).prod(axis=1)
    return Bound(
        value=float(np.sum(between * np.diff(points))),
        kind="exact",
        assumptions=("every group has the same true rate p", ROWS[0]),
        source="order statistics of independent binomial rates",
        inputs={"p": p, "ns": tuple(int(n) for n in sizes)},
        details={"normal": expected_gap(errors)},
    )


@dataclass(frozen=True)
class GapVerdict:
    """What a sample says about `gap <= tau` of all pairs of groups at once.

    Attributes:
        status: `pass` where every pair's interval lies below tau, `fail` where one lies above, else `undecided`.
        gap: Interval of max - min of the rates.
        largest: The two groups whose difference was seen to be the largest, by place.
        level: Confidence of each pair's interval.
    """

    status: Literal["pass", "fail", "undecided"]
    gap: Bound
    largest: tuple[int, int]
    level: float


def certify_gap(
    hits: Sequence[float],
    sizes: Sequence[float],
    tau: float,
    alpha: float = 0.05,
    method: Method = "clopper-pearson",
    *,
    looks: int = 1,
) -> GapVerdict:
    """Return whether the gap between groups is proven to be at most `tau`, proven to be larger, or neither.

    Args:
        hits: Hits of each group [K].
        sizes: Rows of each group [K], K at least 2.
        tau: The gap that is asked for.
        alpha: Chance of a false statement over all pairs and looks.
        method: As in `dpd_interval`; the verdict is only as rigorous as the method.
        looks: Times that the rows are looked at.
    """
    probability("tau", tau)
    if len(hits) != len(sizes) or len(hits) < 2:
        raise UsageError(
            f"{len(hits)} counts of {len(sizes)} groups: give one count and one size for two groups or more"
        )
    places = list(combinations(range(len(hits)), 2))
    found = [
        dpd_interval(hits[g], sizes[g], hits[h], sizes[h], alpha, method, looks=looks, pairs=len(places))
        for g, h in places
    ]
    low, high = np.array([interval.details["absolute"] for interval in found]).max(axis=0)
    seen = int(np.argmax([abs(interval.details["estimate"]) for interval in found]))
    nothing = bool(low <= 0 and high >= 1)
    gap = Bound(
        value=np.array([low, high]),
        kind=_kind(method),
        assumptions=ROWS,
        source=SOURCES[method],
        inputs={"hits": tuple(hits), "sizes": tuple(sizes), "alpha": alpha, "method": method, "looks": looks},
        vacuous=nothing,
        reason="the interval of the gap is [0, 1]" if nothing else "",
        details={"estimate": abs(found[seen].details["estimate"])},
    )
    status: Literal["pass", "fail", "undecided"] = "pass" if high <= tau else "fail" if low > tau else "undecided"
    return GapVerdict(status, gap, places[seen], found[0].details["level"])


def _kind(method: str) -> Kind:
    return "estimate" if _known(method) == "newcombe" else "exact"


def _known(method: str) -> str:
    if method not in get_args(Method):
        raise unknown_name("method", method, get_args(Method))
    return method


def _interval(counts: Counts, alpha: float, method: str) -> tuple[float, float]:
    """Return the interval of p1 - p0 within [-1, 1]."""
    k1, n1, k0, n0 = counts
    for k, n in ((k1, n1), (k0, n0)):
        if not 0 <= k <= positive("the number of rows", n):
            raise UsageError(f"{k} hits of {n} rows: the hits lie between 0 and the rows")
    _known(method)
    if method == "newcombe":
        low, high = (float(end) for end in newcombe(k1, n1, k0, n0, two_sided_z(1 - alpha)))
    elif method == "mcdiarmid":
        reach = math.sqrt(math.log(2 / alpha) / 2 * (1 / n0 + 1 / n1))
        low, high = k1 / n1 - k0 / n0 - reach, k1 / n1 - k0 / n0 + reach
    else:
        (low1, high1), (low0, high0) = (clopper_pearson(k, n, alpha / 4) for k, n in ((k1, n1), (k0, n0)))
        low, high = float(low1 - high0), float(high1 - low0)
    return max(-1.0, low), min(1.0, high)


def _absolute(low: float, high: float) -> tuple[float, float]:
    least, most = folded(low, high)
    return float(least), float(most)


def _smallest(tau: float, d_hat: float, alpha: float, method: str, rate: float) -> int:
    """Return the smallest n by bisection; the upper end falls with n."""

    def enough(n: float) -> bool:
        counts = (n * (rate + d_hat / 2), n, n * (rate - d_hat / 2), n)
        return _absolute(*_interval(counts, alpha, method))[1] <= tau

    below, above = 0, 1
    while not enough(above):
        below, above = above, 2 * above
        if above > MOST_ROWS:
            raise UsageError(f"no group of up to {MOST_ROWS:.0e} rows suffices: {d_hat:g} is too close to {tau:g}")
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


def _support(p: float, n: int, error: float) -> np.ndarray:
    """Return the rates k / n of a binomial that are not farther from p than any that matters in double precision."""
    first, last = max(0, math.floor(n * (p - 10 * error)) - 40), min(n, math.ceil(n * (p + 10 * error)) + 40)
    return np.arange(first, last + 1) / n


results.register("T7", "fairness_certificates")(
    Result(
        code="T7",
        title="Finite-sample certificates of a gap between groups",
        statement=(
            "With n_1 and n_0 independent rows, |(phat_1 - phat_0) - (p_1 - p_0)| <= sqrt(ln(2/alpha)/2 (1/n_1 + "
            "1/n_0)) with probability 1 - alpha; hence a gap seen as d is certified below tau from n = "
            "ln(2/alpha)/(tau - d)^2 rows per group on. At no true gap, max - min of the rates is still sqrt(2/pi "
            "p(1-p)(1/n_1 + 1/n_0)) on average. M looks at K pairs need alpha/(MK)."
        ),
        assumptions=ROWS,
        source=(
            "McDiarmid 1989; Clopper and Pearson 1934; Newcombe 1998. Differs in that the bias of the estimated gap is "
            "computed exactly for any number of groups"
        ),
        good_for="Say before training how many rows per group a target needs, and whether this sample can prove it.",
        vacuous_when="The interval of the gap is [0, 1], or the gap that was seen is not below the target.",
        functions=("dpd_interval", "eod_interval", "min_group_size", "dpd_null_bias", "certify_gap"),
        worked=lambda: min_group_size(0.05, 0.02),
        worked_text="Rows per group that certify a gap of at most 0.05 where 0.02 will be seen (McDiarmid, 95 %).",
    )
)
