"""Which targets training can move, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.targets import Target

PENALTY_OF = {
    "demographic_parity_difference": "demographic_parity",
    "demographic_parity_ratio": "demographic_parity",
    "equal_opportunity_difference": "equal_opportunity",
    "equalized_odds_difference": "equalized_odds",
    "equalized_odds_difference_max": "equalized_odds",
}
"""Fairness penalty that stands in for a metric; a metric that is not here has no lever in training."""


@dataclass(frozen=True)
class Levers:
    """What the targets call for.

    Attributes:
        penalties: (penalty name, attribute or "" for the intersections), without repetition.
        eps: Radius of the training attack: the largest asked for; 0 without a robustness target.
    """

    penalties: tuple[tuple[str, str], ...]
    eps: float


def lever_of(target: Target, task: str = "binary") -> str:
    """Return what moves a target in training: `fairness` (of two classes only), `robustness` or `none`."""
    if target.metric in PENALTY_OF:
        return "fairness" if task == "binary" else "none"
    return "robustness" if target.metric in ROBUST_METRICS else "none"


def levers_of(targets: Sequence[Target], task: str = "binary") -> Levers:
    """Collect the levers of a list of targets."""
    fair = [t for t in targets if lever_of(t, task) == "fairness"]
    pairs = dict.fromkeys((PENALTY_OF[t.metric], str(dict(t.arguments).get("by") or "")) for t in fair)
    radii = [float(str(dict(t.arguments)["eps"])) for t in targets if lever_of(t) == "robustness"]
    return Levers(tuple(pairs), max(radii, default=0.0))
