"""Odd but legal runs: nothing recorded, no limit, no target, hostile names, many groups, values that do not exist."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pandas as pd
import pytest
from page_reader import PageReader
from report_fixture import DPD, ROBUST, make_decisions, make_document, make_history, make_many_groups

from efficienttrust.report import model_card, render_report

EMPTY = pd.DataFrame()
HOSTILE = '<script>alert("x")</script>\'&{{ 7*7 }}'


def read(document: dict[str, Any], history: pd.DataFrame = EMPTY, decisions: pd.DataFrame = EMPTY) -> PageReader:
    html = render_report(document, history, decisions)
    page = PageReader(html)
    assert page.faults == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(word in page.text for word in ("nan", "NaN", "None", "inf "))
    assert not any("nan" in value for _, attributes in page.tags for value in attributes.values())
    assert len(html.encode()) < 1_000_000
    model_card(document)
    return page


def test_empty_document() -> None:
    page = read({})
    assert "no target was set" in page.headings[0][1]


@pytest.mark.parametrize("key", sorted(make_document()))
def test_any_part_may_be_missing_or_empty(key: str) -> None:
    document = make_document()
    history = make_history()
    del document[key]
    read(document, history, make_decisions(history))
    document[key] = None
    read(document, history)


def test_without_history_and_decisions() -> None:
    page = read(make_document())
    assert "No history was recorded" in page.text
    assert "No decision was recorded" in page.text


def test_a_document_that_went_through_json_with_nulls() -> None:
    document = make_document()
    plain = json.loads(json.dumps(document).replace("NaN", "null"))
    history = make_history()
    assert read(plain, history).text == read(document, history).text


def test_without_time_limit() -> None:
    document = make_document()
    document["ledger"]["time"] |= {"asked": None, "clock": "wall"}
    page = read(document, make_history())
    assert page.headings[0][1].replace("\u00a0", " ") == "2 of 2 targets met, 1 of them certified"
    assert "19.7 s wall; no limit was asked" in page.text


def test_without_targets() -> None:
    document = make_document()
    document["verdicts"], document["spec"]["targets"] = [], []
    page = read(document, make_history())
    assert page.headings[0][1].replace("\u00a0", " ") == "Trained inside 20 s cpu; no target was set"
    assert not any(attributes.get("class") == "card" for _, attributes in page.tags)


def test_an_overrun_is_in_the_title_and_on_the_bar() -> None:
    document = make_document()
    document["ledger"]["time"] |= {"used": 20.5, "overrun": 0.5}
    page = read(document)
    assert "in 20.5 s cpu, 2.5 % over the 20 s cpu asked" in page.headings[0][1].replace("\u00a0", " ")
    assert "over the limit by 0.5 s cpu" in page.text


def test_missed_uncertifiable_and_infeasible() -> None:
    document = make_document()
    first, second = document["verdicts"]
    first |= {"status": "missed", "qualifier": "uncertifiable", "value": 0.0502}
    first["certificate"]["certifiable"] = False
    second |= {
        "status": "infeasible",
        "value": math.nan,
        "low": math.nan,
        "high": math.nan,
        "n": 0,
        "certificate": None,
    }
    page = read(document, make_history())
    assert page.headings[0][1].startswith("0 of 2 targets met")
    assert "0.0502" in page.text
    assert "uncertifiable" in page.text
    assert "even with the best possible estimate" in page.text
    assert "No certificate was attempted" in page.text
    assert "Target not met" in page.text


def test_a_certificate_that_test_contradicts_is_said_in_both() -> None:
    document = make_document()
    document["verdicts"][1] |= {"value": 0.7961, "low": 0.778, "high": 0.813}
    page = read(document)
    assert "the certificate holds, the estimate on test does not meet the target" in page.text
    assert "the certificate holds" in model_card(document)


@pytest.mark.parametrize("count", [1, 2, 9, 30])
def test_one_to_thirty_groups(count: int) -> None:
    page = read(make_many_groups(count), make_history())
    if count > 1:
        assert "(too small)" in page.text
        assert "1 group has fewer than 30 test rows" in page.text


def test_several_attributes_are_told_apart() -> None:
    document = make_document()
    for row in copy.deepcopy(document["groups"]):
        document["groups"].append(row | {"attribute": "race"})
    page = read(document)
    assert "race: Female" in page.text
    assert "sex: Female" in page.text


def test_a_group_without_positives() -> None:
    document = make_document()
    document["groups"][0]["tpr"] = {"value": math.nan, "low": 0.0, "high": 1.0, "n": 0}
    document["groups"][1]["tpr"] = {"value": None, "low": None, "high": None, "n": 0}
    page = read(document)
    assert page.text.count("not estimable") >= 4


def test_trees_have_no_dials() -> None:
    history = make_history(3)[["step", "progress", "accuracy", DPD]]
    page = read(make_document(), history)
    (alt,) = [text for text in page.images() if text.startswith("Line chart")]
    assert alt.startswith("Line chart of 2 quantities")
    assert "virtual calibration" not in alt


@pytest.mark.parametrize("points", [1, 2, 3000])
def test_history_of_any_length(points: int) -> None:
    history = make_history(points)
    page = read(make_document(), history, make_decisions(history))
    if points == 3000:
        assert "120 evenly spaced points" in page.text
        assert "Decisions, 400 of" in page.text


def test_history_without_a_single_value() -> None:
    history = make_history(4) * math.nan
    assert "No history was recorded" in read(make_document(), history).text


def test_deterministic_clock() -> None:
    document = make_document()
    document["ledger"]["time"] = {
        "clock": "steps",
        "asked": 3000,
        "used": 3000,
        "overrun": 0,
        "phases": {"train": 3000},
    }
    document["ledger"]["outside"] = {"evaluate": {"wall": 1.5, "cpu": 1.4, "steps": 0, "samples": 0, "flops": 0}}
    history = make_history()
    history["cost_step"] = 1
    page = read(document, history)
    assert page.headings[0][1].replace("\u00a0", " ").startswith("2 of 2 targets met inside 3,000 steps")
    assert "cost of one step, steps" in page.text


def test_hostile_and_long_names_are_only_text() -> None:
    document = make_document()
    long = "a" * 400
    document["problem"] |= {
        "name": HOSTILE,
        "source": HOSTILE,
        "label": HOSTILE,
        "positive": long,
        "sensitive": [HOSTILE],
        "notes": [HOSTILE],
        "licence": HOSTILE,
        "citation": long,
        "splits": {HOSTILE: 5},
        "columns": [{"name": HOSTILE, "kind": HOSTILE, "missing": 1}, {"name": long, "kind": "numeric", "missing": 0}],
        "groups": [{"attribute": HOSTILE, "group": HOSTILE, "n": 3, "base_rate": 0.1}],
    }
    document["groups"] = [row | {"attribute": HOSTILE, "group": HOSTILE + row["group"]} for row in document["groups"]]
    document["command"], document["fallbacks"] = HOSTILE, [HOSTILE]
    document["metrics"] = {HOSTILE: document["metrics"]["accuracy"] | {"note": HOSTILE, "how": HOSTILE}}
    document["verdicts"][0] |= {
        "target": f"{HOSTILE} <= 0.05",
        "reason": HOSTILE,
        "qualifier": HOSTILE,
        "status": HOSTILE,
    }
    document["stages"][0]["name"] = document["candidates"][0]["name"] = HOSTILE
    document["environment"] = {HOSTILE: HOSTILE}
    document["artifacts"] = {HOSTILE: f"runs/{HOSTILE}/model.onnx"}
    document["ledger"]["time"]["phases"] = {HOSTILE: 3.0}
    history = make_history()
    decisions = make_decisions(history)
    decisions["reason"] = decisions["knob"] = HOSTILE
    page = read(document, history, decisions)
    assert page.text.count(HOSTILE) >= 15
    assert "{{ 7*7 }}" in page.text


def test_values_of_the_wrong_type_do_not_stop_the_report() -> None:
    document = make_document()
    document["metrics"]["accuracy"]["value"] = "many"
    document["groups"][0]["n"] = None
    document["ledger"]["size"] = {"asked": "?", "used": None}
    document["created"] = "yesterday"
    page = read(document)
    assert "yesterday" in page.text


def test_robust_accuracies_may_be_nested() -> None:
    document = make_document()
    flat = read(document).text
    for row in document["groups"]:
        row["robust_accuracy"] = {ROBUST: row.pop(ROBUST)}
    assert read(document).text == flat
