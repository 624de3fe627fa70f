"""Expected calibration error."""

from __future__ import annotations

from efficienttrust.metrics.calibration import HOW, calibration_of
from efficienttrust.metrics.chance import chance_note
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import unusable
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n = len(outcome.y)
    if obstacle := unusable(outcome.score):
        return Estimate.missing(n, obstacle)
    found, tail = calibration_of(outcome), (1 - level) / 2
    left = found.corrected()
    value = left if arguments["corrected"] else found.error
    note = chance_note(found.error, found.error - left)
    return Estimate(value, *found.ends(tail, tail), n, f"{HOW} {percent(level)}", note)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the upper limit; the best possible estimate is no error with the same uncertainty."""
    n = len(outcome.y)
    if obstacle := unusable(outcome.score):
        return Limit.missing(n, obstacle)
    found = calibration_of(outcome)
    _, high = found.ends(alpha, alpha)
    return Limit(high, high - found.error, n, HOW)


metrics.register("calibration_error", "ece")(
    Metric(
        name="calibration_error",
        definition="Mean distance of mean score and share of positives over 15 bins of equal mass (ECE); "
        "for many classes, of the decided class.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={"corrected": None},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"probability"}),
    )
)
