"""Every page of docs/theory shows the figure that benchmarks/theory_figures.py draws for it, and says what it shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "theory").glob("T*.md"))
IMAGES = ROOT / "docs" / "images" / "theory"


def drawn() -> set[str]:
    """Return the names in FIGURES of the script, without running it."""
    tree = ast.parse((ROOT / "benchmarks" / "theory_figures.py").read_text(encoding="utf-8"))
    tables = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "FIGURES"
    ]
    assert len(tables) == 1
    assert isinstance(tables[0], ast.Dict)
    return {ast.literal_eval(key) for key in tables[0].keys if key is not None}


def test_the_script_draws_one_figure_a_page_and_nothing_else_lies_there():
    pages = {page.stem for page in PAGES}
    assert drawn() == pages
    assert {file.name for file in IMAGES.iterdir()} == {f"{name}.svg" for name in pages}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_its_figure_and_says_what_it_shows(page):
    shown = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [target for _, target in shown] == [f"../images/theory/{page.stem}.svg"]
    assert len(shown[0][0].split()) >= 12, "an alternative text states the finding"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_figure_has_a_light_ground_and_no_date(page):
    text = (IMAGES / f"{page.stem}.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in text
    assert "fill: #ffffff" in text, "an opaque panel is readable on a dark page"
