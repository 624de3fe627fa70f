"""What was declared before the first trial, and what became of it."""

from __future__ import annotations

from efficienttrust.report._format import number
from efficienttrust.report.study._cells import interval, interval_text, probability, probability_text
from efficienttrust.report.study._content import Block, Card, Folded, Part, Table, Text
from efficienttrust.report.study._source import Row, Source
from efficienttrust.report.study.sections._common import remarks

_TESTS = {
    "difference": "difference from 0",
    "superiority": "difference beyond the margin",
    "equivalence": "equivalence within the margin, two one-sided tests",
}


def hypotheses_part(source: Source) -> Part:
    """Return a card for each hypothesis, and all of them as a table."""
    found = source.rows("hypotheses", "contrasts")
    declared = str(source.section("overview").get("declared", ""))
    if not found:
        blocks: list[Block] = [Text("No hypothesis was declared before the first trial: all of this is exploratory.")]
        return Part("hypotheses", "Planned hypotheses", (*blocks, *remarks(source, "hypotheses")))
    alpha = source.design.get("alpha", 0.05)
    words = {
        "as declared": "They are as they were declared before the first trial (their hash is the same).",
        "changed": "They are NOT those that were declared before the first trial: read them as exploratory.",
    }.get(declared, "The hash of what was declared before the first trial is not known.")
    blocks = [Text(f"Each family keeps an error rate of {alpha:g} by Holm's method. {words}")]
    blocks += [_card(source, one) for one in found]
    blocks.append(Folded(Table(
        "hypotheses", "Planned hypotheses",
        ("name", "family", "statement", "metric", "test", "contrast", "p", "p (Holm)", "units", "verdict"),
        tuple((str(one["name"]), str(one["family"]), str(one["statement"]), source.label(one["metric"]),
               _test(one), interval(one["contrast"], signed=True), probability(one["p"]), probability(one["p_holm"]),
               int(one["units"]), str(one["verdict"])) for one in found))))  # fmt: skip
    said = (*blocks, *remarks(source, "hypotheses"))
    return Part("hypotheses", "Planned hypotheses", said, tag="exploratory" if declared == "changed" else "planned")


def _card(source: Source, one: Row) -> Card:
    facts = [
        ("Contrast", f"{interval_text(interval(one['contrast'], signed=True))} of {source.label(one['metric'])}"),
        ("Test", _test(one)),
        ("p by Holm", f"{probability_text(probability(one['p_holm']))} in the family “{one['family']}”"),
        ("Units", f"{one['units']} data sets × seeds"),
    ]
    if one.get("reason"):
        facts.append(("Reason", str(one["reason"])))
    return Card(str(one["verdict"]), str(one["name"]), str(one["statement"]), tuple(facts))


def _test(one: Row) -> str:
    test = _TESTS.get(one["test"], str(one["test"]))
    margin = f" {number(float(one['margin']), 3)}" if one.get("margin") else ""
    side = "" if one["direction"] == "two-sided" or one["test"] == "equivalence" else f", {one['direction']}"
    return f"{test.replace('the margin', f'the margin{margin}')}{side}"
