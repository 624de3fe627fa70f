"""The page says what the analysis says, fetches nothing, and survives any name."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re

from tests.report.page_reader import PageReader
from tests.study.reporting.conftest import AWKWARD, LONG, Made


def specs_of(page: str) -> dict[str, list[dict[str, object]]]:
    found = re.findall(r'<script type="application/json" id="specs-([^"]+)">(.*?)</script>', page, flags=re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def markup(page: str) -> str:
    """Return the page without its scripts, whose text is no markup."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_nothing_is_fetched(made: Made) -> None:
    page = PageReader(markup(made.report.page))
    assert not page.faults
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes[name][:80])
    assert "@import" not in page.style
    assert "url(" not in page.style


def test_names_are_text_and_never_markup(made: Made) -> None:
    page = PageReader(markup(made.report.page))
    assert not {"i", "b"} & {tag for tag, _ in page.tags}
    assert AWKWARD in page.text
    assert "adult <i>" in page.text
    drawn = json.dumps(specs_of(made.report.page), ensure_ascii=False)
    assert json.dumps(AWKWARD)[1:-1] in drawn
    assert made.report.page.count("</script>") == made.report.page.count("<script")


def test_every_figure_states_its_finding_and_has_its_numbers(made: Made) -> None:
    page = PageReader(markup(made.report.page))
    texts = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    figures = made.content.figures()
    assert texts == [figure.finding for figure in figures]
    for figure in figures:
        assert re.search(r"\d", figure.finding) or "No " in figure.finding or "no " in figure.finding
        assert figure.table.rows
    assert [tag for tag, _ in page.tags].count("figure") == len(figures) > 8


def test_headings_come_in_order(made: Made) -> None:
    levels = [level for level, _ in PageReader(markup(made.report.page)).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_notes_and_refusals_are_shown_with_their_reasons(made: Made) -> None:
    text = " ".join(PageReader(markup(made.report.page)).text.split())
    shown = 0
    for section in made.document.values():
        if isinstance(section, dict) and "refusals" in section:
            for line in [*section["notes"], *(one["reason"] for one in section["refusals"])]:
                assert " ".join(line.split()) in text
                shown += 1
    assert shown > 3


def test_no_model_is_called_fair_or_safe(made: Made) -> None:
    text = PageReader(markup(made.report.page)).text
    assert not re.search(r"\b(un)?(fair|safe)\b", text, flags=re.IGNORECASE)


def test_effects_are_called_exploratory_where_nothing_was_declared(made: Made) -> None:
    tags = {part.id: part.tag for part in made.content.parts}
    assert tags["effects"] == tags["interactions"] == tags["tradeoffs"] == "exploratory"
    assert "No hypothesis was declared" in made.report.page


def test_a_method_has_one_colour_and_marker_in_all_figures(made: Made) -> None:
    looks: dict[str, set[tuple[str, str]]] = {}
    for figure in made.content.figures():
        for name, style in figure.styles.items():
            looks.setdefault(name, set()).add((style.light, style.marker))
        for spec in specs_of(made.report.page)[figure.name]:
            assert f'"range": {json.dumps([style.light for style in figure.styles.values()])}' in json.dumps(spec)
        svg = made.report.figures[f"{figure.name}.svg"].decode()
        assert all(style.light in svg for style in figure.styles.values())
    methods = made.source.levels["mitigation"]
    assert all(len(looks[name]) == 1 for name in methods)
    assert len({next(iter(looks[name])) for name in methods}) == len(methods)


def test_levels_keep_the_order_of_the_study_file(made: Made) -> None:
    figure = next(one for one in made.content.figures() if one.name == "effects-constraint")
    assert list(figure.styles) == ["time=50%", "time=12.5%", "prune=0.8"]
    lines = next(one for one in made.content.figures() if one.name.startswith("interactions-"))
    orders = [panel.order for panel in lines.panels if "constraint" in panel.title]
    assert orders
    assert set(orders) == {("none", "time=50%", "time=12.5%", "prune=0.8")}


def test_the_csv_of_the_effects_holds_the_numbers_of_the_analysis(made: Made) -> None:
    rows = list(csv.DictReader(io.StringIO(made.report.figures["effects.csv"].decode())))
    pooled = made.document["effects"]["pooled"]
    assert len(rows) == len(pooled) > 0
    for row, one in zip(rows, pooled, strict=True):
        assert row["level"] == one["level"]
        if one["difference"]["value"] is not None:
            assert float(row["difference, these data sets"]) == one["difference"]["value"]
            low = row["difference, these data sets, low"]
            assert (float(low) if low else None) == one["difference"]["low"]


def test_every_figure_is_there_as_svg_png_and_csv(made: Made) -> None:
    for figure in made.content.figures():
        assert made.report.figures[f"{figure.name}.svg"].startswith(b"<?xml")
        assert made.report.figures[f"{figure.name}.png"].startswith(b"\x89PNG")
        assert LONG in made.report.figures["effects-mitigation.csv"].decode()
        assert f"{figure.table.name}.csv" in made.report.figures


def test_the_page_stays_small(made: Made) -> None:
    assert len(made.report.page.encode()) < 5_000_000
