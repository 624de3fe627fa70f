"""The model card: Markdown with YAML front matter in the Hugging Face form, in careful words."""

from __future__ import annotations

import math
import re

from report_fixture import DPD, ROBUST, make_document
from ruamel.yaml import YAML

from efficienttrust.report import model_card


def split(card: str) -> tuple[dict[str, object], str]:
    _, head, body = re.split(r"^---$", card, maxsplit=2, flags=re.MULTILINE)
    return YAML(typ="safe").load(head), body


def test_front_matter_holds_the_metrics_that_were_estimated() -> None:
    front, _ = split(model_card(make_document()))
    assert front["pipeline_tag"] == "tabular-classification"
    (index,) = front["model-index"]  # type: ignore[misc]
    (result,) = index["results"]
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values[DPD] == 0.0418
    assert values[ROBUST] == 0.8262
    assert "group_auc_gap" not in values
    assert result["dataset"] == {"type": "adult", "name": "adult", "split": "test"}


def test_names_cannot_break_out_of_the_front_matter_or_a_table() -> None:
    document = make_document()
    document["problem"]["name"] = 'a"\n---\nlicense: mit\n# <b>|x|'
    document["metrics"]["a | b\n<i>"] = document["metrics"]["accuracy"]
    front, body = split(model_card(document))
    assert set(front) == {"library_name", "pipeline_tag", "tags", "model-index"}
    assert "<b>" not in body
    assert "<i>" not in body
    (row,) = [line for line in body.splitlines() if line.startswith("| a ")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_the_card_says_what_was_and_what_was_not_shown() -> None:
    _, body = split(model_card(make_document()))
    headings = re.findall(r"^#+ (.*)$", body, flags=re.MULTILINE)
    assert headings[0] == "adult: 2 of 2 targets met inside 20 s cpu, 1 of them certified"
    expected = "Verdicts, Intended use, Limits, Data, Metrics on test, By group, Budget, Model, Check it"
    assert headings[1:] == expected.split(", ")
    assert f"{DPD} is met by its estimate on test only; it is not certified." in body
    assert "0.042 (0.029 to 0.055)" in body
    assert "Not bought by the budget: Monitoring used" in body
    assert "efficienttrust verify runs/adult" in body
    assert not re.findall(r"\b(fair|safe|unbiased|trustworthy)\b", body.lower())


def test_an_empty_document_makes_a_card_without_metrics() -> None:
    front, body = split(model_card({}))
    assert "model-index" not in front
    assert "DIR" in body


def test_not_a_number_never_reaches_the_front_matter() -> None:
    document = make_document()
    for metric in document["metrics"].values():
        metric["value"] = math.nan
    front, body = split(model_card(document))
    assert "model-index" not in front
    assert "not estimable" in body
