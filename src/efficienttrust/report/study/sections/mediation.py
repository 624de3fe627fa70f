"""Does a constraint act on the outcome through the mediator, or directly?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from efficienttrust.report._format import as_float, shorten
from efficienttrust.report._palette import PLAIN
from efficienttrust.report.study._cells import interval, interval_text
from efficienttrust.report.study._content import Block, Figure, Mark, Panel, Part, Table
from efficienttrust.report.study._source import Row, Source
from efficienttrust.report.study.sections._common import listed, remarks

_PATHS = ("total", "direct", "indirect")


def mediation_part(source: Source) -> Part | None:
    """Return the paths with their sensitivity; None where nothing was said about them."""
    paths = source.rows("mediation", "paths")
    said = list(remarks(source, "mediation"))
    if not paths and not said:
        return None
    blocks: list[Block] = [*_figure(source, paths)] if paths else []
    if paths:
        blocks.append(
            Table(
                "mediation-sensitivity",
                "Sensitivity: how strong a hidden common cause would have to be",
                (
                    "constraint",
                    "mediator",
                    "outcome",
                    "share through the mediator",
                    "treatment × mediator",
                    "indirect, with it",
                    "correlation of errors at 0",
                    "R² product at 0",
                    "trials",
                ),
                tuple(
                    (
                        str(one["kind"]),
                        source.label(one["mediator"]),
                        source.label(one["outcome"]),
                        interval(one["share"]),
                        interval(one["interaction"], signed=True),
                        interval(one["indirect_interacting"], signed=True),
                        as_float(one["rho"]),
                        as_float(one["r2"]),
                        int(one["trials"]),
                    )
                    for one in paths
                ),
                labels=3,
                note="The indirect effect would vanish at this correlation of the two errors (Imai et al. 2010). "
                "The mediator was not randomised: a path is an association that rests on there being no such cause.",
            )
        )
    return Part("mediation", "Paths: through the mediator, or directly", (*blocks, *said), "exploratory")


def _figure(source: Source, paths: Sequence[Row]) -> Iterator[Figure]:
    panels, findings = [], []
    for one in paths:
        marks = []
        for path in _PATHS:
            found = interval(one[path])
            marks.append(Mark("effect", path, found.value, found.low, found.high))
        through, outcome = source.label(one["mediator"]), source.label(one["outcome"])
        panels.append(
            Panel(
                shorten(f"{one['kind']} on {outcome}", 64),
                "",
                f"{shorten(outcome, 34)}, through {shorten(through, 24)}",
                tuple(marks),
                _PATHS,
                zero=True,
            )
        )
        findings.append(
            f"of {one['kind']} on {outcome}, {interval_text(interval(one['indirect'], signed=True))} goes "
            f"through {through} and {interval_text(interval(one['direct'], signed=True))} does not"
        )
    yield Figure(
        name="mediation",
        title="Total, direct and indirect effect of the tightest level",
        finding=f"Under the assumptions below, {listed(findings, 3)}.",
        kind="intervals",
        panels=tuple(panels),
        styles={"effect": PLAIN},
        table=Table("mediation", "Effects of the tightest level", ("constraint", "outcome", "mediator", *_PATHS,
                                                                 "on the mediator", "of the mediator"),
                    tuple((str(one["kind"]), source.label(one["outcome"]), source.label(one["mediator"]),
                           *(interval(one[path], signed=True) for path in _PATHS),
                           interval(one["to_mediator"], signed=True), interval(one["from_mediator"], signed=True))
                          for one in paths), labels=3),
        note=f"{source.level} intervals, hierarchical bootstrap.",
    )  # fmt: skip
