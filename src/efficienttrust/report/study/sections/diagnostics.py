"""Whether the assumptions hold: residuals, variances, influence, and how the trials ran."""

from __future__ import annotations

from collections.abc import Iterator

from efficienttrust.report._format import as_float, number, shorten
from efficienttrust.report._palette import PLAIN
from efficienttrust.report.study._cells import probability
from efficienttrust.report.study._content import Block, Figure, Folded, Mark, Panel, Part, Table, Text
from efficienttrust.report.study._source import Source
from efficienttrust.report.study.sections._common import listed, remarks


def diagnostics_part(source: Source) -> Part:
    """Return pictures of residuals and the tables behind the assumptions."""
    blocks: list[Block] = [*_residuals(source)]
    if variances := source.rows("diagnostics", "variances"):
        blocks.append(Folded(Table(
            "variances", "Spread of residuals by level (Brown and Forsythe)",
            ("metric", "factor", "smallest deviation", "largest deviation", "statistic", "p"),
            tuple((source.label(one["metric"]), str(one["factor"]), as_float(one["smallest"]),
                   as_float(one["largest"]), as_float(one["statistic"]), probability(one["p"])) for one in variances),
            labels=2)))  # fmt: skip
    if trials := source.rows("diagnostics", "influential"):
        blocks.append(Folded(Table(
            "influential", "The most influential trials, by Cook's distance",
            ("metric", "trial", "cell", "seed", "Cook's distance", "residual"),
            tuple((source.label(one["metric"]), str(one["trial"])[:12],
                   ", ".join(f"{k}={v}" for k, v in one["levels"].items()), int(one["seed"]), as_float(one["cook"]),
                   as_float(one["residual"])) for one in trials), labels=2)))  # fmt: skip
    if ran := source.section("diagnostics").get("circumstances"):
        threads = listed([str(one) for one in ran["threads"]]) or "unknown"
        blocks.append(Text(f"{ran['contended']} trials shared the machine with others; threads: {threads}; largest "
                           f"load average {number(as_float(ran['largest_load']), 1)}; most attempts at a trial "
                           f"{ran['attempts']}."))  # fmt: skip
    return Part("diagnostics", "Diagnostics", (*blocks, *remarks(source, "diagnostics")))


def _residuals(source: Source) -> Iterator[Figure]:
    rows = [one for one in source.rows("diagnostics", "residuals") if one["metric"] in source.headline]
    panels, findings = [], []
    for one in rows:
        marks = [Mark("residual", as_float(x), as_float(y))
                 for x, y in zip(one["expected"], one["observed"], strict=True)]  # fmt: skip
        ends = [as_float(x) for x in (one["expected"][0], one["expected"][-1])] if marks else []
        marks += [Mark("normal", x, x, joined=True) for x in ends]
        panels.append(Panel(shorten(source.label(one["metric"]), 60), "quantiles of the normal distribution",
                            "standardised residuals", tuple(marks)))  # fmt: skip
        findings.append(f"{source.label(one['metric'])} skewness {number(as_float(one['skewness']), 2)}, excess "
                        f"kurtosis {number(as_float(one['kurtosis']), 2)}")  # fmt: skip
    if panels:
        yield Figure(
            name="residuals", title="Residuals against the normal distribution",
            finding=f"Residuals: {listed(findings)} (0 and 0 for a normal distribution).", kind="points",
            panels=tuple(panels), styles={"residual": PLAIN, "normal": PLAIN},
            table=Table("residuals", "Shape of the residuals", ("metric", "skewness", "excess kurtosis", "p"),
                        tuple((source.label(one["metric"]), as_float(one["skewness"]), as_float(one["kurtosis"]),
                               probability(one["p"])) for one in rows)),
        )  # fmt: skip
