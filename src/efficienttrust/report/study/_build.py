"""From an analysis to what the report says."""

from __future__ import annotations

from efficienttrust.report.study._content import Content
from efficienttrust.report.study._source import Source
from efficienttrust.report.study.sections._common import listed
from efficienttrust.report.study.sections.diagnostics import diagnostics_part
from efficienttrust.report.study.sections.dose import dose_part
from efficienttrust.report.study.sections.effects import effects_part
from efficienttrust.report.study.sections.failures import failures_part
from efficienttrust.report.study.sections.feasibility import feasibility_part
from efficienttrust.report.study.sections.hypotheses import hypotheses_part
from efficienttrust.report.study.sections.interactions import interactions_part
from efficienttrust.report.study.sections.ledger import ledger_part
from efficienttrust.report.study.sections.mediation import mediation_part
from efficienttrust.report.study.sections.origin import origin_part
from efficienttrust.report.study.sections.question import design_part
from efficienttrust.report.study.sections.threats import threats_part
from efficienttrust.report.study.sections.tradeoffs import tradeoffs_part

_SECTIONS = (
    design_part, hypotheses_part, effects_part, tradeoffs_part, dose_part, interactions_part, feasibility_part,
    mediation_part, ledger_part, failures_part, diagnostics_part, threats_part, origin_part,
)  # fmt: skip


def build(source: Source) -> Content:
    """Return the report of a study; sections without material are left out."""
    design = source.design
    found = [make(source) for make in _SECTIONS]
    return Content(
        name=str(design["name"]),
        title=str(design.get("question") or design["name"]),
        lede=_lede(source),
        parts=tuple(part for part in found if part is not None and part.blocks),
        footer=(
            (
                f"Brackets hold {source.level} intervals unless a note says otherwise. Estimates are of the trials of "
                "this study; nothing on this page is certified."
            ),
        ),
    )


def _lede(source: Source) -> tuple[str, ...]:
    overview = source.section("overview")
    counts = overview["counts"]
    states = listed([f"{int(counts[name]):,d} {name}" for name in ("done", "infeasible", "failed") if counts.get(name)])
    lines = [f"{int(overview['planned']):,d} trials were planned: {states or 'none has ended'}."]
    contrasts = source.rows("hypotheses", "contrasts")
    if contrasts:
        supported = [str(one["name"]) for one in contrasts if one["verdict"] == "supported"]
        names = f" ({listed(supported)})" if supported else ""
        lines.append(f"{len(supported)} of {len(contrasts)} planned hypotheses are supported{names}.")
    else:
        lines.append("No hypothesis was declared before the first trial, so that everything here is exploratory.")
    return tuple(lines)
