"""All metrics of an audit by what they are about, each with its interval drawn beside the definition."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_numbers import answers_numbers, gaps_of_numbers
from efficienttrust.report._audit_read import measured, of_hundred
from efficienttrust.report._format import as_float, count, number
from efficienttrust.report._read import Document, Estimate, TargetText, count_text, part, read_targets
from efficienttrust.report._scale import Scale, Tick, scale_over

UTILITY = "Utility: higher is better"
ERRORS = "Errors and calibration: lower is better"
GAPS = "Gaps between groups: lower is better"
GROUPS = "Worst groups and ratios between groups: higher is better"
STRESS = "Under attack, corruption and shift"
_ORDER = (UTILITY, ERRORS, GAPS, GROUPS, STRESS)
_PATTERNS = (
    (STRESS, re.compile(r"robust|corruption|(^|_)r?mce|(^|_)(ood|aupr)_|fpr_at_")),
    (GAPS, re.compile(r"difference|distance|(^|_)gap")),
    (ERRORS, re.compile(r"loss|brier|error|(^|_)r?mse|(^|_)mae|(^|_)ece")),
    (GROUPS, re.compile(r"(^|_)ratio|parity|odds|opportunity|group|\bby=")),
)
_SMALL = re.compile(r"fewer than \d+ ")
_CHANCE = re.compile(r"about (\S+) of this is expected by chance")
_TO_ONE = (UTILITY, GROUPS, STRESS)


@dataclass(frozen=True)
class MetricRow:
    """One metric, ready to be shown; places in percent of the drawing, None where there is nothing to draw."""

    name: str
    definition: str
    note: str
    text: str
    interval: str
    n: str
    how: str
    target: str
    mark: str
    at: float | None
    low: float | None
    high: float | None
    line: float | None
    ends: tuple[str, str] | None


@dataclass(frozen=True)
class MetricTable:
    """Metrics of one kind; those within [0, 1] share the axis of `ticks`, the others have their own."""

    title: str
    rows: Sequence[MetricRow]
    ticks: Sequence[Tick]


def metric_tables(document: Document) -> list[MetricTable]:
    """Return the metrics by kind, utility first, in the order of the document within each kind."""
    targets = read_targets(document)
    kinds: dict[str, list[tuple[str, Estimate, Mapping[str, object]]]] = {}
    for name, raw in part(document, "metrics").items():
        details = raw if isinstance(raw, Mapping) else {}
        kinds.setdefault(kind(str(name)), []).append((str(name), measured(raw), details))
    return [_table(title, kinds[title], targets) for title in _ORDER if title in kinds]


def kind(name: str) -> str:
    """Return what a metric is about, told by its name: metrics of users are not known beforehand."""
    return next((title for title, pattern in _PATTERNS if pattern.search(name)), UTILITY)


def metrics_finding(document: Document, rows_words: str) -> str:
    """Say how much was measured, and name what could not be estimated."""
    listed = {str(name): measured(raw) for name, raw in part(document, "metrics").items()}
    missing = [name for name, estimate in listed.items() if not estimate.known]
    n = max((estimate.n for estimate in listed.values()), default=0)
    text = f"{count(len(listed))} metric{'s' * (len(listed) != 1)}"
    text += f" on up to {count(n)} {rows_words}, with 95 % intervals" if n else ", with 95 % intervals"
    if missing:
        others = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        text += f"; not estimated: {', '.join(missing[:3])}{others}"
    return f"{text}."


def metrics_meaning(document: Document) -> str:
    """Read the main figures in plain language: accuracy as rows out of 100, the surest gap between groups."""
    listed = {str(name): measured(raw) for name, raw in part(document, "metrics").items()}
    if answers_numbers(document):
        gaps = {name: one for name, one in listed.items() if kind(name) == GAPS and not _SMALL.search(one.note)}
        return " ".join(filter(None, (_accuracy(listed), gaps_of_numbers(gaps))))
    return " ".join(filter(None, (_accuracy(listed), _imbalance(listed), _surest_gap(listed))))


def _accuracy(listed: Mapping[str, Estimate]) -> str:
    accuracy = listed.get("accuracy")
    if accuracy is not None and accuracy.known:
        span = f" ({of_hundred(accuracy.low)} to {of_hundred(accuracy.high)})" if accuracy.bounded else ""
        return f"Of 100 rows like these the model decides about {of_hundred(accuracy.value)} as labelled{span}."
    for name, verb in (("mean_absolute_error", "is off"), ("mae", "is off")):
        error = listed.get(name)
        if error is not None and error.known:
            return f"On average a prediction {verb} by {error.text()} in the units of the label."
    return ""


def _imbalance(listed: Mapping[str, Estimate]) -> str:
    accuracy, balanced = listed.get("accuracy"), listed.get("balanced_accuracy")
    if accuracy is None or balanced is None or not accuracy.value - balanced.value > 0.05:
        return ""
    return (
        f"Balanced accuracy, in which every class counts alike, is {number(balanced.value)}: "
        "the model does better on the classes with more rows."
    )


def _surest_gap(listed: Mapping[str, Estimate]) -> str:
    """Name the gap whose interval lies farthest above 0; what rests on small groups differs by chance alone."""
    gaps = {name: found for name, found in listed.items() if kind(name) == GAPS and 0 <= found.value <= 1}
    if not gaps:
        return ""
    sure = {
        name: found for name, found in gaps.items() if found.low > _by_chance(found) and not _SMALL.search(found.note)
    }
    if not sure:
        return "No gap between groups has an interval above 0 beyond what is expected by chance."
    name = max(sure, key=lambda one: sure[one].low)
    return (
        f"The surest gap between groups is {name}, {sure[name].text()}: its interval lies above 0, so on rows like "
        "these the groups do differ in it."
    )


def _by_chance(gap: Estimate) -> float:
    """Return how much of a gap its note expects by chance, at least 0."""
    match = _CHANCE.search(gap.note)
    found = as_float(match[1]) if match else 0.0
    return found if found > 0 else 0.0


def _table(
    title: str,
    listed: Sequence[tuple[str, Estimate, Mapping[str, object]]],
    targets: Mapping[str, TargetText],
) -> MetricTable:
    unit = [estimate for _, estimate, _ in listed if estimate.known and _within_unit(estimate)]
    ends = [0.0, 1.0] if title in _TO_ONE else [0.0]
    shared = scale_over([*ends, *(v for e in unit for v in (e.value, e.low, e.high))], ticks=3, floor=0.0, ceiling=1.0)
    rows = [_row(name, estimate, raw, targets.get(name), shared) for name, estimate, raw in listed]
    return MetricTable(title, rows, shared.ticks() if unit else [])


def _row(
    name: str, estimate: Estimate, raw: Mapping[str, object], target: TargetText | None, shared: Scale
) -> MetricRow:
    own = estimate.known and not _within_unit(estimate)
    bound = target.bound if target else math.nan
    scale = scale_over([estimate.value, estimate.low, estimate.high, bound]) if own else shared
    met = target is None or not math.isfinite(bound) or target.holds(estimate.value)
    drawn = estimate.known and estimate.bounded
    line = scale.at(bound) if estimate.known and scale.low <= bound <= scale.high else None
    ends = (number(scale.low), number(scale.high)) if own else None
    return MetricRow(
        name=name,
        definition=str(raw.get("definition") or ""),
        note=estimate.note,
        text=number(estimate.value, near=bound) if estimate.known else estimate.missing,
        interval=estimate.interval(bound) if drawn else "",
        n=count_text(raw["n"]) if raw.get("n") else "–",
        how=str(raw.get("how") or "–"),
        target=f"{'reached' if met else 'not reached'}: {target.wording}" if target and estimate.known else "",
        mark="deployed" if met else "missed",
        at=scale.at(estimate.value) if estimate.known else None,
        low=scale.at(estimate.low) if drawn else None,
        high=scale.at(estimate.high) if drawn else None,
        line=line,
        ends=ends,
    )


def _within_unit(estimate: Estimate) -> bool:
    ends = (as_float(end) for end in (estimate.value, estimate.low, estimate.high))
    return all(0 <= end <= 1 for end in ends if math.isfinite(end))
