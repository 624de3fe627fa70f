"""Every command and Python block of the docs runs, in order, one working folder a page; every link leads somewhere.

Understood are ```bash blocks of `efficienttrust ...`, `make TARGET` (checked with `make -n`) and `python examples/...`,
```python blocks, and ```yaml blocks whose first line names the file to write. Anything else in a bash block is an
error.
"""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from efficienttrust.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

SHORTER = {
    "time=20s cpu": "time=60 steps",
    "time=60s": "time=50 steps",
    "time=5s cpu": "time=100 steps",
    "time: 5s cpu": "time: 100 steps",
    'time="5s cpu"': 'time="100 steps"',
    "--recover 5s": "--recover '60 steps'",
}
"""How the budgets of the docs are shrunk, so that a page takes seconds."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fences = re.finditer(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [Block(match[1], text.count("\n", 0, match.start()) + 1, match[2]) for match in fences]


def shortened(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    assert not re.search(r"time\W{1,3}\d+(\.\d+)?\s*(s|min|h)\b", text), f"no shorter budget is known for: {text}"
    return text


def run_command(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)
    if words[0] == "efficienttrust":
        assert main(words[1:]) == 0, line
    elif words[0] == "make":
        assert len(words) > 1, "name the target"
        subprocess.run(["make", "--dry-run", "--silent", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    elif words[0] == "python" and words[1].startswith("examples/"):
        monkeypatch.setattr("sys.argv", words[1:])
        runpy.run_path(str(ROOT / words[1]), run_name="__main__")
    else:
        pytest.fail(f"the docs say {line!r}, which this test cannot run")


def run_block(block: Block, names: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    text = shortened(block.text)
    if block.language == "bash":
        for line in text.replace("\\\n", " ").splitlines():
            run_command(line, monkeypatch)
    elif block.language == "python":
        exec(compile(text, f"<line {block.line}>", "exec"), names)
    elif block.language == "yaml":
        name = text.partition("\n")[0].removeprefix("# ")
        assert name.endswith(".yaml"), "the first line of a yaml block names its file: # spec.yaml"
        Path(name).write_text(text, encoding="utf-8")
    else:
        assert block.language == "text", f"a block in {block.language!r} is not run by anything"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page, workdir, monkeypatch):
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        try:
            run_block(block, names, monkeypatch)
        except Exception as error:
            error.add_note(f"in {page.name}, the block on line {block.line}")
            raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    lost = []
    for target in targets:
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown reader makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_files_that_the_pages_name_exist():
    named = re.compile(
        r"`((?:src|docs|tests|benchmarks|examples|metrics|threats|losses|training|atats|data)/[\w/.-]+)`"
    )
    package = ROOT / "src" / "efficienttrust"
    for page in PAGES:
        for name in named.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists() or (package / name).exists(), f"{page.name} names {name}"


def test_the_schema_of_the_yaml_file_is_current():
    from efficienttrust.pipeline.spec import fit_spec_schema

    committed = json.loads((ROOT / "docs" / "fit.schema.json").read_text(encoding="utf-8"))
    assert committed == fit_spec_schema(), "run: make schema"


def test_the_schema_accepts_the_yaml_of_the_docs():
    """The keys of the file in docs/fit.md are keys of the schema."""
    from ruamel.yaml import YAML

    schema = json.loads((ROOT / "docs" / "fit.schema.json").read_text(encoding="utf-8"))
    example = next(block for block in blocks(ROOT / "docs" / "fit.md") if block.language == "yaml")
    document = YAML(typ="safe").load(example.text)
    assert set(document) <= set(schema["properties"])
    assert set(document["data"]) <= set(schema["$defs"]["DataSpec"]["properties"])
    assert set(document["budget"]) <= set(schema["$defs"]["BudgetSpec"]["properties"])


@pytest.mark.parametrize("word", ["fair model", "unbiased", "state-of-the-art", "safe model"])
def test_the_words_of_the_docs_are_careful(word):
    for page in PAGES:
        text = page.read_text(encoding="utf-8").lower()
        allowed = text.count("never called fair, unbiased or safe")
        assert text.count(word) <= allowed, f"{page.name} says {word!r}"


def test_the_page_on_audits_knows_every_alarm() -> None:
    from efficienttrust.evaluation.alarms import alarms

    told = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [name for name in alarms.names() if f"`{name}`" not in told] == []


def test_the_page_on_attacks_knows_every_attack() -> None:
    from efficienttrust.threats import attacks

    told = (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8")
    assert [name for name in attacks.names() if f"`{name}`" not in told and f'"{name}"' not in told] == []
