"""How probable it is that a budget can be kept, and that all targets are hit."""

from __future__ import annotations

from collections.abc import Iterator

from efficienttrust.report._format import as_float, number
from efficienttrust.report.study._cells import interval, interval_text, probability
from efficienttrust.report.study._content import Block, Figure, Folded, Mark, Panel, Part, Table
from efficienttrust.report.study._source import ALL, Row, Source, data_name
from efficienttrust.report.study.sections._common import listed, remarks, seen

_WORDS = {"feasible": "P(feasible)", "hit": "P(all targets hit)"}
_FACTORS = ("constraint", "mitigation")


def feasibility_part(source: Source) -> Part:
    """Return rates by constraint and mitigation, what is conditional on them, and the cheapest level that hits."""
    blocks: list[Block] = list(_rates(source))
    if rates := source.rows("feasibility", "rates"):
        blocks.append(Folded(Table(
            "rates", "All rates", ("outcome", "levels", "data set", "trials", "rate (Wilson)", "Clopper-Pearson"),
            tuple((_WORDS[one["outcome"]], ", ".join(f"{k}={v}" for k, v in one["levels"].items()),
                   data_name(one["data"]), f"{one['count']} of {one['trials']}", interval(one["rate"]),
                   interval(one["exact"])) for one in rates), labels=3)))  # fmt: skip
    censored = [one for one in source.rows("feasibility", "censored") if one["metric"] in source.headline]
    if censored:
        blocks.append(
            Folded(
                Table(
                    "given-feasible",
                    "P(feasible) beside the mean of a metric given feasible",
                    ("metric", "factor", "level", "P(feasible)", "mean given feasible", "failed"),
                    tuple(
                        (
                            source.label(one["metric"]),
                            str(one["factor"]),
                            str(one["level"]),
                            interval(one["feasible"]),
                            interval(one["given_feasible"]),
                            int(one["failed"]),
                        )
                        for one in censored
                    ),
                    labels=3,
                )
            )
        )
    if odds := source.rows("feasibility", "odds"):
        blocks.append(Folded(Table(
            "odds", "Log odds against the reference, logistic model",
            ("outcome", "factor", "level", "log odds", "p of the factor", "separated"),
            tuple((_WORDS[one["outcome"]], str(one["factor"]), str(one["level"]),
                   interval(one["log_odds"], signed=True), probability(one["p"]), "yes" if one["separated"] else "no")
                  for one in odds), labels=3)))  # fmt: skip
    if cheapest := source.rows("feasibility", "cheapest"):
        wanted = number(100 * float(source.document["options"].get("share_of_hits", 0.8)), 0)
        blocks.append(Folded(Table(
            "cheapest", f"The tightest level at which {wanted} % of the trials hit all targets",
            ("mitigation", "constraint", "data set", "level", "dose", "P(hit) there", "replicates that reach it"),
            tuple((str(one["mitigation"]) or "–", str(one["kind"]), data_name(one["data"]),
                   str(one["level"]) or "none does", _dose(one) if one["level"] else "–",
                   interval(one["hit"]) if one["level"] else "–", as_float(one["reached"])) for one in cheapest),
            labels=3)))  # fmt: skip
    return Part("feasibility", "Feasible, and on target", (*blocks, *remarks(source, "feasibility")), "exploratory")


def _dose(one: Row) -> str:
    ends = f" ({number(as_float(one['dose_low']))} to {number(as_float(one['dose_high']))})"
    return f"{number(as_float(one['dose']))}{ends if one['dose_low'] is not None else ' (no interval)'}"


def _rates(source: Source) -> Iterator[Figure]:
    factors = [name for name in _FACTORS if name in source.varied]
    wanted = set(factors or source.varied[:1])
    rows = [one for one in source.rows("feasibility", "rates") if set(one["levels"]) == wanted and not one["data"]]
    if not rows:
        return
    first = "constraint" if "constraint" in wanted else next(iter(wanted))
    second = "mitigation" if "mitigation" in wanted and first != "mitigation" else ""
    panels, findings = [], []
    for outcome in dict.fromkeys(one["outcome"] for one in rows):
        marks = []
        for one in rows:
            if one["outcome"] == outcome:
                rate = interval(one["rate"])
                marks.append(Mark(str(one["levels"].get(second, ALL)), str(one["levels"][first]), rate.value, rate.low,
                                  rate.high))  # fmt: skip
        panels.append(Panel(_WORDS[outcome], "", "probability", tuple(marks), source.levels[first]))
        least = min(marks, key=lambda mark: mark.value)
        where = f"{least.at}, {least.series}" if second else str(least.at)
        low = interval_text(interval({"value": least.value, "low": least.low, "high": least.high}))
        findings.append(f"{_WORDS[outcome]} is lowest at {where}: {low}")
    used = {mark.series for panel in panels for mark in panel.marks}
    yield Figure(
        name="feasibility",
        title=f"Feasible and on target, by {first}",
        finding=f"{listed(findings)}.",
        kind="intervals",
        panels=tuple(panels),
        styles=seen(source.styles(second), used),
        table=Table("feasibility", "Rates over all data sets", ("outcome", first, second or "of", "trials", "rate"),
                    tuple((_WORDS[one["outcome"]], str(one["levels"][first]), str(one["levels"].get(second, ALL)),
                           f"{one['count']} of {one['trials']}", interval(one["rate"])) for one in rows), labels=3),
        note="Wilson intervals, which take trials as independent.",
    )  # fmt: skip
