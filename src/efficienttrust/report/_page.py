"""The report page: everything a run left behind as one HTML file that needs neither network nor JavaScript."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from efficienttrust.report import _bars, _groups, _sentences, _tables, _theme, _trade
from efficienttrust.report._compression import compression_section
from efficienttrust.report._figures import DotPanel, dot_panel
from efficienttrust.report._limit_section import limit_section
from efficienttrust.report._read import Document, VerdictText, part, read_verdicts, texts
from efficienttrust.report._selection import selection_lines
from efficienttrust.report._trajectory import trajectory_figure

if TYPE_CHECKING:
    import jinja2
    import pandas as pd
    from markupsafe import Markup

STATUS_WORDS = {"certified": "Certified", "met": "Met", "missed": "Missed", "infeasible": "Infeasible"}
CONTENTS = (
    ("trade", "What was traded"),
    ("limit", "The limit"),
    ("trajectory", "Trajectory"),
    ("ledger", "Ledger"),
    ("groups", "By group"),
    ("metrics", "All metrics"),
    ("decisions", "Decisions"),
    ("data", "Data"),
    ("model", "Model card"),
    ("check", "Check it yourself"),
)
_UNIT = re.compile(r"\d (%|m?s|steps|samples|epochs|([kMGTP] )?flops)( cpu| wall)?(?!\w)|[≤≥] \d")
_BREAK_AFTER = re.compile(r"([_(,/&-]|\.(?!\d))")


def render_report(document: Document, history: pd.DataFrame, decisions: pd.DataFrame) -> str:
    """Render the report of a run as one self-contained HTML page.

    Args:
        document: The content of `run.json`.
        history: One row per monitor point: `progress`, the metrics, the dials, the cost of a step.
        decisions: One row per decision of the policy: `step`, `progress`, `knob`, `before`, `after`, `reason`.

    Returns:
        The page. Values that could not be estimated are shown as such; nothing is loaded from elsewhere.
    """
    groups = _groups.read_groups(document)
    compression, limit = compression_section(document), limit_section(document)
    contents = [one for one in CONTENTS if limit is not None or one[0] != "limit"]
    return environment().get_template("report.html.j2").render(
        light=_theme.variables(_theme.LIGHT),
        dark=_theme.variables(_theme.DARK),
        document=document,
        problem=part(document, "problem"),
        model=part(document, "model"),
        title=_sentences.outcome(document),
        summary=_sentences.summary(document),
        verdicts=[(verdict, status(verdict), verdict_panel(verdict)) for verdict in read_verdicts(document)],
        budget=_bars.budget_bars(document),
        trade=_trade.trade_figure(document),
        trajectory=trajectory_figure(document, history),
        ledger=_bars.ledger_figure(document),
        clocks=_bars.clock_table(document),
        groups=_groups.group_figure(groups, image=part(document, "problem").get("kind") == "image"),
        metrics=_tables.metric_rows(document),
        decisions=_tables.decision_tables(document, decisions),
        candidates=_tables.candidate_table(document),
        selection=selection_lines(document),
        failed=texts(document, "failed"),
        fallbacks=texts(document, "fallbacks"),
        notes=texts(part(document, "problem"), "notes"),
        data_tables=[
            table for table in (_tables.split_table(document), _tables.base_rate_table(document)) if table is not None
        ],
        columns=_tables.column_table(document),
        intended_use=_sentences.intended_use(document),
        limits=_sentences.limits(document),
        model_table=_tables.model_table(document),
        environment=_tables.environment_table(document),
        artifacts=_tables.artifact_table(document),
        command=_sentences.command(document),
        verify=_sentences.verify_command(document),
        created=_sentences.created(document),
        facts=_tables.facts(document),
        compression=compression,
        limit=limit,
        contents=[("compression", "Compression"), *contents] if compression else contents,
    )  # fmt: skip


@cache
def environment() -> jinja2.Environment:
    """Return the template environment: autoescape on, an undefined name is an error."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.PackageLoader("efficienttrust.report"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["breakable"] = _breakable
    found.filters["glued"] = _glued
    return found


def _breakable(text: str) -> Markup:
    """Escape a name and let the browser break it after its joints, so that long names fit narrow screens."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(piece) for piece in _BREAK_AFTER.sub("\\1\0", str(text)).split("\0"))


def _glued(text: str) -> str:
    """Keep an amount and its unit, or a bound and its sign, on one line."""
    return _UNIT.sub(lambda match: match[0].replace(" ", "\u00a0"), text)


def status(verdict: VerdictText) -> tuple[str, str]:
    """Return icon and words of a status; an unknown status is shown as it stands."""
    icon = verdict.status if verdict.status in STATUS_WORDS else "missed"
    return icon, STATUS_WORDS.get(verdict.status, verdict.status or "No verdict")


def verdict_panel(verdict: VerdictText) -> DotPanel:
    """Draw the estimate of a verdict and the bound of its target."""
    mark = "deployed" if verdict.reached else "missed"
    return dot_panel("", [("", mark, verdict.estimate)], target=verdict.target)
