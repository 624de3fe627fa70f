"""Figures as Vega-Lite: one view a panel, which fits its column, answers to the legend and shows values on hovering."""

from __future__ import annotations

import functools
import math
import textwrap
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.report._theme import LIGHT
from efficienttrust.report.study._content import Figure, Mark, Panel

if TYPE_CHECKING:
    import altair as alt

MISSING = "altair and vl-convert-python draw the report: install them with pip install 'efficienttrust'"
HEIGHT = 240  # px of a panel of lines or points
_ROW, _GAP = 15, 10  # px of a row of intervals, and between categories
_TITLE = 34  # characters of a line of an axis title
_SHOWN, _CHOSEN = "shown", "chosen"  # signals that the page sets
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"


@functools.cache
def javascript() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that needs no network."""
    try:
        import vl_convert
    except ImportError as error:
        raise UsageError(MISSING) from error
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version="6.1")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def specs(figure: Figure) -> list[dict[str, Any]]:
    """Return a specification for each panel of a figure."""
    return [_spec(figure, panel) for panel in figure.panels]


def _spec(figure: Figure, panel: Panel) -> dict[str, Any]:
    import altair as alt

    rows = [_row(mark) for mark in panel.marks if math.isfinite(mark.value)]
    names = list(figure.styles)
    shown = alt.param(name=_SHOWN, value=names)
    base = (
        alt.Chart(_data(rows))
        .add_params(shown)
        .transform_filter(f"indexof({_SHOWN}, datum.series) >= 0")
        .encode(
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=[s.light for s in figure.styles.values()]),
                            legend=None),
            tooltip=_tooltip(figure, panel),
        )
    )  # fmt: skip
    if figure.subsets:
        base = base.add_params(alt.param(name=_CHOSEN, value=figure.subsets[0]))
        base = base.transform_filter(f"datum.subset == {_CHOSEN}")
    layers, height = _LAYERS[figure.kind](figure, panel, base)
    spec: dict[str, Any] = (
        alt.layer(*layers).properties(width="container", height=height, autosize=_AUTOSIZE, background="transparent")
    ).configure(**_config()).to_dict(validate=False)  # fmt: skip
    del spec["$schema"]  # an address that nothing needs to fetch
    return spec


_AUTOSIZE = {"type": "fit-x", "contains": "padding"}


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=rows)


def _row(mark: Mark) -> dict[str, Any]:
    row: dict[str, Any] = {"series": mark.series, "at": mark.at, "value": _digits(mark.value)}
    if math.isfinite(mark.low) and math.isfinite(mark.high):
        row |= {"low": _digits(mark.low), "high": _digits(mark.high)}
    if mark.subset:
        row["subset"] = mark.subset
    if mark.joined:
        row["joined"] = 1
    return row


def _wrapped(title: str) -> list[str] | None:
    return textwrap.wrap(title, _TITLE) or None


def _digits(value: float) -> float:
    """Keep what a picture can show, so that a page of thousands of marks stays small."""
    return float(f"{value:.5g}")


def _tooltip(figure: Figure, panel: Panel) -> list[alt.Tooltip]:
    import altair as alt

    title = panel.at or "of"
    at = alt.Tooltip("at:N", title=title) if panel.order else alt.Tooltip("at:Q", title=title, format=".4~g")
    found = [alt.Tooltip("series:N", title="series"), at, alt.Tooltip("value:Q", title="value", format=".4~g")]
    if any(math.isfinite(mark.low) for mark in panel.marks):
        found += [alt.Tooltip("low:Q", format=".4~g"), alt.Tooltip("high:Q", format=".4~g")]
    return found


def _shape(figure: Figure) -> alt.Shape:
    import altair as alt

    return alt.Shape("series:N", legend=None, scale=alt.Scale(domain=list(figure.styles),
                     range=[style.marker for style in figure.styles.values()]))  # fmt: skip


def _zero(panel: Panel, channel: str) -> list[alt.Chart]:
    import altair as alt

    if not panel.zero:
        return []
    rule = alt.Chart(_data([{"zero": 0}])).mark_rule(color=LIGHT["muted"], strokeDash=[4, 3])
    return [rule.encode(**{channel: alt.X("zero:Q") if channel == "x" else alt.Y("zero:Q")})]


def _intervals(figure: Figure, panel: Panel, base: alt.Chart) -> tuple[list[alt.Chart], Any]:
    import altair as alt

    order = [name for name in panel.order if any(mark.at == name for mark in panel.marks)]
    names = [name for name in figure.styles if any(mark.series == name for mark in panel.marks)]
    y = alt.Y("at:N", sort=order, title=_wrapped(panel.at), axis=alt.Axis(grid=False, ticks=False, labelLimit=150),
              scale=alt.Scale(domain=order, paddingInner=0.25, paddingOuter=0.15))  # fmt: skip
    offset = alt.YOffset("series:N", sort=names, scale=alt.Scale(domain=names))
    value = alt.X("value:Q", title=_wrapped(panel.value), scale=alt.Scale(zero=panel.zero), axis=alt.Axis(tickCount=4))
    rule = base.mark_rule(strokeWidth=2).transform_filter("isValid(datum.low)").encode(
        x=alt.X("low:Q", title=_wrapped(panel.value)), x2="high:Q", y=y, yOffset=offset)  # fmt: skip
    point = base.mark_point(filled=True, size=55, opacity=1).encode(x=value, y=y, yOffset=offset, shape=_shape(figure))
    height = len(order) * (_ROW * len(names) + _GAP)
    return [*_zero(panel, "x"), rule, point], max(60, height)


def _lines(figure: Figure, panel: Panel, base: alt.Chart) -> tuple[list[alt.Chart], Any]:
    import altair as alt

    value = alt.Y("value:Q", title=_wrapped(panel.value), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    extra: dict[str, Any] = {}
    if panel.order:
        order = [name for name in panel.order if any(mark.at == name for mark in panel.marks)]
        at = alt.X("at:N", sort=order, title=_wrapped(panel.at), scale=alt.Scale(domain=order),
                   axis=alt.Axis(labelAngle=-35 if len(order) > 3 else 0, labelLimit=110, grid=False,
                                 labelOverlap=False))  # fmt: skip
        names = [name for name in figure.styles if any(mark.series == name for mark in panel.marks)]
        extra["xOffset"] = alt.XOffset("series:N", sort=names, scale=alt.Scale(domain=names, paddingOuter=1))
    else:
        scale = alt.Scale(type="log", base=panel.log, reverse=panel.reverse) if panel.log else alt.Scale(
            zero=False, reverse=panel.reverse, nice=True)  # fmt: skip
        doses = sorted({float(mark.at) for mark in panel.marks})
        axis = alt.Axis(values=doses, format="~g") if len(doses) <= 8 else alt.Axis(tickCount=4, format="~g")
        at = alt.X("at:Q", title=_wrapped(panel.at), scale=scale, axis=axis)
    line = base.mark_line(strokeWidth=1.5, opacity=0.75).encode(x=at, y=value, **extra)
    rule = base.mark_rule(strokeWidth=1.5, opacity=0.75).transform_filter("isValid(datum.low)").encode(
        x=at, y=alt.Y("low:Q", title=_wrapped(panel.value)), y2="high:Q", **extra)  # fmt: skip
    point = base.mark_point(filled=True, size=55, opacity=1).encode(x=at, y=value, shape=_shape(figure), **extra)
    return [*_zero(panel, "y"), line, rule, point], HEIGHT


def _points(figure: Figure, panel: Panel, base: alt.Chart) -> tuple[list[alt.Chart], Any]:
    import altair as alt

    scale = alt.Scale(type="log", base=panel.log) if panel.log else alt.Scale(zero=False)
    large = max((abs(float(mark.at)) for mark in panel.marks), default=0.0) >= 1e4
    axis = alt.Axis(tickCount=4, format="~s" if large else "~g")
    at = alt.X("at:Q", title=_wrapped(panel.at), scale=scale, axis=axis)
    value = alt.Y("value:Q", title=_wrapped(panel.value), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    front = base.transform_filter("datum.joined").mark_line(color=LIGHT["muted"], strokeWidth=1.2).encode(
        x=at, y=value, color=alt.value(LIGHT["muted"]), order="at:Q", tooltip=alt.value(None))  # fmt: skip
    point = base.mark_point(filled=True, size=60).encode(
        x=at, y=value, shape=_shape(figure), opacity=alt.condition("datum.joined", alt.value(1), alt.value(0.45))
    )
    return [front, point], HEIGHT


_LAYERS = {"intervals": _intervals, "lines": _lines, "points": _points}


def _config() -> dict[str, Any]:
    return {
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 500, "labelColor": LIGHT["ink"],
            "titleColor": LIGHT["muted"], "gridColor": LIGHT["grid"], "domainColor": LIGHT["rule"],
            "tickColor": LIGHT["rule"], "titleLimit": 330, "labelOverlap": True, "labelSeparation": 3,
            "titlePadding": 8, "labelPadding": 5, "titleLineHeight": 15,
        },
    }  # fmt: skip
