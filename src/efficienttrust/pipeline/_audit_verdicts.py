"""Verdicts of an audit: the point estimate, and the one-sided limit, both on the rows that were audited.

`fit` proves on rows of their own, because it chose its model by others. An audit chooses nothing, so its limit may rest
on the very rows of the estimate; but it holds only if the *model* has not seen them, which nobody but its maker knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from efficienttrust.evaluation.certification import Certificate, Status, Verdict, best_case, certify, verdict
from efficienttrust.evaluation.proof import CONFIDENCE
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Measurement, Outcome, metrics
from efficienttrust.metrics.intervals import percent

THIS_ATTACK = "against this attack only; a stronger one may fool more"
DOUBT_ATTACKS = frozenset(
    {
        "black_box_beats_white_box",
        "gradient_disagrees",
        "loss_does_not_fall",
        "not_monotone",
        "outside_the_region",
        "parent_differs",
        "random_answers",
        "restarts_still_gain",
        "silent_success",
        "steps_still_gain",
        "success_not_confirmed",
        "unbounded_attack_fails",
        "weaker_than_one_step",
        "zero_gradients",
    }
)
"""Alarms that say that an attack was weaker than it looks."""


def judge(
    targets: Sequence[Target],
    measured: Mapping[str, Measurement],
    outcome: Outcome,
    *,
    alarms: Sequence[Mapping[str, Any]] = (),
    complete: bool = True,
) -> tuple[Verdict, ...]:
    """Return one verdict per target; all certificates together hold at the level of a run.

    A figure under attack is an upper bound, so a target on it is never more than `met` where an alarm about the attack
    fired or the attack did not get through: the qualifier says `doubted`, the reason says why.

    Args:
        targets: What was asked for.
        measured: Metric key -> measurement, of every target.
        outcome: The audited rows.
        alarms: Entries of `alarms`.
        complete: Whether every row was attacked.
    """
    alpha = (1 - CONFIDENCE) / max(len(targets), 1)
    doubts = [str(alarm["name"]) for alarm in alarms if alarm["fired"] and alarm["name"] in DOUBT_ATTACKS]
    doubts = [*doubts, *([] if complete else ["not every row was attacked"])]
    return tuple(_judged(target, measured[target.key], outcome, alpha, doubts) for target in targets)


def _judged(target: Target, found: Measurement, outcome: Outcome, alpha: float, doubts: Sequence[str]) -> Verdict:
    try:
        proof = certify(target, outcome, alpha)
    except Exception as error:  # what was never measured has no limit either; or a metric of the user's raises
        met = target.gap(found.value) <= 0
        why = f"{_estimate(target, found)}; no limit: {' '.join(str(error).split())}"
        reason = found.note if np.isnan(found.value) else why
        status: Status = "met" if met else "missed"
        return Verdict(target, status, "", found.value, found.low, found.high, found.n, reason, None)
    ended = verdict(target, found, proof)
    reason = _reason(target, found, proof)
    if "robust" not in metrics.get(target.metric).needs or ended.status == "missed":
        return dataclasses.replace(ended, reason=reason)
    if not doubts:
        return dataclasses.replace(ended, reason=f"{reason}; {THIS_ATTACK}")
    return dataclasses.replace(
        ended,
        status="met" if target.gap(found.value) <= 0 else "missed",
        qualifier="doubted",
        reason=f"{_estimate(target, found)}; doubted, as the attack may have been too weak: {', '.join(doubts)}; "
        f"{THIS_ATTACK}",
    )


def _estimate(target: Target, measured: Measurement) -> str:
    gap = target.gap(measured.value)
    how = "meets the target" if gap <= 0 else f"misses it by {gap:.4f}"
    return f"{measured.value:.4f} (n = {measured.n:,}) {how}"


def _reason(target: Target, measured: Measurement, proof: Certificate) -> str:
    if np.isnan(measured.value):
        return f"it cannot be estimated ({measured.note})"
    gap, estimate = target.gap(measured.value), _estimate(target, measured)
    if np.isnan(proof.bound):
        return f"{estimate}; these rows allow no limit ({proof.note})"
    side = "upper" if target.relation == "<=" else "lower"
    limit = f"the {percent(proof.level)} {side} limit {proof.bound:.4f} on the same rows"
    if proof.satisfied:
        return f"{estimate}, and {limit} proves it for rows like these that the model has not seen"
    if not proof.certifiable:
        best = f"{best_case(target, proof)} would leave {proof.best:.4f}"
        return f"{estimate}; these rows are too few to prove it: {best} ({limit})"
    return f"{estimate}, but {limit} does not prove it" if gap <= 0 else f"{estimate}; {limit}"
