"""Odd but legal audits: missing parts and values, hostile names, one group or thirty, one strength or twelve."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from audit_fixture import (
    CLASSES,
    HOSTILE,
    curve,
    make_groups,
    make_image_audit,
    make_many_metrics,
    make_null_audit,
    make_regression_audit,
    make_table_audit,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reader import PageReader

from efficienttrust.report import render_audit


def read(document: dict[str, Any]) -> PageReader:
    html = render_audit(document)
    page = PageReader(html)
    assert page.faults == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert not re.search(r"\b(nan|NaN|inf|null|None(?! of))\b", page.text)
    assert not any("nan" in value for _, attributes in page.tags for value in attributes.values())
    assert len(html.encode()) < 1_000_000
    return page


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def test_nothing_but_nulls_and_nothing_at_all() -> None:
    for document in ({}, make_null_audit()):
        page = read(document)
        assert page.headings[0][1] == "Nothing was measured"
        assert "The audit holds no measurement" in page.text


@pytest.mark.parametrize("key", sorted(make_table_audit()))
def test_any_part_may_be_missing_or_null(key: str) -> None:
    document = make_table_audit()
    del document[key]
    absent = read(document).text
    document[key] = None
    assert read(document).text == absent


def thin(node: Any) -> Any:
    """Keep two entries of every list, so that a page is quick to render and every kind of value is still there."""
    if isinstance(node, dict):
        return {key: thin(value) for key, value in node.items()}
    return [thin(value) for value in node[:2]] if isinstance(node, list) else node


THIN = thin(make_table_audit())
PLACES = list(places(THIN))
OTHER = (None, math.inf, -1.0, 0, "", "words", [], {}, True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(OTHER)), min_size=3, max_size=3))
def test_any_value_inside_may_be_something_else(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(THIN)
    for path, other in changes:
        node = document
        try:
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = other
        except (KeyError, IndexError, TypeError):  # inside something that was changed before
            continue
    assert PageReader(render_audit(document)).faults == []


def test_a_document_with_nan_reads_like_one_that_went_through_json() -> None:
    document = make_table_audit()
    document["metrics"]["group_auc_gap"] |= {"value": math.nan, "low": math.nan, "high": math.nan}
    document["groups"][0]["tpr"] = {"value": math.nan, "low": 0.0, "high": 1.0, "n": 0}
    plain = json.loads(json.dumps(document).replace("NaN", "null"))
    assert read(plain).text == read(document).text


def test_what_was_not_estimated_is_said_with_its_note_in_every_part() -> None:
    document = make_table_audit()
    missing = {"value": None, "low": None, "high": None, "n": 0, "how": "not estimated", "note": "no rows of that kind"}
    document["metrics"] = {"accuracy": missing}
    document["groups"][0]["tpr"] = missing
    document["robustness"]["curve"][1]["accuracy"] = missing
    document["corruptions"]["rows"][0]["accuracy"] = missing
    document["ood"]["sets"][0]["detectors"][0]["auroc"] = missing
    document["shift"]["environments"][0]["drop"] = missing
    page = read(document)
    assert page.text.count("not estimated") >= 9
    assert page.text.count("no rows of that kind") >= 4
    assert "0.000" not in " ".join(cell for row in page.rows if row[0].startswith("accuracy") for cell in row)


def test_all_alarms_fired_and_some_that_could_not_be_evaluated() -> None:
    document = make_table_audit()
    for alarm in document["alarms"]:
        alarm["fired"] = True
    page = read(document)
    assert "10 of 10 evaluated alarms fired" in page.headings[0][1]
    assert "did not fire" not in page.text
    document["alarms"][0] |= {"fired": None, "value": None, "threshold": None}
    page = read(document)
    assert "9 of 9 evaluated alarms fired (1 could not be looked for)" in page.headings[0][1]
    assert "did not fire" not in page.text.replace("Alarms that did not fire or could not be looked for", "")
    assert ["eps zero is clean", "could not be looked for", "not estimated", "–"] in [row[:4] for row in page.rows]


def test_alarms_that_could_not_be_looked_for_are_not_called_silent() -> None:
    document = make_table_audit()
    for alarm in document["alarms"]:
        alarm["fired"] = False
    document["alarms"][0]["fired"] = document["alarms"][1]["fired"] = None
    page = read(document)
    assert "none of 8 evaluated alarms fired (2 could not be looked for)" in page.headings[0][1]
    assert "8 alarms that did not fire, 2 that could not be looked for" in page.text
    for alarm in document["alarms"]:
        alarm["fired"] = None
    page = read(document)
    assert "no alarm was evaluated (10 could not be looked for)" in page.headings[0][1]
    assert "so nothing on this page was cross-checked by one" in page.text


@pytest.mark.parametrize("count", [1, 2, 9, 30])
def test_one_to_thirty_groups(count: int) -> None:
    page = read(make_groups(count))
    panels = [words for words in page.images() if words.startswith("Line chart")]
    assert f"and {min(count, 12)} groups" in panels[0]
    if count == 30:
        assert "The 12 groups of 30 with the lowest accuracy under attack" in page.text
        head = next(row for row in page.rows if row[:1] == ["eps"])
        assert len(head) == 4 + 30


@pytest.mark.parametrize("strengths", [[0.1], [0.0], [0.0, 0.0], [index / 255 for index in range(12)]])
def test_one_to_twelve_strengths(strengths: list[float]) -> None:
    document = make_table_audit()
    document["robustness"]["curve"] = curve(strengths, 0.8, 0.1, 900, {"sex": {"Female": 1.0, "Male": 1.2}})
    page = read(document)
    assert any(
        words.startswith(f"Line chart of accuracy under attack over {len(strengths)}") for words in page.images()
    )


def test_many_metrics_each_in_its_row() -> None:
    page = read(make_many_metrics(60))
    assert sum(len(row) == 5 and row[4] == "Wilson 95%" for row in page.rows) == 60


def test_regression_has_no_accuracy_to_speak_of() -> None:
    assert "Accuracy 0" not in read(make_regression_audit()).text


def rename(node: Any, words: str) -> Any:
    """Replace every text of a document, and the names that users choose, by the same hostile words."""
    if isinstance(node, dict):
        return {key: rename(value, words) for key, value in node.items()}
    if isinstance(node, list):
        return [rename(value, words) for value in node]
    return words if isinstance(node, str) else node


@pytest.mark.parametrize(
    "words", [HOSTILE, "ж" * 300, "面接の結果 👩🏽‍⚕️ \u202eevil", "a" * 400, "</style></title><svg onload=alert(1)>"]
)
def test_hostile_unicode_and_very_long_texts_are_only_text(words: str) -> None:
    for make in (make_table_audit, make_image_audit):
        document = rename(make(), words)
        document["metrics"] = {words: document["metrics"]["accuracy"]}
        document["data"]["attributes"] = {words: [{"group": words, "n": 40, "base_rate": 0.2}]}
        document["model"]["facts"] = {words: words}
        document["artifacts"], document["environment"] = {words: words}, {words: words}
        for point in document["robustness"]["curve"]:
            point["by_group"] = {words: next(iter(point["by_group"].values()))}
        page = read(document)
        names = {name for _, attributes in page.tags for name in attributes}
        assert not any(name.startswith("on") for name in names)
        assert page.text.count(words.strip()) >= 20


def test_names_keep_their_order_and_do_not_swallow_each_other() -> None:
    document = make_image_audit()
    for point in document["robustness"]["curve"]:
        point["by_group"] = {"a": [{"group": "same", "value": 0.5, "low": 0.4, "high": 0.6, "n": 90}],
                             "b": [{"group": "same", "value": 0.7, "low": 0.6, "high": 0.8, "n": 90}]}  # fmt: skip
    page = read(document)
    assert "it runs from 0.500 (a: same) to 0.700 (b: same)" in page.text
    classes = [row[0] for row in page.rows if len(row) == 8 and row[0] in CLASSES]
    assert classes == list(CLASSES) or not classes


def test_the_document_is_left_as_it_was() -> None:
    document = make_table_audit()
    before = copy.deepcopy(document)
    render_audit(document)
    assert document == before
