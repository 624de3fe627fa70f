"""A model that can be written in few bits cannot have learned its training rows by heart: bounds per group.

Letters: b bits of a prefix code that was fixed before the data, n rows, K groups, delta the chance that a bound fails;
R the true error and Rhat the one on the training rows. A choice among M models is a model of log2 M bits: then
"training rows" are the validation rows of the choice, and the bounds are useful.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive, probability, whole
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._divergence import kl_upper_inverse
from efficienttrust.theory._result import Result, results

ASSUMPTIONS = (
    "the code was fixed before the rows were seen",
    "the rows are independent draws of what the model will meet",
    "the loss lies between 0 and 1",
)


def occam_width(bits: float, n: float, groups: int = 1, delta: float = 0.05) -> Bound:
    """Return how far true and training error can lie apart, for every model of `bits` bits and all groups at once.

    Math: sqrt((b ln 2 + ln(2 K / delta)) / (2 n)).

    Args:
        bits: Length of the model's code; log2 of the number of candidates where one was chosen among them.
        n: Rows (of the group).
        groups: Groups K for which the bound is to hold at once.
        delta: Chance that it fails for any model or group.
    """
    width = _width(not_negative("bits", bits), positive("n", n), whole("groups", groups), probability("delta", delta))
    return Bound(
        value=width,
        kind="upper",
        assumptions=ASSUMPTIONS,
        source="Blumer et al. 1987 (Occam's razor); Shalev-Shwartz and Ben-David 2014, theorem 7.7",
        inputs={"bits": bits, "n": n, "groups": groups, "delta": delta},
        vacuous=width >= 1,
        reason="no two errors lie farther apart than 1" if width >= 1 else "",
    )


def occam_kl_upper(empirical: float, bits: float, n: float, delta: float = 0.05) -> Bound:
    """Return an upper limit of the true error, tighter than `occam_width` where the training error is small.

    Math: the largest R with kl(Rhat || R) <= (b ln 2 + ln(1 / delta)) / n.

    Args:
        empirical: Error on the n rows, in [0, 1].
        bits: Length of the model's code.
        n: Rows.
        delta: Chance that it fails for any model.
    """
    if not 0 <= empirical <= 1:
        raise UsageError(f"the error is {empirical}: give a share between 0 and 1")
    nats = not_negative("bits", bits) * math.log(2) + math.log(1 / probability("delta", delta))
    limit = kl_upper_inverse(empirical, nats / positive("n", n))
    return Bound(
        value=limit,
        kind="upper",
        assumptions=ASSUMPTIONS,
        source="Langford and Seeger 2001; Langford 2005",
        inputs={"empirical": empirical, "bits": bits, "n": n, "delta": delta},
        vacuous=limit >= 1,
        reason="no error is above 1" if limit >= 1 else "",
    )


def max_bits(n: float, width: float, delta: float = 0.05, groups: int = 1) -> Bound:
    """Return how many bits a model may have for `occam_width` to be at most `width`.

    Args:
        n: Rows.
        width: Distance of true and training error that is acceptable, in (0, 1).
        delta: Chance that the bound fails.
        groups: Groups for which it is to hold at once.

    Returns:
        Whole bits; 0, and vacuous, where not even a fixed model is known that well.
    """
    rows, far, k = positive("n", n), probability("width", width), whole("groups", groups)
    bits = math.floor((2 * rows * far**2 - math.log(2 * k / probability("delta", delta))) / math.log(2))
    return Bound(
        value=max(0, bits),
        kind="upper",
        assumptions=ASSUMPTIONS,
        source="Blumer et al. 1987 (Occam's razor), solved for the bits",
        inputs={"n": n, "width": width, "delta": delta, "groups": groups},
        vacuous=bits < 0,
        reason="even one model that was fixed before is not known to this width" if bits < 0 else "",
    )


def fairness_gap_bound(
    bits: float, n_by_group: Sequence[float], empirical_gap: float = 0.0, delta: float = 0.05
) -> Bound:
    """Return an upper limit of the true gap (max - min of a rate or an error over groups) from the training gap.

    Math: gap <= gap on the rows + the two largest widths of the groups, which hold at once.

    Args:
        bits: Length of the model's code.
        n_by_group: Rows of each group, of two groups or more.
        empirical_gap: Gap on these rows, in [0, 1].
        delta: Chance that it fails for any model.

    Returns:
        The limit; `details["widths"]` are those of the groups.
    """
    if len(n_by_group) < 2:
        raise UsageError("a gap needs two groups or more: give their rows")
    if not 0 <= empirical_gap <= 1:
        raise UsageError(f"the gap is {empirical_gap}: give a number between 0 and 1")
    probability("delta", delta)
    not_negative("bits", bits)
    widths = np.array([_width(bits, positive("n", n), len(n_by_group), delta) for n in n_by_group])
    limit = empirical_gap + float(np.sort(widths)[-2:].sum())
    return Bound(
        value=limit,
        kind="upper",
        assumptions=ASSUMPTIONS,
        source="Blumer et al. 1987 (Occam's razor), by group",
        inputs={"bits": bits, "n_by_group": tuple(n_by_group), "empirical_gap": empirical_gap, "delta": delta},
        vacuous=limit >= 1,
        reason="no gap is above 1" if limit >= 1 else "",
        details={"widths": widths},
    )


def _width(bits: float, n: float, groups: int, delta: float) -> float:
    return math.sqrt((bits * math.log(2) + math.log(2 * groups / delta)) / (2 * n))


results.register("T10", "description_length")(
    Result(
        code="T10",
        title="Description length bounds error and gap, by group",
        statement=(
            "For a prefix code that was fixed before the data, with probability 1 - delta every model of b bits has "
            "|R_g - Rhat_g| <= sqrt((b ln 2 + ln(2K/delta)) / (2 n_g)) in all K groups at once, hence a true gap of at "
            "most the seen one plus two widths; and kl(Rhat || R) <= (b ln 2 + ln(1/delta)) / n."
        ),
        assumptions=ASSUMPTIONS,
        source="Blumer et al. 1987; Langford and Seeger 2001. Differs in that it is stated for gaps between groups",
        good_for=(
            "What a choice among M checkpoints or candidates costs (b = log2 M), and what small linear, quantised or "
            "tree models must generalise to."
        ),
        vacuous_when="The code has about as many bits as there are rows: networks in floating point always.",
        functions=("occam_width", "occam_kl_upper", "max_bits", "fairness_gap_bound"),
        worked=lambda: occam_kl_upper(0.15, 1000, 30_000),
        worked_text="Upper limit of the true error of a model of 1,000 bits with an error of 0.15 on 30,000 rows.",
    )
)
