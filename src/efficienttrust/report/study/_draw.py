"""Figures for print: matplotlib, the same colours and markers, the same bytes for the same figure."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from efficienttrust.report._palette import MARKERS
from efficienttrust.report._theme import LIGHT
from efficienttrust.report.study._content import Figure, Mark, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 7.2  # inches, the text block of A4
_RC: dict[Any, Any] = {
    "svg.hashsalt": "efficienttrust", "svg.fonttype": "none", "font.size": 8.5, "axes.titlesize": 8.5,
    "axes.labelsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8,
    "font.family": "DejaVu Sans", "axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold",
    "axes.edgecolor": LIGHT["rule"], "axes.labelcolor": LIGHT["muted"], "text.color": LIGHT["ink"],
    "xtick.color": LIGHT["ink"], "ytick.color": LIGHT["ink"], "grid.color": LIGHT["grid"], "axes.axisbelow": True,
    "text.parse_math": False,  # a $ in a name is a $
}  # fmt: skip


def draw(figure: Figure, formats: Sequence[str] = ("svg",)) -> dict[str, bytes]:
    """Draw a figure in each format (`svg`, `png`); each is drawn anew, so that its bytes depend on the figure alone."""
    return {name: _drawn(figure, name) for name in formats}


def _drawn(figure: Figure, form: str) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(_RC):
        columns = _columns(figure)
        rows = math.ceil(len(figure.panels) / columns)
        heights = [max(_height(figure, panel) for panel in figure.panels[row * columns : (row + 1) * columns])
                   for row in range(rows)]  # fmt: skip
        across = _legend_columns(figure)
        legend = 0.2 * math.ceil(len(figure.styles) / across) + 0.1 if len(figure.styles) > 1 else 0.0
        width = WIDTH if columns > 1 else 0.7 * WIDTH
        canvas = Canvas(figsize=(width, sum(heights) + legend), layout="constrained")
        FigureCanvasAgg(canvas)
        grid = canvas.subplots(rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights})
        for place, axes in enumerate(grid.flat):
            if place < len(figure.panels):
                _KINDS[figure.kind](figure, figure.panels[place], axes)
                _dress(figure.panels[place], axes, most=(70, 42, 26)[columns - 1])
                if place % columns and figure.kind == "intervals" and len({one.order for one in figure.panels}) == 1:
                    axes.set_yticklabels([])
            else:
                axes.set_axis_off()
        if len(figure.styles) > 1:
            _legend(figure, canvas, across)
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        found = io.BytesIO()
        canvas.savefig(found, format=form, metadata=metadata, dpi=150)
    return found.getvalue()


def _height(figure: Figure, panel: Panel) -> float:
    if figure.kind != "intervals":
        return 2.5
    used = len({mark.series for mark in panel.marks})
    return 0.75 + len({mark.at for mark in panel.marks}) * (0.13 * used + 0.08)


def _columns(figure: Figure) -> int:
    """Return how many panels stand side by side: two, or three that share their categories."""
    same = len({one.order for one in figure.panels}) == 1
    return 3 if len(figure.panels) == 3 and figure.kind == "intervals" and same else min(2, len(figure.panels))


def _legend_columns(figure: Figure) -> int:
    longest = max(min(34, len(name)) for name in figure.styles)
    return max(1, min(len(figure.styles), 96 // (longest + 5)))


def _legend(figure: Figure, canvas: Any, across: int) -> None:
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], color=style.light, marker=MARKERS[style.marker], linestyle="", markersize=5.5)
            for style in figure.styles.values()]  # fmt: skip
    canvas.legend(keys, [textwrap.shorten(name, 34, placeholder="…") if " " in name else _cut(name, 34)
                         for name in figure.styles], loc="outside upper left", ncols=across, frameon=False,
                  handletextpad=0.2, columnspacing=1.2)  # fmt: skip


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _dress(panel: Panel, axes: Axes, *, most: int) -> None:
    axes.set_title(textwrap.fill(panel.title, most), loc="left")
    axes.set_xlabel(textwrap.fill(axes.get_xlabel(), most))
    axes.tick_params(length=0)


def _own(figure: Figure, panel: Panel) -> list[Mark]:
    return [mark for mark in panel.marks if math.isfinite(mark.value)
            and (not figure.subsets or mark.subset == figure.subsets[0])]  # fmt: skip


def _intervals(figure: Figure, panel: Panel, axes: Axes) -> None:
    marks = _own(figure, panel)
    order = [name for name in panel.order if any(mark.at == name for mark in panel.marks)]
    names = [name for name in figure.styles if any(mark.series == name for mark in panel.marks)]
    step = 0.78 / max(1, len(names))
    if panel.zero:
        axes.axvline(0, color=LIGHT["muted"], linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for mark in marks:
        y = order.index(str(mark.at)) + (names.index(mark.series) - (len(names) - 1) / 2) * step
        style = figure.styles[mark.series]
        if math.isfinite(mark.low) and math.isfinite(mark.high):
            axes.plot([mark.low, mark.high], [y, y], color=style.light, linewidth=1.2, solid_capstyle="butt")
        axes.plot([mark.value], [y], color=style.light, marker=MARKERS[style.marker], markersize=4)
    axes.set_yticks(range(len(order)), [_cut(name, 26) for name in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel(panel.value)
    axes.grid(axis="x", linewidth=0.6)
    axes.locator_params(axis="x", nbins=5)


def _lines(figure: Figure, panel: Panel, axes: Axes) -> None:
    marks = _own(figure, panel)
    order = [name for name in panel.order if any(mark.at == name for mark in panel.marks)]
    names = [name for name in figure.styles if any(mark.series == name for mark in panel.marks)]
    if panel.zero:
        axes.axhline(0, color=LIGHT["muted"], linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for name in names:
        style = figure.styles[name]
        shift = (names.index(name) - (len(names) - 1) / 2) * 0.08 if order else 0.0
        own = [(order.index(str(mark.at)) + shift if order else float(mark.at), mark)
               for mark in marks if mark.series == name]  # fmt: skip
        own.sort(key=lambda one: one[0])
        axes.plot([x for x, _ in own], [mark.value for _, mark in own], color=style.light, linewidth=1,
                  marker=MARKERS[style.marker], markersize=4)  # fmt: skip
        for x, mark in own:
            if math.isfinite(mark.low) and math.isfinite(mark.high):
                axes.plot([x, x], [mark.low, mark.high], color=style.light, linewidth=1)
    if order:
        turned = len(order) > 3 or max(map(len, order)) > 12
        axes.set_xticks(range(len(order)), [_cut(name, 18) for name in order], rotation=35 if turned else 0,
                        ha="right" if turned else "center", rotation_mode="anchor")  # fmt: skip
    else:
        _numbers(panel, axes)
    axes.set_xlabel(panel.at)
    axes.set_ylabel(textwrap.fill(panel.value, 36))
    axes.grid(axis="y", linewidth=0.6)


def _numbers(panel: Panel, axes: Axes) -> None:
    doses = sorted({float(mark.at) for mark in panel.marks})
    if panel.log:
        axes.set_xscale("log", base=panel.log)
    if len(doses) <= 8:
        axes.set_xticks(doses, [f"{dose:g}" for dose in doses])
        axes.set_xticks([], minor=True)
    if panel.reverse:
        axes.invert_xaxis()


def _points(figure: Figure, panel: Panel, axes: Axes) -> None:
    marks = _own(figure, panel)
    front = sorted((float(mark.at), mark.value) for mark in marks if mark.joined)
    axes.plot([x for x, _ in front], [y for _, y in front], color=LIGHT["muted"], linewidth=0.9, zorder=1)
    for name, style in figure.styles.items():
        for joined in (False, True):
            own = [mark for mark in marks if mark.series == name and mark.joined == joined]
            axes.plot(
                [float(mark.at) for mark in own],
                [mark.value for mark in own],
                color=style.light,
                linestyle="",
                marker=MARKERS[style.marker],
                markersize=4.5,
                alpha=1 if joined else 0.45,
                markeredgewidth=0,
            )
    if panel.log:
        axes.set_xscale("log", base=panel.log)
    else:
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4), useMathText=False)
        axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(panel.at)
    axes.set_ylabel(textwrap.fill(panel.value, 34))
    axes.grid(linewidth=0.6)


_KINDS = {"intervals": _intervals, "lines": _lines, "points": _points}
