"""Verdicts of an audit: the point estimate, and the one-sided limit, both on the rows that were audited.

`fit` proves on rows of their own, because it chose its model by others. An audit chooses nothing, so its limit may rest
on the very rows of the estimate; but it holds only if the *model* has not seen them, which nobody but its maker knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from efficienttrust.evaluation.certification import Certificate, Verdict, certify, verdict
from efficienttrust.evaluation.proof import CONFIDENCE
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Measurement, Outcome
from efficienttrust.metrics.intervals import percent


def judge(targets: Sequence[Target], measured: Mapping[str, Measurement], outcome: Outcome) -> tuple[Verdict, ...]:
    """Return one verdict per target; all certificates together hold at the level of a run."""
    alpha = (1 - CONFIDENCE) / max(len(targets), 1)
    verdicts = []
    for target in targets:
        proof = certify(target, outcome, alpha)
        ended = verdict(target, measured[target.key], proof)
        verdicts.append(dataclasses.replace(ended, reason=_reason(target, measured[target.key], proof)))
    return tuple(verdicts)


def _reason(target: Target, measured: Measurement, proof: Certificate) -> str:
    if np.isnan(measured.value):
        return f"it cannot be estimated ({measured.note})"
    gap = target.gap(measured.value)
    how = "meets the target" if gap <= 0 else f"misses it by {gap:.4f}"
    estimate = f"{measured.value:.4f} (n = {measured.n:,}) {how}"
    if np.isnan(proof.bound):
        return f"{estimate}; these rows allow no limit ({proof.note})"
    side = "upper" if target.relation == "<=" else "lower"
    limit = f"the {percent(proof.level)} {side} limit {proof.bound:.4f} on the same rows"
    if proof.satisfied:
        return f"{estimate}, and {limit} proves it for rows like these that the model has not seen"
    if not proof.certifiable:
        return f"{estimate}; so few rows could not prove it even without any gap or error ({limit})"
    return f"{estimate}, but {limit} does not prove it" if gap <= 0 else f"{estimate}; {limit}"
