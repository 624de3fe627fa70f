"""Every Python block of docs/theory/*.md prints what the page says that it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "theory"
BLOCK = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", sorted(FOLDER.glob("T*.md")), ids=lambda page: page.stem)
def test_the_worked_numbers_of_a_page_are_what_its_code_prints(page):
    text = page.read_text(encoding="utf-8")
    found = BLOCK.findall(text)
    assert len(found) == text.count("```python\n") > 0, "each Python block is followed by a text block: what it prints"
    names: dict[str, object] = {"__name__": page.stem}
    for code, says in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == says


@pytest.mark.parametrize("page", sorted(FOLDER.glob("T*.md")), ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_to_a_file(page):
    targets = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    lost = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert lost == []


def test_the_index_names_every_result_and_page():
    from efficienttrust.theory import all_results

    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    for one in all_results():
        page = f"theory/T{int(one.code[1:]):02d}.md"
        assert f"| [{one.code}]({page}) | {one.title}" in text
        assert (ROOT / "docs" / page).exists()
