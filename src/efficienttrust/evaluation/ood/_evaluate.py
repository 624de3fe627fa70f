"""Run detectors on sets of rows and measure how well each tells inside from outside rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, Representation, as_logits, detectors
from efficienttrust.evaluation.ood._softmax import log_sum_exp
from efficienttrust.metrics import Measurement, Outcome, measure
from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.metrics.ood import false_alarm_rates

Groups = Mapping[str, tuple[Array, tuple[str, ...]]]
Nearness = Literal["near", "far"]

STATISTICS: Final = {
    "auroc": "ood_auroc",
    "fpr_at_95_tpr": "fpr_at_95_tpr",
    "aupr_in": "aupr_in",
    "aupr_out": "aupr_out",
}
"""Field of a result -> metric."""
CONSTANT: Final = 1e-4
"""Energies below this are those of log probabilities in single precision."""


@dataclass(frozen=True, eq=False)
class DetectorResult:
    """How well one detector tells inside rows from one set of outside rows.

    Attributes:
        name: The detector.
        auroc: Area under the ROC curve.
        fpr_at_95_tpr: Share of outside rows that pass where 95 % of the inside rows do.
        aupr_in: Average precision of finding inside rows.
        aupr_out: Average precision of finding outside rows.
        by_group: Attribute -> one `{group, value, low, high, n}` per group: its share of false alarms, inside rows
            below the threshold that 95 % of all inside rows pass, with Wilson's interval.
        gaps: Attribute -> largest minus smallest of these shares.
    """

    name: str
    auroc: Measurement
    fpr_at_95_tpr: Measurement
    aupr_in: Measurement
    aupr_out: Measurement
    by_group: Mapping[str, list[dict[str, Any]]]
    gaps: Mapping[str, Measurement]


@dataclass(frozen=True, eq=False)
class OutsideResult:
    """All detectors on one set of outside rows.

    Attributes:
        against: Name of the set.
        nearness: Whether it is near to the inside rows (same kind of data, other classes) or far, as the caller says.
        n: Outside rows.
        detectors: One result a detector.
        scores: Detector -> (scores of inside rows [n], of outside rows [m]), as `Outcome.ood` takes them.
        notes: What a reader must know, one sentence each.
    """

    against: str
    nearness: Nearness
    n: int
    detectors: tuple[DetectorResult, ...]
    scores: Mapping[str, tuple[Floats, Floats]]
    notes: tuple[str, ...]


def evaluate_ood(
    fit: Representation,
    inside: Representation,
    outside: Mapping[str, Representation],
    detectors: Sequence[str | Detector] | None = None,
    groups: Groups | None = None,
    *,
    nearness: Mapping[str, Nearness],
    level: float = 0.95,
) -> list[OutsideResult]:
    """Fit every detector once and measure it against every set of outside rows.

    Args:
        fit: In-distribution rows to learn from, preferably those of training; not those of `inside`.
        inside: In-distribution rows that the model has not seen.
        outside: Name -> rows from elsewhere.
        detectors: Names, or detectors with settings of their own; None takes all that the representations allow.
        groups: Attribute -> (group code of each inside row, group names), for false alarms by group.
        nearness: Name of each outside set -> `near` or `far`.
        level: Level of the intervals.

    Returns:
        One result for each outside set, in the order given.

    Raises:
        UsageError: An unknown detector, one that needs what the representations do not have, rows that are not finite,
            `inside` given again as `fit`, or a set without nearness.
    """
    if fit is inside:
        raise UsageError("fit and inside are the same rows: detectors would be measured on what they learnt by heart")
    for name in outside:
        if nearness.get(name) not in ("near", "far"):
            raise UsageError(f"nearness of {name!r} must be 'near' or 'far', not {nearness.get(name)!r}")
    chosen, notes = _choose(detectors, fit.has)
    notes += [*fit.notes, *_remarks(fit, {detector.name for detector in chosen})]
    inside_scores: dict[str, Floats] = {}
    outside_scores: dict[str, dict[str, Floats]] = {name: {} for name in outside}
    for detector in chosen:
        detector.fit(fit.features, fit.logits, fit.y)
        notes += detector.notes
        inside_scores[detector.name] = _score(detector, inside, "inside")
        for name, rows in outside.items():
            outside_scores[name][detector.name] = _score(detector, rows, name)
    results = []
    for name, rows in outside.items():
        scores = {
            detector.name: (inside_scores[detector.name], outside_scores[name][detector.name]) for detector in chosen
        }
        outcome = _outcome(inside.n, scores, groups or {})
        measured = tuple(_measure(outcome, detector.name, level) for detector in chosen)
        said = tuple(dict.fromkeys([*notes, *inside.notes, *rows.notes]))
        results.append(OutsideResult(name, nearness[name], rows.n, measured, scores, said))
    return results


def ood_document(results: Sequence[OutsideResult]) -> dict[str, Any]:
    """Return the `ood` part of an audit document: plain values, with NaN where something cannot be estimated."""
    return {
        "sets": [
            {
                "against": result.against,
                "nearness": result.nearness,
                "n": result.n,
                "detectors": [_detector_document(one) for one in result.detectors],
            }
            for result in results
        ],
        "notes": list(dict.fromkeys(note for result in results for note in result.notes)),
    }


def _detector_document(one: DetectorResult) -> dict[str, Any]:
    statistics = {field: asdict(getattr(one, field)) for field in STATISTICS}
    gaps = {attribute: asdict(gap) for attribute, gap in one.gaps.items()}
    by_group = {attribute: list(rows) for attribute, rows in one.by_group.items()}
    return {"name": one.name, **statistics, "by_group": by_group or None, "gaps": gaps or None}


def _choose(wanted: Sequence[str | Detector] | None, has: frozenset[str]) -> tuple[list[Detector], list[str]]:
    """Return the detectors to run, and a note for each one that was left out."""
    names = detectors.names() if wanted is None else wanted
    chosen = [one if isinstance(one, Detector) else detectors.get(one)() for one in names]
    twice = [one.name for k, one in enumerate(chosen) if one.name in {other.name for other in chosen[:k]}]
    if twice:
        raise UsageError(f"detector {twice[0]!r} is given twice: keep one")
    lacking = {one.name: sorted(one.needs - has) for one in chosen if one.needs - has}
    if lacking and wanted is not None:
        name, parts = next(iter(lacking.items()))
        raise UsageError(f"{name} needs {' and '.join(parts)} of the fit rows, which are not there")
    notes = [f"{name} was not run: it needs {' and '.join(parts)}" for name, parts in lacking.items()]
    chosen = [one for one in chosen if one.name not in lacking]
    if not chosen:
        raise UsageError("no detector can be run: give features, logits or both")
    return chosen, notes


def _score(detector: Detector, rows: Representation, name: str) -> Floats:
    try:
        return detector.score(rows.features, rows.logits)
    except UsageError as error:
        raise UsageError(f"rows of {name!r}: {error}") from None


def _remarks(fit: Representation, names: set[str]) -> list[str]:
    """Return what a reader must know about the logits and classes of the fit rows."""
    if fit.logits is None or not np.isfinite(fit.logits).all():  # who needs them refuses these
        return []
    logits = as_logits(fit.logits, "logits of the fit rows")
    remarks = []
    if "energy" in names and len(logits) and np.abs(log_sum_exp(logits)).max() < CONSTANT:
        remarks.append("energy is the same for every row: the logits are log probabilities, not what a last layer says")
    absent = [] if fit.y is None else sorted(set(range(logits.shape[1])) - set(np.unique(fit.y).tolist()))
    shown = ", ".join(str(code) for code in absent[:8]) + (", …" if len(absent) > 8 else "")
    return [*remarks, f"no fit rows of class {shown}: distances to classes do not know them"] if absent else remarks


def _outcome(n: int, scores: Mapping[str, tuple[Floats, Floats]], groups: Groups) -> Outcome:
    """Return an outcome that holds scores and groups alone: what the statistics of detection read."""
    for attribute, (codes, _) in groups.items():
        if len(codes) != n:
            raise UsageError(f"groups of {attribute!r} have {len(codes)} rows, inside has {n}: give one code a row")
    nothing = np.zeros(n)
    return Outcome(y=nothing, prediction=nothing, score=nothing, groups=np.full(n, -1), attributes=groups, ood=scores)


def _measure(outcome: Outcome, name: str, level: float) -> DetectorResult:
    statistics = {field: measure(metric, outcome, {"detector": name}, level) for field, metric in STATISTICS.items()}
    by_group, gaps = {}, {}
    for attribute, (codes, group_names) in outcome.attributes.items():
        rates = false_alarm_rates(outcome.ood[name][0], codes, group_names)
        low, high = wilson(np.nan_to_num(rates.hits), rates.size, two_sided_z(level))
        cells = zip(group_names, rates.rate, low, high, rates.n, strict=True)
        by_group[attribute] = [
            {"group": group, "value": float(value), "low": float(a), "high": float(b), "n": int(n)}
            for group, value, a, b, n in cells
        ]
        gaps[attribute] = measure("ood_false_alarm_gap", outcome, {"detector": name, "by": attribute}, level)
    return DetectorResult(name, **statistics, by_group=by_group, gaps=gaps)
