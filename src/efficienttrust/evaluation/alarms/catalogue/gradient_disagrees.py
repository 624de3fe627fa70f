"""The gradient says something else than the function does."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence, answers
from efficienttrust.threats import Ball

NAME = "gradient_disagrees"
MEANING = (
    "Finite differences of the margin disagree with its gradient: the model is constant in steps (rounding, argmax), "
    "or its backward pass was replaced. Attacks by gradient follow something else than the model."
)
STEPS = (1 / 4, 1 / 16, 1 / 64)
"""Of the radius: large enough to be seen in float32, small enough not to meet many kinks of a network."""
SLACK = 0.5
"""Relative difference that kinks explain; the best of `STEPS` counts."""
NOISE = 1e-5
"""Of the margin: smaller changes are rounding."""
THRESHOLD = 0.25
"""Of the rows that are right and whose difference can be told from rounding."""


@alarms.register(NAME)
def gradient_disagrees(evidence: Evidence) -> Alarm:
    """Compare slopes along the gradient; where it is zero, along random signs, where a sound model is flat too."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient: attacks on it are black boxes")
    if not evidence.eps or not len(evidence.correct):
        return not_looked_for(NAME, MEANING, "no row is right and may be moved")
    disagree, known = _disagreement(evidence)
    rows = evidence.correct[known[evidence.correct]]
    if not len(rows):
        return not_looked_for(NAME, MEANING, "all differences are within rounding, or nothing may be moved")
    hits = int(disagree[rows].sum())
    seen = f"differences and gradient disagree at {hits} of {len(rows)} rows that are right"
    return of_rows(NAME, hits, len(rows), THRESHOLD, MEANING, seen)


def _disagreement(evidence: Evidence) -> tuple[Tensor, Tensor]:
    """Return (whether gradient and differences disagree [n], whether that can be told from rounding [n])."""
    origin = evidence.region.origin
    rival = _rival(evidence)

    def value(logits: Tensor) -> Tensor:
        """The margin over the strongest other class at the clean row: without the kinks of a maximum."""
        if rival is None:
            return evidence.objective.margin(logits)
        own = logits.gather(1, evidence.y[:, None]) - logits.gather(1, rival[:, None])
        return own.squeeze(1)

    free = _free(evidence)
    gradient = evidence.slope(origin, value).nan_to_num(0.0, 0.0, 0.0) * free
    still = (gradient.flatten(1) == 0).all(1)
    signs = torch.empty_like(origin).bernoulli_(0.5, generator=torch.Generator().manual_seed(evidence.seed)) * 2 - 1
    wide = still.reshape(-1, *[1] * (origin.ndim - 1))
    direction = torch.where(wide, signs * free, gradient)
    direction = direction / direction.abs().flatten(1).amax(1).clamp_min(1e-30).reshape(wide.shape)
    slope = (gradient * direction).flatten(1).sum(1)
    agree = torch.zeros(evidence.n, dtype=torch.bool)
    known = torch.zeros(evidence.n, dtype=torch.bool)
    for share in STEPS:
        h = share * evidence.eps
        ends = [value(answers(evidence.objective, origin + sign * h * direction)) for sign in (1, -1)]
        difference, size = (ends[0] - ends[1]) / (2 * h), torch.maximum(ends[0].abs(), ends[1].abs()).clamp_min(1.0)
        largest = torch.maximum(difference.abs(), slope.abs())
        seen = largest * 2 * h > NOISE * size
        known |= seen
        agree |= seen & ((difference - slope).abs() <= SLACK * largest)
    return ~agree, known


def _rival(evidence: Evidence) -> Tensor | None:
    logits = answers(evidence.objective, evidence.region.origin)
    return None if logits.ndim == 1 else logits.scatter(1, evidence.y[:, None], -torch.inf).argmax(1)


def _free(evidence: Evidence) -> Tensor:
    """Return 1 where a cell may move both ways by the largest step: a clamp at the end of the box is a kink."""
    region, h = evidence.region, max(STEPS) * evidence.eps
    free = evidence.free.to(region.origin.dtype)
    if isinstance(region, Ball):
        free = free * ((region.origin - h >= region.lower) & (region.origin + h <= region.upper))
    return free
