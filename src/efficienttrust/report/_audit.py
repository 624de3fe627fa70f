"""The audit page: how an existing model stands, as one HTML file that needs neither network nor JavaScript."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.report import (
    _audit_alarms,
    _audit_cards,
    _audit_corruptions,
    _audit_curve,
    _audit_metrics,
    _audit_numbers,
    _audit_ood,
    _audit_resources,
    _audit_sentences,
    _audit_shift,
    _bars,
    _groups,
    _sentences,
    _tables,
    _theme,
)
from efficienttrust.report._audit_read import NOT_ESTIMATED, where
from efficienttrust.report._figures import Figure
from efficienttrust.report._page import environment, status, verdict_panel
from efficienttrust.report._read import Document, part, read_verdicts, texts

CONTENTS = (
    ("alarms", "Alarms"),
    ("measured", "What was measured"),
    ("metrics", "Metrics"),
    ("groups", "By group"),
    ("robustness", "Under attack"),
    ("corruptions", "Under corruption"),
    ("ood", "Out of distribution"),
    ("shift", "Natural shift"),
    ("resources", "Resources"),
    ("model", "Model card"),
    ("data", "Data"),
    ("check", "How to reproduce"),
)


def render_audit(document: Document) -> str:
    """Render an audit as one self-contained HTML page.

    Args:
        document: The content of `audit.json`. Every part may be absent or null: then the page says that it was not
            measured. A measurement without a value is shown as not estimated, with its note.

    Returns:
        The page: verdicts, alarms, what was measured, then every part with its figure, what it means, and the numbers
        as a table. Nothing is loaded from elsewhere; all text of the document is escaped.
    """
    alarms = _audit_alarms.read_alarms(document)
    artifacts, environment_table = _tables.artifact_table(document), _tables.environment_table(document)
    return environment().get_template("audit.html.j2").render(
        light=_theme.variables(_theme.LIGHT),
        dark=_theme.variables(_theme.DARK),
        document=document,
        name=str(part(document, "data").get("name") or "model"),
        title=_audit_sentences.audit_title(document),
        summary=_audit_sentences.audit_summary(document),
        created=_sentences.created(document),
        verdicts=[(verdict, status(verdict), verdict_panel(verdict)) for verdict in read_verdicts(document)],
        where=where(document),
        alarms=[alarm for alarm in alarms if alarm.fired is True],
        alarm_sentence=_audit_alarms.alarm_sentence(alarms),
        silent_words=_audit_alarms.silent_words(alarms),
        silent=_audit_alarms.silent_table(alarms),
        coverage=_audit_cards.coverage_table(document),
        metrics=_audit_metrics.metric_tables(document),
        metrics_finding=_audit_metrics.metrics_finding(document, where(document)),
        metrics_meaning=_audit_metrics.metrics_meaning(document),
        groups=_group_figure(document),
        why_not=_audit_numbers.why_not(document),
        curve=_audit_curve.curve_figure(document),
        curve_axis=_curve_axis(document),
        caveats=_audit_curve.attack_caveats(document),
        stages=_audit_curve.stage_table(document),
        corruptions=_audit_corruptions.corruption_section(document),
        ood=_audit_ood.ood_figure(document),
        ood_scores=_audit_ood.score_table(document),
        ood_groups=_audit_ood.false_alarm_table(document),
        ood_notes=texts(part(document, "ood"), "notes"),
        shift=_audit_shift.shift_figure(document),
        shift_notes=texts(part(document, "shift"), "notes"),
        latency=_audit_resources.latency_figure(document),
        resource_facts=_audit_resources.resource_facts(document),
        resource_notes=texts(part(document, "resources"), "notes"),
        model_facts=_audit_cards.model_facts(document),
        limits=_audit_sentences.audit_limits(document),
        data_facts=_audit_cards.data_facts(document),
        data_notes=texts(part(document, "data"), "notes"),
        attributes=_audit_cards.attribute_table(document),
        command=_sentences.command(document),
        clocks=_bars.clock_table(document),
        environment=environment_table,
        artifacts=replace(artifacts, caption="Files of this audit") if artifacts else None,
        contents=CONTENTS,
    )  # fmt: skip


def _group_figure(document: Document) -> Figure | None:
    """Draw the rates by group; of several strengths of an attack the middle one, as the curve shows all of them."""
    listed = _groups.read_groups(document, NOT_ESTIMATED)
    robust = list(dict.fromkeys(name for row in listed for name in row.rates if name.startswith("robust_accuracy")))
    hidden = {name for name in robust if name != robust[len(robust) // 2]} if len(robust) > 2 else set()
    kept = [replace(row, rates={n: rate for n, rate in row.rates.items() if n not in hidden}) for row in listed]
    figure = _groups.group_figure(
        kept, where(document), image="pixel" in str(part(document, "robustness").get("unit") or "")
    )
    if figure is None:
        return None
    what = "Means and errors" if _audit_numbers.answers_numbers(document) else "Rates"
    table = replace(figure.table, caption=f"{what} by group, with 95 % intervals")
    return replace(figure, table=table, meaning=_audit_sentences.groups_meaning(kept))


def _curve_axis(document: Document) -> str:
    curve = _audit_curve.read_curve(document)
    return curve.eps.axis if curve is not None else ""
