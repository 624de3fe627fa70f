"""Certificates and verdicts: what is proven about a target, and what a reader should take from it.

A certificate is a one-sided confidence limit on the certify split, which the model has never seen. What is looked at
there, in which order and at which levels is fixed before, so that all certificates of a run hold together: one model
with alpha divided by the number of targets, or a sequence of candidates (see `evaluation.selection`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Measurement, Outcome, metrics
from efficienttrust.metrics.intervals import percent

Status = Literal["certified", "met", "missed", "infeasible"]


@dataclass(frozen=True)
class Certificate:
    """What the certify split proves about a target.

    Attributes:
        target: The target.
        bound: The confidence limit on the metric, on its worse side; NaN where it cannot be estimated.
        level: Confidence of the limit, 1 - alpha.
        method: How the limit was obtained.
        satisfied: Whether the limit meets the target, so that the target is proven at this level.
        certifiable: Whether this n could prove the target of this model at the best possible estimate (no error; of a
            gap none at its own rates, on which the limit depends: another model may be certified on the same rows).
        n: Rows the limit rests on.
        best: The limit that the best possible estimate would have had.
        note: What weakens or prevents the certificate: small groups, empty cells.
    """

    target: Target
    bound: float
    level: float
    method: str
    satisfied: bool
    certifiable: bool
    n: int
    best: float
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """How a target ended.

    Attributes:
        target: The target.
        status: `certified` (proven on certify), else `met` or `missed` by the point estimate on test; `infeasible`
            where a rigorous bound or the arithmetic of the budget excludes it.
        qualifier: `uncertifiable` where the certify split is too small to prove the target of this model, however well
            it had done there (see `Certificate.certifiable`); `doubted` where an
            alarm says that the figure may be too good; else empty.
        value: Point estimate on test.
        low: Lower end of its interval.
        high: Upper end of its interval.
        n: Rows of the estimate.
        reason: One sentence that says why.
        certificate: The certificate, or None where none was attempted.
    """

    target: Target
    status: Status
    qualifier: Literal["", "uncertifiable", "doubted"]
    value: float
    low: float
    high: float
    n: int
    reason: str
    certificate: Certificate | None


def certify(target: Target, outcome: Outcome, alpha: float) -> Certificate:
    """Return what the rows of `outcome` prove about a target at level 1 - alpha.

    Rates: exact (Clopper-Pearson). Gaps and ratios between groups: exact unconditional, the worst ordered pair of
    groups (see `metrics.gaps`). With weighted rows: Hoeffding and McDiarmid bounds with the effective size. All of
    these hold at any n. The mean of the two gaps of equalized odds adds exact limits in squares for two groups, which
    simulation finds at its level. Other metrics: bootstrap, which holds for large n and is named so in `method`.

    Args:
        target: The target.
        outcome: What the model said on the certify split.
        alpha: Chance of a false certificate that is accepted for this target.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    metric = metrics.get(target.metric)
    limit = metric.limit(outcome, metric.resolve(dict(target.arguments)), alpha)
    return Certificate(
        target=target,
        bound=float(limit.value),
        level=1 - alpha,
        method=limit.method,
        satisfied=bool(target.gap(limit.value) <= 0),
        certifiable=bool(min(target.gap(limit.best), target.gap(limit.value)) <= 0),
        n=limit.n,
        best=float(limit.best),
        note=limit.note,
    )


def verdict(
    target: Target, measured: Measurement, certificate: Certificate, level_note: str = "", *, where: str = "test"
) -> Verdict:
    """Return how a target ended, from its point estimate on test and its certificate on the certify split.

    Args:
        target: The target.
        measured: Its estimate on test.
        certificate: Its limit on certify.
        level_note: What the reason adds about the level of the certificate.
        where: Split that it was estimated on, where that is not test.
    """
    met = target.gap(measured.value) <= 0
    status: Status = "certified" if certificate.satisfied else "met" if met else "missed"
    reasons = [_tested(target, measured, where), _proven(target, certificate)]
    if certificate.satisfied:
        reasons.reverse()
    return Verdict(
        target=target,
        status=status,
        qualifier="" if certificate.certifiable else "uncertifiable",
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=measured.n,
        reason="; ".join(
            filter(None, ((", and " if certificate.satisfied == met else ", but ").join(reasons), level_note))
        ),
        certificate=certificate,
    )


def _tested(target: Target, measured: Measurement, where: str) -> str:
    if np.isnan(measured.value):
        return f"it cannot be estimated on {where} ({measured.note})"
    gap = target.gap(measured.value)
    missed = f"{gap:.4f}".rstrip("0") if gap >= 5e-5 else "less than 0.0001"
    how = "meets the target" if gap <= 0 else f"misses it by {missed}"
    return f"{measured.value:.4f} on {where} (n = {measured.n:,}) {how}"


def _proven(target: Target, certificate: Certificate) -> str:
    if np.isnan(certificate.bound):
        return f"the certify split allows no limit ({certificate.note})"
    side = "upper" if target.relation == "<=" else "lower"
    limit = f"the {percent(certificate.level)} {side} limit {certificate.bound:.4f} on certify (n = {certificate.n:,})"
    if certificate.satisfied:
        return f"{limit} proves it"
    if certificate.certifiable:
        return f"{limit} does not prove it"
    ideal = best_case(target, certificate)
    return f"certify (n = {certificate.n:,}) is too small to prove it: {ideal} would leave {certificate.best:.4f}"


def best_case(target: Target, certificate: Certificate) -> str:
    """Return in words what `certificate.best` supposes: no error, or no gap at the rates that this model has."""
    if certificate.method.startswith(_BY_ROWS_ALONE):
        return "even no error"
    if certificate.method.startswith("McDiarmid"):
        return "even no gap"
    if target.metric in _RATES_OF:
        return f"with this model's {_RATES_OF[target.metric]} even no gap"
    return "with the uncertainty of this model's estimate even the best one"


_BY_ROWS_ALONE = ("Clopper-Pearson", "Hoeffding")
"""Methods whose limit of a rate without an error depends on the number of rows alone."""
_RATES_OF = {
    "demographic_parity_difference": "rate of positive decisions",
    "demographic_parity_ratio": "rate of positive decisions",
    "equal_opportunity_difference": "true positive rate",
    "equalized_odds_difference": "true and false positive rates",
    "equalized_odds_difference_max": "true and false positive rates",
    "predictive_parity_difference": "precision",
    "accuracy_gap": "accuracy",
    "robust_accuracy_gap": "robust accuracy",
    "corruption_accuracy_gap": "accuracy on corrupted rows",
}
"""Gap -> the rates at which the groups are supposed to be alike."""
