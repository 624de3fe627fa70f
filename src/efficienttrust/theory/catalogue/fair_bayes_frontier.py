"""T1: the highest accuracy that any rule has whose rates differ by at most delta between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.metrics.calibration import binned
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._frontier_blind import BlindSolution, generated_blind, rate_shares, two_group_blind
from efficienttrust.theory._frontier_odds import odds_frontier
from efficienttrust.theory._frontier_rows import (
    Attribute,
    Constraint,
    Floats,
    Gaps,
    Rows,
    checked_deltas,
    checked_members,
    checked_name,
    checked_rows,
    need_classes,
    no_trade_off,
)
from efficienttrust.theory._frontier_rules import BlindRules, GroupRules
from efficienttrust.theory._frontier_windows import Solution, group_curves, window_frontier
from efficienttrust.theory._result import Result, results

MISCALIBRATED = 0.02
"""From this calibration error on, corrected for the noise of the rows, a frontier comes with a warning."""

SOURCE = (
    "Hardt, Price and Srebro 2016; Menon and Williamson 2018; Zeng, Dobriban and Cheng 2022; Xian, Yin and Zhao 2023"
)


@dataclass(frozen=True, eq=False)
class Frontier:
    """The highest accuracy under each allowed gap, and rules that have it.

    Attributes:
        delta: Allowed gaps, rising [D].
        accuracy: The highest accuracies [D]; `details` hold `rates` [D, K], `prices` [D, K] (what accuracy gains per
            unit of a rate that is freed), `duality_gap` (how far the accuracies are at most from the best), `groups`,
            and with labels `calibration_error`, by group if aware.
        rules: Thresholds of each group, or a mixture of scores that do not read the group.
        constraint: `dp`, `eopp` or `eo`.
        attribute: `aware` or `blind`.
        warnings: What a reader must know, such as a calibration error; often empty.
    """

    delta: Floats
    accuracy: Bound
    rules: GroupRules | BlindRules
    constraint: Constraint
    attribute: Attribute
    warnings: tuple[str, ...] = ()


def fair_bayes_frontier(
    scores: ArrayLike,
    y: ArrayLike | None,
    groups: ArrayLike,
    *,
    constraint: Constraint = "dp",
    deltas: ArrayLike,
    sample_weight: ArrayLike | None = None,
    attribute: Attribute = "aware",
    group_probabilities: ArrayLike | None = None,
    posterior_known: bool = False,
    gaps: Gaps = "mean",
) -> Frontier:
    """Return the highest accuracy of any rule, randomised ones included, whose rates differ by at most delta.

    The gap is the largest rate less the smallest over all groups: of selection (`dp`), of true positives (`eopp`), or
    of true and of false positives (`eo`). Rates and accuracy are those of the scores, taken as P(Y = 1 | row); labels
    only tell whether that is so. O(n log n), whatever the number of deltas; `eo`, and more than two groups blind, take
    small linear programs on top.

    Args:
        scores: Probabilities of label 1 [n], within [0, 1]; given row and group if aware, given the row alone if blind.
        y: Labels 0 or 1 [n], or None.
        groups: Group of each row [n]; a negative whole number is an unknown group, whose rows are left out.
        constraint: Which rates.
        deltas: Allowed gaps, rising, within [0, 1].
        sample_weight: Weight of each row.
        attribute: Whether a rule may read the group (`aware`) or not (`blind`).
        group_probabilities: For `blind`: P(A = a | row) [n, G], the columns in rising order of the groups, or, sharper,
            P(A = a | row, Y = y) [n, 2, G]. With [n, G], `eopp` and `eo` assume that Y and A are independent given the
            row.
        posterior_known: The scores are the true posteriors of these rows, which makes the frontier `exact`.
        gaps: Of `eo`: whether the `mean` of both gaps is limited (as `equalized_odds_difference`) or the `max`.

    Raises:
        UsageError: Scores outside [0, 1], lengths, deltas, a group without positives (`eopp`, `eo`).

    References:
        Hardt, Price and Srebro 2016; Menon and Williamson 2018; Zeng, Dobriban and Cheng 2022; Xian, Yin and Zhao 2023.
        Differs in that any number of groups, weights and ties are exact on the rows given.

    Example:
        >>> eta = [1, 1, 0, 1, 0, 0]
        >>> found = fair_bayes_frontier(eta, None, list("aaabbb"), deltas=[0, 1 / 3], posterior_known=True)
        >>> found.accuracy.value.round(4).tolist()
        [0.8333, 1.0]
    """
    checked_name("constraint", constraint, Constraint)
    checked_name("attribute", attribute, Attribute)
    checked_name("kind of gaps", gaps, Gaps)
    delta = checked_deltas(deltas)
    rows = checked_rows(scores, y, groups, sample_weight)
    need_classes(rows, constraint)
    if attribute == "blind":
        members = checked_members(group_probabilities, rows)
        solution: Solution | BlindSolution = _blind(rows, members, delta, constraint, gaps)
    elif group_probabilities is not None:
        raise UsageError("group_probabilities are given, but the rule may read the group: ask for attribute='blind'")
    else:
        solution = _aware(rows, delta, constraint, gaps)
    errors, warnings = _calibration(rows, attribute)
    nothing = no_trade_off(rows)
    bound = Bound(
        value=solution.accuracy,
        kind="exact" if posterior_known else "estimate",
        assumptions=(
            "the scores are the true probabilities of these rows" if posterior_known else "the scores are calibrated",
            "the rates and the accuracy are those of the law of these rows",
            *_reading(attribute, constraint, 0 if group_probabilities is None else np.ndim(group_probabilities)),
        ),
        source=SOURCE,
        inputs={"n": len(rows.eta), "groups": rows.names, "constraint": constraint, "attribute": attribute}
        | ({"gaps": gaps} if constraint == "eo" else {}),
        vacuous=bool(nothing),
        reason=nothing,
        details={
            "rates": solution.rates,
            "prices": solution.prices,
            "duality_gap": solution.gap,
            "groups": rows.names,
            "left_out": int((~rows.kept).sum()),
            **({"calibration_error": errors} if errors else {}),
        },
    )
    return Frontier(delta, bound, solution.rules, constraint, attribute, warnings)


def _aware(rows: Rows, delta: Floats, constraint: Constraint, gaps: Gaps) -> Solution:
    curves = group_curves(rows)
    return odds_frontier(curves, delta, gaps) if constraint == "eo" else window_frontier(curves, delta, constraint)


def _blind(rows: Rows, members: Floats, delta: Floats, constraint: Constraint, gaps: Gaps) -> BlindSolution:
    v, size = rate_shares(rows, members, constraint)
    if v.shape[1] == 2:
        return two_group_blind(rows, v, delta)
    return generated_blind(rows, v, size, delta, constraint, gaps)


def _calibration(rows: Rows, attribute: Attribute) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the calibration error of each group (aware) or of all rows (blind), and a warning where it is large."""
    if rows.y is None:
        return {}, ()
    weight = rows.mass * len(rows.mass)
    if attribute == "aware":
        parts = {name: rows.codes == code for code, name in enumerate(rows.names)}
    else:
        parts = {"all": np.ones(len(rows.eta), dtype=bool)}
    errors = {name: binned(rows.y[at], rows.eta[at], weight[at]).corrected() for name, at in parts.items()}
    worst = max(errors, key=errors.__getitem__)
    if errors[worst] <= MISCALIBRATED:
        return errors, ()
    of = f"group {worst!r}" if attribute == "aware" else "all rows"
    warning = (
        f"scores of {of} are off by {errors[worst]:.3f} on average (limit {MISCALIBRATED}): the frontier is that of "
        "the scores, not of the labels; estimated_frontier calibrates them as far as the rows allow"
    )
    return errors, (warning,)


