"""What an audit page says of a model that answers with numbers instead of decisions."""

from __future__ import annotations

from collections.abc import Mapping

from efficienttrust.report._audit_read import measured
from efficienttrust.report._read import Document, Estimate, part

NOT_OF_NUMBERS: Mapping[str, str] = {
    "robustness": "attacks on decisions do not apply to a number",
    "corruptions": "corruptions count the decisions that stay right, and a number is not right or wrong",
    "ood": "detectors of other distributions read the scores of classes, which a number does not have",
    "alarms": "they doubt decisions and attacks on them, which a number does not have",
}
"""Part of an audit -> why it is not measured where the label is a number."""
_ABSENT = {"alarms": "Alarms about decisions were not looked for"}


def answers_numbers(document: Document) -> bool:
    """Tell whether the audited model answers with numbers."""
    return part(document, "model").get("task") == "regression"


def why_not(document: Document) -> Mapping[str, str]:
    """Return the parts that have no meaning for the audited model, each with a sentence; empty for decisions."""
    if not answers_numbers(document):
        return {}
    return {name: f"{_ABSENT.get(name, 'Not measured')}: {why}." for name, why in NOT_OF_NUMBERS.items()}


def main_figure(document: Document) -> str:
    """Return the sentence that sums the model up: `R² 0.812 [0.790, 0.834]`, or the accuracy of decisions."""
    name, words = ("r2", "R²") if answers_numbers(document) else ("accuracy", "Accuracy")
    found = measured(part(document, "metrics").get(name))
    return f"{words} {found.text()}; brackets hold 95 % intervals." if found.known else ""


def gaps_of_numbers(gaps: Mapping[str, Estimate]) -> str:
    """Say which gaps between groups lie above 0; they have units of their own, so none is the largest.

    Args:
        gaps: Metric key -> estimate, without those that rest on small groups.
    """
    known = {name: found for name, found in gaps.items() if found.known and found.bounded}
    if not known:
        return ""
    sure = [f"{name}, {found.text()}" for name, found in known.items() if found.low > 0]
    if not sure:
        return "No gap between groups has an interval above 0."
    return f"Between groups these intervals lie above 0, so on rows like these the groups do differ: {'; '.join(sure)}."
