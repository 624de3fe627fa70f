"""The audit page: in order, self-contained, accessible, printable, careful in its words."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from audit_fixture import make_image_audit, make_table_audit
from page_reader import PageReader

from efficienttrust.report import render_audit
from efficienttrust.report._audit_corruptions import DEEPEST
from efficienttrust.report._theme import DARK, LIGHT

SECTIONS = (
    "Alarms", "What was measured", "Metrics", "By group", "Under attack", "Under corruption", "Out of distribution",
    "Natural shift", "Resources", "Model card", "Data", "How to reproduce",
)  # fmt: skip


@pytest.fixture(scope="module", params=[make_table_audit, make_image_audit], ids=["table", "image"])
def html(request: pytest.FixtureRequest) -> str:
    return render_audit(request.param())


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
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(link.startswith("#") for link in links)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert len(html.encode()) < 1_000_000


def test_sections_stand_in_the_agreed_order(page: PageReader) -> None:
    sections = [text for level, text in page.headings if level == 2]
    assert sections[-len(SECTIONS) :] == list(SECTIONS)


def test_verdicts_come_first_and_fired_alarms_right_after() -> None:
    page = PageReader(render_audit(make_table_audit()))
    words = [text for _, text in page.headings]
    assert words[1].startswith("demographic_parity_difference ≤ 0.05")
    assert words[3:6] == ["Alarms", "black box beats gradient", "zero gradients"]
    text = " ".join(page.text.replace("\u00a0", " ").split())
    card = text[text.index("black box beats gradient") : text.index("zero gradients")]
    assert "0.061 threshold 0.002" in card
    assert "A search without gradients fooled rows" in card


def test_silent_alarms_are_folded_with_their_numbers(html: str, page: PageReader) -> None:
    folded = re.search(r"<details><summary>\d+ alarms that did not fire</summary>.*?</details>", html, re.DOTALL)
    assert folded is not None
    assert "flat loss" in folded[0]
    assert ["flat loss", "did not fire", "0.040", "0.100"] in [row[:4] for row in page.rows]


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


def test_every_figure_begins_with_one_caption_that_states_its_finding(html: str) -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", html, flags=re.DOTALL)
    assert len(figures) >= 5
    for figure in figures:
        assert figure.count("<figcaption") == 1
        assert re.match(r'\s*<figcaption class="finding">[^<]*\d[^<]*</figcaption>', figure)


def test_every_drawing_is_hidden_or_described(page: PageReader) -> None:
    assert all(re.search(r"\d", words) for words in page.images())
    assert len(page.images()) >= 4


def test_every_section_says_what_it_means(html: str) -> None:
    meant = re.findall(r'<p class="meaning"><strong>What it means\.</strong> ([^<]+)</p>', html)
    assert len(meant) >= 6
    assert all(re.search(r"\d", sentence) and sentence.rstrip().endswith(".") for sentence in meant)


def test_the_meaning_of_an_accuracy_is_told_in_rows(html: str) -> None:
    share = "84 as labelled (83 to 85)" if "adult" in html else "88 as labelled (87 to 89)"
    assert f"Of 100 rows like these the model decides about {share}" in html.replace("\u00a0", " ")


def test_words_stay_careful(page: PageReader) -> None:
    assert not re.findall(r"\b(fair|safe|unbiased|trustworthy|guarantee\w*|secure)\b", page.text.lower())


def luminance(channels: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def channels(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_figures_on_the_deepest_tint_of_the_heat_map_keep_their_contrast(scheme: dict[str, str]) -> None:
    mixed = [
        DEEPEST / 100 * blue + (1 - DEEPEST / 100) * paper
        for blue, paper in zip(channels(scheme["blue"]), channels(scheme["paper"]), strict=True)
    ]
    dark, light = sorted((luminance(mixed), luminance(channels(scheme["ink"]))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_both_schemes_and_print_are_served_and_define_every_variable_used(page: PageReader) -> None:
    used = set(re.findall(r"var\(--([a-z]+)\)", page.style)) - {"tint"}
    assert used <= set(LIGHT)
    assert "prefers-color-scheme: dark" in page.style
    assert page.style.count("@media print") == 2


def test_every_mark_and_class_of_a_drawing_is_defined(html: str, page: PageReader) -> None:
    marks = {attributes["class"] for tag, attributes in page.tags if tag == "use"}
    assert marks <= {"hard", "deployed", "missed", "small"}
    assert all(f".{mark}" in page.style and f'id="mark-{mark}"' in html for mark in marks)


def test_rendering_is_quick_and_pulls_in_nothing_heavy() -> None:
    document = make_table_audit()
    render_audit(document)
    start = time.process_time()
    render_audit(document)
    assert time.process_time() - start < 1.0
    code = (
        "import sys, efficienttrust.report; "
        "assert not {'matplotlib', 'jinja2', 'pandas', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
