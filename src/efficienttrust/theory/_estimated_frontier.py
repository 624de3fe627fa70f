"""The fair-Bayes frontier of scores that have to be learned, with a band of what sampling leaves open.

Letters as in `_frontier_rows`; lambda the prices of the rates. Scores are calibrated out of fold, and the plug-in
frontier takes them for the truth. Its error is of first order in theirs, so it is not what is reported. Strong duality
gives frontier(delta) = min_lambda max_h acc(h) - lambda . r(h) + sigma_delta(lambda), and both derivatives vanish at
the optimum; so with the plug-in h and lambda, and accuracy and rates of the *labels*,

    acc(h) - lambda . (r(h) - r_plug-in(h))

is wrong by a product of errors only. Where the same answer for all rows, which no gap excludes, is more accurate, that
is the estimate. It is linear in the rows given h and lambda, and so the bootstrap draws rows, stratified by group,
without solving again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import probability, whole
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._cross_fitting import Calibration, cross_calibrated, dealt_folds
from efficienttrust.theory._frontier_blind import rate_shares
from efficienttrust.theory._frontier_rows import (
    Attribute,
    Constraint,
    Floats,
    Gaps,
    Rows,
    checked_members,
    checked_name,
    checked_rows,
)
from efficienttrust.theory._frontier_rules import GroupRules
from efficienttrust.theory._held_out_scores import FOLDS, HeldOutScores, held_out_scores
from efficienttrust.theory.catalogue.fair_bayes_frontier import Frontier, fair_bayes_frontier

Band = Literal["pointwise", "simultaneous"]
REPEATS = 500
DELTAS = tuple(round(0.01 * step, 2) for step in range(31))


@dataclass(frozen=True, eq=False)
class EstimatedFrontier:
    """The estimated frontier of rules that read one score, D allowed gaps.

    Attributes:
        delta: Allowed gaps, rising [D].
        accuracy: Estimates [D]; `details` hold `calibration_error`, `model` and `log_loss` where known.
        low: Lower end of the band [D].
        high: Upper end of the band [D].
        level: Chance that the band covers the frontier of the calibrated scores.
        band: `pointwise`: at each gap by itself; `simultaneous`: at all gaps at once.
        plug_in: The frontier that takes the calibrated scores for the truth, and its rules.
        warnings: What a reader must know.
    """

    delta: Floats
    accuracy: Bound
    low: Floats
    high: Floats
    level: float
    band: Band
    plug_in: Frontier
    warnings: tuple[str, ...]


def estimated_frontier(
    data: Problem | HeldOutScores,
    *,
    constraint: Constraint = "dp",
    deltas: ArrayLike = DELTAS,
    attribute: Attribute = "aware",
    gaps: Gaps = "mean",
    calibration: Calibration = "best",
    by: str = "",
    level: float = 0.95,
    band: Band = "pointwise",
    folds: int = FOLDS,
    repeats: int = REPEATS,
    seed: int = 0,
) -> EstimatedFrontier:
    """Return the frontier of cross-fitted, calibrated scores, with a bootstrap band.

    A better model may lie above it: it bounds rules that read these scores, not all rules.

    Args:
        data: A table of two classes, whose rows but test are scored by `held_out_scores`; or scores of held-out rows.
        constraint: `dp`, `eopp` or `eo`, as in `fair_bayes_frontier`.
        deltas: Allowed gaps, rising.
        attribute: Whether a rule may read the group.
        gaps: Of `eo`: whether the `mean` of both gaps is limited or the `max`.
        calibration: By the other folds, and by group where a rule may read it: `isotonic`, `platt`, `best` (the
            lower Brier score of both) or `none`.
        by: Sensitive attribute of the problem; the intersections by default.
        level: Of the band, in (0, 1).
        band: `pointwise` or `simultaneous`.
        folds: Of model and calibration.
        repeats: Bootstrap draws of rows within each group; group sizes, scores and calibrators stay as they are.
        seed: Of folds, models and bootstrap.

    Raises:
        UsageError: As in `fair_bayes_frontier` and `held_out_scores`; too few rows of a class.
    """
    checked_name("calibration", calibration, Calibration)
    checked_name("band", band, Band)
    probability("level", level)
    whole("repeats", repeats, 2)
    whole("folds", folds, 2)
    scored = data
    if isinstance(scored, Problem):
        scored = held_out_scores(scored, by=by, attribute=attribute, folds=folds, seed=seed)
    rows = _calibrated(scored, calibration, folds, seed, by_group=attribute == "aware")
    members = None if scored.group_probabilities is None else checked_members(scored.group_probabilities, rows)
    plug_in = fair_bayes_frontier(
        rows.eta,
        rows.y,
        np.array(rows.names)[rows.codes],
        constraint=constraint,
        deltas=deltas,
        sample_weight=rows.mass,
        attribute=attribute,
        group_probabilities=members if attribute == "blind" else None,
        gaps=gaps,
    )
    corrected, influence = _corrected(rows, members, plug_in)
    positive = float(rows.mass @ _labels(rows))
    value = np.maximum(corrected, max(positive, 1 - positive))
    spread = _spread(influence, rows, repeats, seed, level, band)
    nothing = plug_in.accuracy.reason
    bound = replace(
        plug_in.accuracy,
        value=value,
        assumptions=(
            "the rows are independent draws",
            "it is the frontier of rules that read these calibrated scores; a better model may lie above it",
            *plug_in.accuracy.assumptions[2:],
        ),
        inputs={
            **plug_in.accuracy.inputs,
            "calibration": calibration,
            "folds": folds,
            "repeats": repeats,
            "seed": seed,
        },
        details={**plug_in.accuracy.details, "model": scored.model, "log_loss": scored.log_loss or {}},
    )
    return EstimatedFrontier(
        plug_in.delta,
        bound,
        np.clip(value - spread, 0, 1),
        np.clip(value + spread, 0, 1),
        level,
        band,
        plug_in,
        (*plug_in.warnings, *((nothing,) if nothing else ())),
    )


def _calibrated(data: HeldOutScores, calibration: Calibration, folds: int, seed: int, *, by_group: bool) -> Rows:
    rows = checked_rows(data.scores, data.y, data.groups, data.weight)
    y = _labels(rows)
    counts = np.bincount(y.astype(np.int64), minlength=2)
    if calibration != "none" and 0 < counts.min() < folds:
        raise UsageError(f"there are {counts.min()} rows of one class for {folds} folds: give more rows or fewer folds")
    fold = dealt_folds(y, rows.codes, min(folds, len(y)), seed)
    eta = (
        cross_calibrated(rows.eta, y, rows.mass * len(rows.mass), rows.codes, fold, calibration, by_group=by_group)
        if counts.min()
        else rows.eta
    )
    return replace(rows, eta=eta)


def _labels(rows: Rows) -> Floats:
    if rows.y is None:
        raise UsageError("y is missing: a frontier is estimated from labels")
    return rows.y


def _corrected(rows: Rows, members: Floats | None, plug_in: Frontier) -> tuple[Floats, Floats]:
    """Return the estimates [D] and what each row adds to their errors [n, D]."""
    y = _labels(rows)
    prices, rates = plug_in.accuracy.details["prices"], plug_in.accuracy.details["rates"]
    k = len(rows.names)
    classes = {"dp": (None,), "eopp": (1,), "eo": (0, 1)}[plug_in.constraint]
    parts = [
        np.flatnonzero((rows.codes == code) & (True if label is None else y == label))
        for label in classes
        for code in range(k)
    ]
    if empty := next((place for place, part in enumerate(parts) if not len(part)), None):
        raise UsageError(f"group {rows.names[empty % k]!r} has no rows of a class whose rate is asked for")
    answer = _answers(rows, members, plug_in)
    value, influence = np.empty(len(plug_in.delta)), np.empty((len(rows.eta), len(plug_in.delta)))
    for place in range(len(plug_in.delta)):
        says = answer(place)
        right = np.where(y == 1, says, 1 - says)
        value[place] = rows.mass @ right
        influence[:, place] = rows.mass * (right - value[place])
        for part, price, planned in zip(parts, prices[place], rates[place], strict=True):
            size = rows.mass[part].sum()
            rate = rows.mass[part] @ says[part] / size
            value[place] -= price * (rate - planned)
            influence[part, place] -= price * rows.mass[part] * (says[part] - rate) / size
    return value, influence


def _answers(rows: Rows, members: Floats | None, plug_in: Frontier) -> Callable[[int], Floats]:
    """Return what maps the place of a gap to the chances [n] that its rule says 1."""
    rules = plug_in.rules
    if isinstance(rules, GroupRules):
        return lambda place: rules.probability(place, rows.eta, rows.codes)
    assert members is not None  # a blind frontier has asked for them
    v, _ = rate_shares(rows, members, plug_in.constraint)
    return lambda place: rules.probability(place, rows.eta, v)


def _spread(influence: Floats, rows: Rows, repeats: int, seed: int, level: float, band: Band) -> Floats:
    """Return half the width of the band [D]: quantiles of the bootstrap's deviations, symmetric."""
    generator = np.random.default_rng([seed, 1])
    parts = [np.flatnonzero(rows.codes == code) for code in range(len(rows.names))]
    order = np.concatenate(parts)
    influence = influence[order]
    draws = np.empty((repeats, influence.shape[1]))
    for repeat in range(repeats):
        counts = [np.bincount(generator.integers(0, len(part), len(part)), minlength=len(part)) for part in parts]
        draws[repeat] = (np.concatenate(counts) - 1.0) @ influence
    distance = np.abs(draws)
    if band == "pointwise":
        pointwise: Floats = np.quantile(distance, level, axis=0)
        return pointwise
    deviation = draws.std(axis=0)
    ratio = distance / np.where(deviation > 0, deviation, 1)
    simultaneous: Floats = np.quantile(ratio.max(axis=1), level) * deviation
    return simultaneous
