"""The model card: Markdown with the YAML front matter of the Hugging Face hub, in careful words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from efficienttrust.report import _bars, _sentences, _tables
from efficienttrust.report._figures import Table
from efficienttrust.report._groups import group_table, read_groups
from efficienttrust.report._page import STATUS_WORDS, environment
from efficienttrust.report._read import Document, part, read_estimate, read_verdicts, texts
from efficienttrust.report._selection import selection_lines

_SPECIAL = re.compile(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w))")


def model_card(document: Document) -> str:
    """Write the model card of a run.

    Args:
        document: The content of `run.json`.

    Returns:
        `README.md`: YAML front matter (tags, `model-index` with the metrics that could be estimated), then the
        outcome, intended use, limits, data, metrics by group, budget, and how to verify it all.
    """
    groups = read_groups(document)
    names = list(dict.fromkeys(name for row in groups for name in row.rates))
    several = len({row.attribute for row in groups}) > 1
    image = part(document, "problem").get("kind") == "image"
    return environment().get_template("card.md.j2").render(
        front_matter=_front_matter(document),
        title=_text(f"{part(document, 'problem').get('name', 'model')}: {_sentences.outcome(document)}"),
        summary=[_text(line) for line in _sentences.summary(document)],
        verdicts=_table(_verdict_table(document)),
        selection=[_text(line) for line in selection_lines(document)],
        intended_use=[_text(line) for line in _sentences.intended_use(document)],
        limits=[_text(line) for line in _sentences.limits(document)],
        fallbacks=[_text(line) for line in texts(document, "fallbacks")],
        notes=[_text(line) for line in texts(part(document, "problem"), "notes")],
        data=[
            f"{title}: {_text(str(part(document, 'problem')[key]))}"
            for key, title in (("source", "Source"), ("licence", "Licence of the data"), ("citation", "Citation"),
                               ("fingerprint", "Fingerprint"))
            if part(document, "problem").get(key)
        ],
        splits=_table(_tables.split_table(document)),
        metrics=_table(_metric_table(document)),
        groups=_table(group_table(groups, names, several=several, image=image) if groups else None),
        budget=[_text(bar.sentence) for bar in _bars.budget_bars(document)],
        model=_table(_tables.model_table(document)),
        command=_code(_sentences.command(document)),
        verify=_code(_sentences.verify_command(document)),
    )  # fmt: skip


def _front_matter(document: Document) -> str:
    """Return the YAML block; every value is written as JSON, which is YAML, so that no name can break out of it."""
    problem = part(document, "problem")
    name = str(problem.get("name") or "model")
    results = []
    for key, raw in part(document, "metrics").items():
        estimate = read_estimate(raw)
        if estimate.known:
            results.append({"type": str(key), "name": str(key), "value": round(estimate.value, 6)})
    pipeline = _pipeline(problem)
    tags = ["efficienttrust", pipeline, *(["onnx"] if part(document, "artifacts").get("model") else [])]
    index = {
        "name": f"efficienttrust-{name}",
        "results": [
            {
                "task": {"type": pipeline},
                "dataset": {
                    "type": re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "table",
                    "name": name,
                    "split": "test",
                },
                "metrics": results,
            }
        ],
    }
    fields: Mapping[str, object] = {
        "library_name": "efficienttrust",
        "pipeline_tag": pipeline,
        "tags": tags,
        **({"model-index": [index]} if results else {}),
    }
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=True, allow_nan=False)}" for key, value in fields.items())


def _pipeline(problem: Mapping[str, object]) -> str:
    """Return the hub's name of what the model does."""
    if problem.get("kind") == "image":
        return "image-classification"
    return "tabular-regression" if problem.get("task") == "regression" else "tabular-classification"


def _verdict_table(document: Document) -> Table | None:
    body = []
    for verdict in read_verdicts(document):
        status = STATUS_WORDS.get(verdict.status, verdict.status) + (
            f" ({verdict.qualifier})" if verdict.qualifier else ""
        )
        measured = verdict.estimate.text(verdict.target.bound)
        n = f"{verdict.estimate.n:,}" if verdict.estimate.n else "–"
        body.append([f"{verdict.target.key} {verdict.target.wording}", status, measured, n, verdict.certificate])
    columns = ["target", "verdict", "on test (95 % interval)", "n", "certificate"]
    return Table("Verdicts", columns, body) if body else None


def _metric_table(document: Document) -> Table | None:
    body = [
        [str(row["name"]), f"{row['value']} ({row['interval']})", str(row["n"]), str(row["definition"]) + _note(row)]
        for row in _tables.metric_rows(document)
    ]
    return Table("Metrics", ["metric", "value (95 % interval)", "n", "definition"], body) if body else None


def _note(row: Mapping[str, object]) -> str:
    return f" ({row['note']})" if row["note"] else ""


def _table(table: Table | None) -> str:
    if table is None or not table.rows:
        return ""
    lines = ["| " + " | ".join(map(_text, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(_text(str(cell)) for cell in row) + " |" for row in table.rows]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and keep it on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    return text.replace("```", "'''")
