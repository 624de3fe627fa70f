"""The table of docs/metrics.md lists every metric as the registry has it; `python tests/metrics/test_docs_table.py`
rewrites it."""

from __future__ import annotations

import pkgutil
from pathlib import Path

from efficienttrust.metrics import catalogue, metrics

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
HEAD = "| metric | arguments | tasks | better | what it is |\n|---|---|---|---|---|\n"
SHORT = {"binary": "b", "multiclass": "c", "multilabel": "l", "regression": "r"}


def table() -> str:
    rows = []
    for module in pkgutil.iter_modules(catalogue.__path__):
        metric = metrics.get(module.name)
        arguments = ", ".join(metric.parameters)
        tasks = " ".join(short for task, short in SHORT.items() if task in metric.tasks)
        rows.append(f"| `{metric.name}` | {arguments} | {tasks} | {metric.better} | {metric.definition} |\n")
    return HEAD + "".join(rows)


def test_the_table_is_current() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "run: python tests/metrics/test_docs_table.py"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, _, after = text.partition(HEAD)
    rest = after[after.index("\n\n") + 1 :] if after.startswith("| `") else after
    PAGE.write_text(before + table() + rest, encoding="utf-8")
