"""The page of a curve: what could be had for what, to pick a point from; the same rules as the page of a run."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from efficienttrust.report import _bars, _sentences, _tables, _theme
from efficienttrust.report._figures import Cell, Figure, LegendItem, Table, reading
from efficienttrust.report._format import amount, as_float, number
from efficienttrust.report._frontier_figure import scatter_panels
from efficienttrust.report._frontier_read import DIALS, Axis, CurvePoint, read_axes, read_points
from efficienttrust.report._limit import LIMIT_WORDS, LimitCurve, distance_table, read_limit
from efficienttrust.report._page import environment
from efficienttrust.report._read import WITHHELD, Document, count_text, part, rows, texts

CONTENTS = (
    ("pick", "The points"),
    ("deploy", "Deploy one"),
    ("ledger", "Ledger"),
    ("made", "How it was made"),
    ("data", "Data"),
    ("check", "Make it again"),
)
ROUNDED_TO = 0.005  # bounds of targets are rounded so, away from what the point came to


def render_frontier(document: Mapping[str, Any], folder: str) -> str:
    """Render the page of a curve as one self-contained HTML page.

    Args:
        document: The content of `frontier.json`.
        folder: Where the curve lies, for the commands on the page.

    Returns:
        The page. Values that could not be estimated are shown as such; nothing is loaded from elsewhere.
    """
    axes = read_axes(document)
    points, limit = read_points(document, axes), read_limit(document)
    commands = [(point.name, deploy_command(point, axes, folder)) for point in points]
    return environment().get_template("frontier.html.j2").render(
        light=_theme.variables(_theme.LIGHT),
        dark=_theme.variables(_theme.DARK),
        document=document,
        problem=part(document, "problem"),
        title=_title(document, points, axes),
        summary=_summary(document, points, axes),
        budget=_bars.budget_bars(document),
        figure=_figure(points, axes, limit) if points else None,
        distances=_distances(points, axes, limit),
        chosen_by=_calibrate_table(document, points, axes) if points else None,
        policy=str(part(document, "spec").get("policy") or "?"),
        example=suggested_command(document, folder),
        commands=Table("The targets that each point suggests", ["point", "command"], [list(one) for one in commands]),
        ledger=_bars.ledger_figure(document),
        clocks=_bars.clock_table(document),
        how=how_made(document),
        fallbacks=texts(document, "fallbacks"),
        model_table=_tables.model_table(document),
        facts=_tables.facts(document),
        notes=texts(part(document, "problem"), "notes"),
        data_tables=[
            table for table in (_tables.split_table(document), _tables.base_rate_table(document)) if table is not None
        ],
        columns=_tables.column_table(document),
        command=_sentences.command(document),
        environment=_tables.environment_table(document),
        created=_sentences.created(document),
        contents=CONTENTS,
    )  # fmt: skip


def suggested_command(document: Mapping[str, Any], folder: str) -> tuple[str, str] | None:
    """Return the point in the middle of the curve, and the command that deploys a model near it.

    None where there is no point, or no network of all settings to deploy from.
    """
    axes = read_axes(document)
    points = read_points(document, axes)
    if not points or not _is_deployable(document):
        return None
    middle = points[len(points) // 2]
    return middle.name, deploy_command(middle, axes, folder)


def deploy_command(point: CurvePoint, axes: Sequence[Axis], folder: str) -> str:
    """Return the command that deploys a model near a point: its values, rounded to the next looser bound, as targets.

    Of a value on calibrate and one on test the worse counts, as a target that calibrate alone meets is a tight one. An
    axis without a value sets no target.
    """
    words = ["efficienttrust", "fit", "--from", folder]
    for axis, value, tested in zip(axes[1:], point.calibrate[1:], point.test[1:], strict=True):
        told = [one for one in (value, tested.value) if math.isfinite(one)]
        if told:
            worse = min(told) if axis.higher else max(told)
            steps = math.floor(worse / ROUNDED_TO + 1e-9) if axis.higher else math.ceil(worse / ROUNDED_TO - 1e-9)
            words += ["--target", f"{axis.key} {axis.relation} {round(steps * ROUNDED_TO, 6):g}"]
    return shlex.join(words)


def how_made(document: Document) -> list[str]:
    """Return in sentences how the points came about, and what their intervals do not say."""
    model, count = part(document, "model"), len(rows(document, "points"))
    settings = model.get("settings")
    told = len(settings) if isinstance(settings, Sequence) else 0
    kind = str(model.get("architecture") or "network")
    found = [
        f"One network ({kind}) was trained for all settings of its dials at once; {told} settings were made plain "
        "networks of the same architecture."
        if told
        else f"The points are decision rules of the candidates of one training ({kind}); there is no network of all "
        "settings."
    ]
    found.append(
        "For each model, decision rules were sought on the calibrate split. Those are kept that no other beats on "
        "every axis there, and of them the ones that add most to the dominated volume."
    )
    found.append("Each point was exported, and its file measured on the test split, which chose nothing.")
    if count > 1:
        found.append(
            f"The {count} points are compared on the same test rows. An interval is for one point that is named "
            "beforehand; the best of many by their test values looks better than it is."
        )
    found.append("Intervals hold for rows drawn like the test split, not for shifted populations.")
    return found


def _is_deployable(document: Document) -> bool:
    settings = part(document, "model").get("settings")
    return isinstance(settings, Sequence) and len(settings) > 0


def _title(document: Document, points: Sequence[CurvePoint], axes: Sequence[Axis]) -> str:
    time = part(part(document, "ledger"), "time")
    asked, clock = as_float(time.get("asked")), str(time.get("clock") or "wall")
    inside = f" inside {amount('time', asked, clock)}" if math.isfinite(asked) else ""
    if not points:
        return f"No point was found{inside}"
    plural = "1 point" if len(points) == 1 else f"{len(points)} points"
    names = [axis.words.split("(")[0].replace("_", " ") for axis in axes]
    against = f"{names[0]} against {' and '.join(names[1:])}" if len(names) > 1 else names[0]
    return f"{against[0].upper()}{against[1:]}: {plural}{inside}"


def _summary(document: Document, points: Sequence[CurvePoint], axes: Sequence[Axis]) -> list[str]:
    problem = part(document, "problem")
    found = [f"What a model that {_sentences.does(problem)} can be had for, on {problem.get('name') or '?'}."]
    if not points:
        return [*found, "The budget ended before a model had a decision rule: give it more."]
    n = part(problem, "splits").get("test")
    tested = "the test rows" if n is None else f"{count_text(n)} test rows that took no part in training or choice"
    found.append(
        f"Every point is a model with its decision rule; values are of its exported file on {tested}, "
        "brackets hold 95 % intervals."
    )
    if len(points) == 1:
        found.append("There is one point, so nothing is traded: no other rule was better on any axis.")
    return found


def _finding(points: Sequence[CurvePoint], axes: Sequence[Axis]) -> str:
    """State the most accurate point and the best on each other axis, all chosen on calibrate, with values on test."""

    def best(at: int) -> CurvePoint:
        told = [point for point in points if math.isfinite(point.calibrate[at])]
        if told:
            return max(told, key=lambda point: point.calibrate[at] if axes[at].higher else -point.calibrate[at])
        known = [point for point in points if point.test[at].known] or list(points)
        return max(known, key=lambda point: point.test[at].value if axes[at].higher else -point.test[at].value)

    first = best(0)
    others = ", ".join(f"{axis.words} {one.text()}" for axis, one in zip(axes[1:], first.test[1:], strict=True))
    text = f"The highest {axes[0].words} is that of {first.name}, {first.test[0].text()}"
    text += f", with {others}" if others else ""
    for at in range(1, len(axes)):
        point = best(at)
        extreme = "highest" if axes[at].higher else "lowest"
        text += f"; the {extreme} {axes[at].words} is that of {point.name}, {point.test[at].text()}"
        cost = first.test[0].value - point.test[0].value
        if point is not first and math.isfinite(cost):
            text += f", at {axes[0].words} {number(point.test[0].value)} ({number(abs(cost))} {_than(cost)})"
    return f"{text}."


def _than(cost: float) -> str:
    return "less" if cost >= 0 else "more"


def _distances(points: Sequence[CurvePoint], axes: Sequence[Axis], limit: LimitCurve | None) -> Table | None:
    at = next((index for index, axis in enumerate(axes) if limit is not None and axis.key == limit.key), None)
    if limit is None or at is None:
        return None
    return distance_table(limit, [(one.name, one.test[0], one.test[at].value) for one in points], axes[0].words)


def _figure(points: Sequence[CurvePoint], axes: Sequence[Axis], limit: LimitCurve | None) -> Figure:
    panels = scatter_panels(points, axes, limit)
    legend = [LegendItem("deployed", "exported file on test, 95 % interval")]
    if any(not mark.on_curve for panel in panels for mark in panel.points):
        legend.append(LegendItem("hollow", "another beats it on these two axes, none on all three"))
    if limit is not None and any(panel.limit for panel in panels):
        legend.append(LegendItem("limit", LIMIT_WORDS))
    undrawn = [point.name for point in points if not all(one.known for one in point.test)]
    finding = _finding(points, axes)
    return Figure(
        name="curve",
        finding=finding,
        alt=f"Scatter plot with 95 % intervals of {len(points)} points. {finding}",
        table=_point_table(points, axes),
        legend=legend,
        panels=panels,
        note=f"Without a value on an axis, and so not drawn over it: {', '.join(undrawn)}." if undrawn else "",
    )


def _point_table(points: Sequence[CurvePoint], axes: Sequence[Axis]) -> Table:
    dials = list(dict.fromkeys(dial for point in points for dial in point.setting))
    body: list[list[Cell]] = []
    for point in points:
        row: list[Cell] = [point.name, *(reading(one) for one in point.test)]
        row += [_dial(point.setting.get(dial, math.nan)) for dial in dials]
        body.append([*row, amount("size", point.size) if math.isfinite(point.size) else "–"])
    heads = [f"{axis.words} ({'higher' if axis.higher else 'lower'} is better)" for axis in axes]
    settings = [DIALS.get(dial, dial.replace("_", " ")) for dial in dials]
    notes = dict.fromkeys(one.note for point in points for one in point.test if one.note and not one.known)
    return Table("On test, with 95 % intervals", ["point", *heads, *settings, "file"], body, note="; ".join(notes))


def _calibrate_table(document: Document, points: Sequence[CurvePoint], axes: Sequence[Axis]) -> Table:
    groups = texts(part(document, "model"), "group_names")
    most = max(len(point.offsets) for point in points)
    names = groups if len(groups) == most else [f"group {index + 1}" for index in range(most)]
    absent = WITHHELD if part(document, "problem").get("clinical") else "–"
    body: list[list[Cell]] = []
    for point in points:
        values = [number(value) if math.isfinite(value) else absent for value in point.calibrate]
        offsets = [_dial(value) for value in [*point.offsets, *[math.nan] * (most - len(point.offsets))]]
        body.append([point.name, point.model, *values, _dial(point.threshold), *offsets])
    heads = [axis.words for axis in axes]
    return Table(
        "On calibrate, by which points were chosen; and how each decides (margins)",
        ["point", "model", *heads, "threshold", *(f"offset of {name}" for name in names)],
        body,
        note="Where the group is inferred, offsets are weighted by the probabilities of the groups." if most else "",
    )


def _dial(value: float) -> str:
    return number(value) if math.isfinite(value) else "–"
