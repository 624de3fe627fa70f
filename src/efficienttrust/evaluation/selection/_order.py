"""The order in which candidates are tested: from the calibrate split alone, most surely feasible first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from efficienttrust.evaluation.rule_data import Calibrated
from efficienttrust.evaluation.targets import Target

MOST_TESTED = 4  # candidates on certify: each costs an export and an attack

Errors = Mapping[str, tuple[float, float]]
"""Target key -> standard errors of its metric on the calibrate split, and on as many rows as certify has."""


@dataclass(frozen=True)
class Entrant:
    """A candidate in the order.

    Attributes:
        index: Position among the candidates.
        lead: Standard errors by which its limit is expected to clear the target where it is tightest; may be negative.
        chance: Predicted chance that it passes, in [0, 1]: that of the tightest target.
        utility: Its utility on the calibrate split.
    """

    index: int
    lead: float
    chance: float
    utility: float


def plan_order(
    found: Sequence[Calibrated | None],
    errors: Sequence[Errors | None],
    targets: Sequence[Target],
    *,
    alpha: float,
    most: int = MOST_TESTED,
) -> tuple[Entrant, ...]:
    """Return the candidates worth testing, the most surely feasible first.

    A candidate that another beats in utility and is not surer than is left out: in a fixed sequence it could never be
    delivered. Of more than `most`, those are kept that promise the highest utility of what is delivered, if a candidate
    that is not proven counts nothing and chance moves all candidates alike (they are measured on the same rows).

    Args:
        found: What each candidate came to on calibrate; None where it was not calibrated.
        errors: Standard errors for each; None likewise.
        targets: The targets; one without a value on calibrate does not count.
        alpha: Level of the tests.
        most: Candidates to keep, at least 1.

    References:
        Laufer-Goldshtein, Fisch, Barzilay and Jaakkola 2023, "Efficiently controlling multiple risks with Pareto
        testing". Differs in that the front is that of utility and the tightest target, and in that it is thinned.
    """
    z = NormalDist().inv_cdf(1 - alpha)
    entrants = [
        _entrant(index, one, by_key, targets, z)
        for index, (one, by_key) in enumerate(zip(found, errors, strict=True))
        if one is not None and by_key is not None
    ]
    front: list[Entrant] = []
    for entrant in sorted(entrants, key=lambda one: (-one.lead, -one.utility, one.index)):
        if not front or entrant.utility > front[-1].utility:
            front.append(entrant)
    return _thinned(front, most)


def _entrant(index: int, found: Calibrated, errors: Errors, targets: Sequence[Target], z: float) -> Entrant:
    leads = [_lead(target, found.values[target.key], errors, z) for target in targets if target.key in found.values]
    lead = min(leads, default=math.inf)
    return Entrant(index, lead, NormalDist().cdf(lead), found.utility)


def _lead(target: Target, value: float, errors: Errors, z: float) -> float:
    """Return (−gap − z × error on certify) in standard errors of the difference between calibrate and certify."""
    gap = target.gap(value)
    if math.isnan(gap):
        return -math.inf
    here, there = errors[target.key]
    clear, spread = -gap - z * there, math.hypot(here, there)
    if spread > 0:
        return clear / spread
    return math.copysign(math.inf, clear) if clear else 0.0


def _thinned(front: Sequence[Entrant], most: int) -> tuple[Entrant, ...]:
    """Return the `most` entrants of a front with the largest sum of (utility gained over the one before) × chance.

    If one noise moves all, an entrant passes only if those before it do, and the sum is the expected utility.
    """
    if len(front) <= most:
        return tuple(front)
    floor = min(0.0, *(one.utility for one in front))  # so that no utility is worth less than no proof
    worth = [one.utility - floor for one in front]
    best: list[tuple[float, tuple[int, ...]]] = [
        (w * one.chance, (i,)) for i, (w, one) in enumerate(zip(worth, front, strict=True))
    ]
    for _ in range(most - 1):
        best = [
            max(
                ((best[j][0] + (worth[i] - worth[j]) * front[i].chance, (*best[j][1], i)) for j in range(i)),
                key=lambda one: one[0],
                default=best[i],
            )
            for i in range(len(front))
        ]
    return tuple(front[i] for i in max(best, key=lambda one: one[0])[1])