def _reading(attribute: Attribute, constraint: Constraint, dimensions: int) -> tuple[str, ...]:
    if attribute == "aware":
        return ("the group may be read at prediction",)
    assumed = ("label and group are independent given the row",) if constraint != "dp" and dimensions == 2 else ()
    return ("the group may not be read at prediction", "the group probabilities are those of these rows", *assumed)


def _worked() -> Bound:
    """Two groups, X | Y normal with means -1 and 1, base rates 0.3 and 0.6, at a gap of 0.1, on a grid of x."""
    x = np.linspace(-9, 9, 4001)
    base = np.array([0.3, 0.6])
    density = np.exp(-((x[:, None] - np.array([-1, 1])) ** 2) / 2)
    joint = np.array([(1 - base)[:, None] * density[:, 0], base[:, None] * density[:, 1]])
    eta = joint[1] / joint.sum(axis=0)
    return fair_bayes_frontier(
        eta.ravel(),
        None,
        np.repeat([0, 1], len(x)),
        deltas=[0.1],
        sample_weight=joint.sum(axis=0).ravel(),
        posterior_known=True,
    ).accuracy


results.register("T1", "fair_bayes_frontier")(
    Result(
        code="T1",
        title="Fair-Bayes frontier: accuracy against a gap of rates",
        statement=(
            "With eta = P(Y=1 | x, A), the most accurate rule whose rates differ by at most delta between groups is a "
            "threshold on eta for each group, randomised at ties: for demographic parity of two groups "
            "eta > 1/2 ± t/(2 pi_a), for equal opportunity eta > 1/(2 ± t/(pi_a p_a)); t = 0 where the gap is slack. "
            "frontier(delta) = min over prices lambda of E max(2 eta - 1 - v.lambda, 0) + sigma_delta(lambda) + P(Y=0) "
            "is concave and rising in delta. For equalized odds groups that are easier than others also flip a coin."
        ),
        assumptions=(
            "exact: the scores are the true probabilities",
            "estimate: the scores are calibrated, and then it is the frontier of rules that read these scores alone",
            "the gap is the largest rate less the smallest; of equalized odds the mean or the larger of both gaps",
        ),
        source=f"{SOURCE}. Differs in that any number of groups, weights and ties are exact on the rows given",
        good_for=(
            "Whether a target of accuracy and parity can be had at all, and how far a model is from the best. With "
            "scores of a model it is an estimate: a better model may lie above it, so it warns and never refuses."
        ),
        vacuous_when="There is one group, one class, or the scores do not tell rows apart.",
        functions=("fair_bayes_frontier", "estimated_frontier"),
        worked=_worked,
        worked_text=(
            "Highest accuracy under a demographic parity difference of 0.1; X | Y ~ N(±1, 1), base rates 0.3 and 0.6, "
            "groups of equal size."
        ),
    )
)
