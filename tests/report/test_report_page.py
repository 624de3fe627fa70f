"""The page: in order, self-contained, accessible, and true to the numbers of the run."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from itertools import pairwise

import pandas as pd
import pytest
from page_reader import PageReader
from report_fixture import DPD, make_decisions, make_document, make_history

from efficienttrust.report import render_report
from efficienttrust.report._theme import DARK, LIGHT


@pytest.fixture(scope="module")
def html() -> str:
    history = make_history()
    return render_report(make_document(), history, make_decisions(history))


@pytest.fixture(scope="module")
def page(html: str) -> PageReader:
    return PageReader(html)


def test_markup_balances_and_ids_are_unique(page: PageReader) -> None:
    assert page.faults == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {link[1:] for tag in ("a", "use") for link in page.values(tag, "href")}
    assert targets <= set(ids)


def test_nothing_is_loaded_and_no_script_runs(html: str, page: PageReader) -> None:
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    assert "@import" not in page.style
    assert "url(" not in page.style
    links = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href", "srcset")
    ]
    assert all(link.startswith("#") for link in links)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert len(html.encode()) < 1_000_000


def test_sections_stand_in_the_agreed_order(page: PageReader) -> None:
    words = [text for _, text in page.headings]
    expected = ["Budget", "What was traded", "Trajectory", "Ledger", "By group", "All metrics", "Decisions",
                "Candidates", "What the budget did not buy", "Data", "Model card", "Check it yourself"]  # fmt: skip
    places = [next(i for i, text in enumerate(words) if text.startswith(name)) for name in expected]
    assert places == sorted(places)
    first_card = next(i for i, text in enumerate(words) if text.startswith(DPD))
    assert first_card < places[0]


def test_headings_descend_one_level_at_a_time(page: PageReader) -> None:
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_language_title_and_landmarks(page: PageReader) -> None:
    assert page.values("html", "lang") == ["en"]
    names = [tag for tag, _ in page.tags]
    assert names.count("main") == names.count("title") == 1
    for _, attributes in page.tags:
        if attributes.get("class", "").startswith("scroll"):
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]


def test_title_states_the_outcome(page: PageReader) -> None:
    title = page.headings[0][1].replace("\u00a0", " ")
    assert title == "2 of 2 targets met inside 20 s cpu, 1 of them certified"


def test_a_verdict_card_shows_value_interval_rows_reason_and_bound(page: PageReader) -> None:
    text = " ".join(page.text.replace("\u00a0", " ").split())
    card = text[text.index("Met") : text.index("Certified")]
    for part in ("≤ 0.05", "0.042", "0.029 to 0.055", "n = 9,769", "the estimate on test", "≤ 0.067 on 4,884"):
        assert part in card
    assert "confidence 97.5 %" in card


@pytest.mark.parametrize(
    ("start", "parts"),
    [
        (f"{DPD} on test", ["0.042 (0.029 to 0.055)", "≤ 0.05", "met"]),
        ("Dot plot with 95 % intervals of 3", ["0.853 → 0.842 (−0.011)", "0.092 → 0.042 (−0.050)"]),
        ("Line chart", [f"{DPD} after virtual calibration from", "adversarial share of the batch from 0.000 to 1.000"]),
        ("Bar chart", ["19.7 s cpu of the 20 s cpu", "train took 50 %", "7.15 s cpu more went outside"]),
        ("Dot plot with 95 % intervals of 6", ["0.146 (Female) to 0.188 (Male)", "true positive rate differs most"]),
    ],
)
def test_alt_text_states_the_finding_with_its_numbers(page: PageReader, start: str, parts: list[str]) -> None:
    (alt,) = [text for text in page.images() if text.startswith(start)]
    for part in parts:
        assert part in alt


def test_every_figure_has_its_numbers_as_a_table(html: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", html, flags=re.DOTALL)
    assert len(figures) == 4
    assert all("<table>" in figure and 'role="img"' in figure for figure in figures)


def test_tables_hold_the_numbers_of_the_run(page: PageReader) -> None:
    rows = [[" ".join(cell.split()) for cell in row] for row in page.rows]
    assert ["train", "inside", "9.82 s cpu", "49 %"] in rows
    assert ["evaluate", "outside", "6.84 s cpu", "–"] in rows
    assert any(row[0] == "Female" and row[3] == "0.109 0.099 to 0.120" for row in rows if len(row) > 3)
    assert any(row[0].startswith("group_auc_gap") and "not estimable" in row[1] for row in rows)
    history = make_history()
    monitor = [row for row in rows if row and re.fullmatch(r"[\d,]+", row[0]) and len(row) == 10]
    assert len(monitor) == len(history)
    assert monitor[-1][2] == f"{history['accuracy'].iloc[-1]:.3f}"
    assert monitor[0][4] == "–"


def test_decisions_show_both_ends_and_fold_the_rest(page: PageReader) -> None:
    decisions = make_decisions(make_history())
    shown = [row for row in page.rows if len(row) == 7 and row[2].startswith(("lambda", "adversarial"))]
    assert len(shown) == 10 + len(decisions)


def test_commands_are_exact(page: PageReader) -> None:
    assert make_document()["command"] in page.text
    assert "efficienttrust verify runs/adult" in page.text


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_oracle() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_of_text_and_marks(scheme: dict[str, str]) -> None:
    for text in ("ink", "muted", "link"):
        for ground in ("paper", "panel", "zone"):
            assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
    for mark in ("blue", "vermillion", "green", "grey"):
        for ground in ("paper", "zone"):
            assert contrast(scheme[mark], scheme[ground]) >= 3.0, (mark, ground)


def test_both_schemes_define_every_variable_that_is_used(page: PageReader) -> None:
    used = set(re.findall(r"var\(--([a-z]+)\)", page.style))
    assert used <= set(LIGHT) == set(DARK)
    assert "prefers-color-scheme: dark" in page.style
    assert "@media print" in page.style


def test_a_status_is_told_by_shape_and_word_not_by_colour_alone() -> None:
    document = make_document()
    shapes = set()
    for status in ("certified", "met", "missed", "infeasible"):
        document["verdicts"] = [dict(make_document()["verdicts"][0], status=status)]
        page = render_report(document, pd.DataFrame(), pd.DataFrame())
        shapes.add(re.search(r'class="icon-\w+".*?<(path|circle|rect) class="icon-ring"([^>]*)', page, re.DOTALL)[2])  # type: ignore[index]
        assert status.capitalize() in PageReader(page).text
    assert len(shapes) == 4


def test_words_stay_careful(page: PageReader) -> None:
    assert not re.findall(r"\b(fair|safe|unbiased|trustworthy|guarantee\w*)\b", page.text.lower())


def test_rendering_is_quick_and_pulls_in_no_plotting_library() -> None:
    history = make_history(200)
    document, decisions = make_document(), make_decisions(history)
    start = time.process_time()
    render_report(document, history, decisions)
    assert time.process_time() - start < 1.5
    code = (
        "import sys, efficienttrust.report; "
        "assert not {'matplotlib', 'jinja2', 'pandas', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
