"""The question and the design: factors, levels, and what became of the planned trials."""

from __future__ import annotations

from efficienttrust.report.study._content import Block, Folded, Lines, Part, Table, Text
from efficienttrust.report.study._source import Source
from efficienttrust.report.study.sections._common import listed, remarks


def design_part(source: Source) -> Part:
    """Return the design: a row for each level, in the order of the study file."""
    overview, design = source.section("overview"), source.design
    counts = {(one["factor"], one["level"]): one for one in source.rows("overview", "levels")}
    rows = []
    for factor in design["factors"]:
        role = "block" if factor.get("block") else "varied" if len(factor["levels"]) > 1 else "fixed"
        for level in factor["levels"]:
            one = counts.get((factor["name"], level), {})
            name = f"{level} (reference)" if level == factor["reference"] and role == "varied" else level
            done, infeasible, failed = (int(one.get(key, 0)) for key in ("done", "infeasible", "failed"))
            rows.append((factor["name"], name, role, done, infeasible, failed))
    total = {status: int(number) for status, number in overview["counts"].items()}
    ended = sum(total.values())
    missing = int(overview["planned"]) - ended
    blocks: list[Block] = [
        Text(f"{len(source.data_sets)} data sets ({listed(source.data_sets, 12)}), {len(design['seeds'])} seeds, "
             f"{overview['units']} units of inference (data set × seed)."),
        Table("design", "Trials by factor and level", ("factor", "level", "role", "done", "infeasible", "failed"),
              tuple(rows), labels=2),
        Table("outcomes", "Trials by outcome", ("planned", "done", "infeasible", "failed", "not finished"),
              ((int(overview["planned"]), total.get("done", 0), total.get("infeasible", 0), total.get("failed", 0),
                max(0, missing)),), labels=0,
              note="Infeasible is a result: the budget or a bound excludes the trial. A failed trial says nothing."),
    ]  # fmt: skip
    if design.get("fraction"):
        blocks.append(Text(f"Not every combination was planned: {design['fraction']}"))
    if targets := {name: texts for name, texts in (design.get("targets") or {}).items() if texts}:
        by_texts: dict[str, list[str]] = {}
        for data, texts in targets.items():
            by_texts.setdefault("; ".join(texts), []).append(data)
        blocks.append(Text("Targets:"))
        blocks.append(Lines(tuple(f"{listed(sets, 12)}: {texts}" for texts, sets in by_texts.items())))
    if lost := source.rows("diagnostics", "missing"):
        blocks.append(Folded(Table(
            "missing-cells", f"Cells with trials that have no figures ({len(lost)})",
            ("cell", "infeasible", "failed", "not run", "reason"),
            tuple((", ".join(f"{k}={v}" for k, v in one["levels"].items()), int(one["infeasible"]),
                   int(one["failed"]), int(one["absent"]), str(one["reason"])) for one in lost))))  # fmt: skip
    return Part("design", "Design", (*blocks, *remarks(source, "overview")))
