"""The section of a compressed run: true to its numbers, honest about gaps, and silent about few people."""

from __future__ import annotations

import copy
import json
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compression_fixture import LOST, arm, drawn_harm, make_compressed, make_harm
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reader import PageReader
from report_fixture import DPD, make_document

from efficienttrust.pipeline._readers import for_readers
from efficienttrust.report import render_report, withhold_harm

FAMILIES = ("error_before", "error_after", "flips", "right_to_wrong", "wrong_to_right")
BOUND = {
    "reason": "", "kind": "exact", "n": 300, "undecided": 0.21, "observed": 0.12, "error_change_low": -0.1,
    "error_change_high": 0.15, "median_reach": 0.2, "largest_reach": 2.0, "citation": "Source 2020",
    "groups": [{"by": "sex", "group": "Male", "n": 150, "undecided": 0.25, "observed": 0.1}],
    "gaps": [{"by": "sex", "before": 0.05, "low": 0.0, "high": 0.2}],
}  # fmt: skip
GRID = [
    {"chain": ["prune structured:0.8"], "size_bytes": 20_000, "exceeds": [], "ranks": [0.1, 0.2], "chosen": True},
    {"chain": [], "size_bytes": 90_000, "exceeds": ["size 90 kB"], "ranks": [], "chosen": False},
]
FACTS = {"method": "int8", "bits": 8, "operators": {"DynamicQuantizeMatMul": 3}, "bytes_before": 8000}


def page_of(document: dict[str, Any]) -> PageReader:
    page = PageReader(render_report(document, pd.DataFrame(), pd.DataFrame()))
    assert page.faults == []
    return page


def row_of(page: PageReader, label: str) -> list[str]:
    return next([" ".join(cell.split()) for cell in row] for row in page.rows if row and row[0].startswith(label))


def test_only_a_compressed_run_has_the_section_and_it_comes_first():
    assert not any(words == "Compression" for _, words in page_of(make_document()).headings)
    words = [text for _, text in page_of(make_compressed(drawn_harm(0, 2000))).headings]
    assert words.index("Compression") < words.index("What was traded")
    assert [name for name in words if name in ("Before and after", "Who is hurt", "The long tail", "Margins")]


def test_before_and_after_stand_side_by_side_with_their_ratio():
    page = page_of(make_compressed())
    assert row_of(page, "size of the file") == ["size of the file", "240 kB", "60 kB", "0.25", "–"]
    assert row_of(page, "latency of one row, p95") == ["latency of one row, p95", "0.06 ms", "0.03 ms", "0.50", "–"]
    assert row_of(page, "latency of 256 rows at once, median")[1:4] == ["0.32 ms", "0.16 ms", "0.50"]
    accuracy = next(row for row in page.rows if row[0] == "accuracy" and len(row) == 5)
    assert [accuracy[1][:5], accuracy[2][:5], accuracy[4]] == ["0.850", "0.840", "−0.010"]
    assert "went from 240 kB to 60 kB (0.25 of its size)" in page.text
    assert "Real. Bytes and milliseconds fell" in page.text


def test_what_was_not_measured_is_said_to_be_so():
    bare = {"size_bytes": 1000, "latency": {}, "metrics": {}}
    page = page_of(make_compressed(before=bare, after={**bare, "peak_memory_bytes": None}))
    for label in ("parameters", "latency of one row, median", "throughput", "peak memory", "accuracy", DPD):
        row = next(row for row in page.rows if len(row) == 5 and row[0].startswith(label))
        assert [" ".join(cell.split()) for cell in row[1:3]] == ["not measured"] * 2, label
    assert "Not measured: the answers before and after were not compared." in page.text


def test_the_finding_names_the_change_and_the_group_hurt_most():
    y = np.zeros(400, dtype=int)
    sex = np.repeat([0, 1], 200)
    before = np.tile([1, 0, 0, 0, 0], 80)
    after = before.copy()
    after[200:260] = 1  # 48 of them were right: only Male is hurt
    harm = make_harm({"sex": sex}, y, before, after)
    page = page_of(make_compressed(harm))
    assert "The error rate went from 0.200 to 0.320 on the same test rows: +0.120" in page.text
    assert "Hurt most is Male (sex): +0.240" in page.text
    assert "Of the classes, the error of “no” rose most: +0.120" in page.text
    assert row_of(page, "sex: Female")[4].startswith("±0")
    assert row_of(page, "sex: Male")[4].startswith("+0.240")
    assert "12 % (9.2" in page.text.replace("\u00a0", " ")
    harm["hurt_most"]["error_change"] = {
        **harm["hurt_most"]["error_change"],
        "value": -0.02,
        "low": -0.05,
        "high": 0.01,
    }
    assert "The error rose in none of 2 groups" in page_of(make_compressed(harm)).text


def test_a_change_that_may_be_none_is_told_with_that():
    harm = drawn_harm(1, 2000)
    harm["overall"]["error_change"] |= {"value": 0.004, "low": -0.003, "high": 0.011}
    assert "+0.004 (−0.003 to 0.011), paired interval; the interval includes 0." in page_of(make_compressed(harm)).text
    harm["overall"]["error_change"] |= {"low": 0.001}
    assert "+0.004 (0.001 to 0.011), paired interval." in page_of(make_compressed(harm)).text


def test_a_number_has_errors_but_no_flips():
    harm = drawn_harm(2, 500)
    harm |= {"task": "regression", "margins": None, "calibration": [], "classes": []}
    for row in [harm["overall"], *(row for one in harm["partitions"] for row in one["groups"])]:
        row |= {"flips": None, "right_to_wrong": None, "wrong_to_right": None, "moved": row["error_before"]}
    for one in harm["partitions"]:
        one["cells"] = []
    page = page_of(make_compressed(harm))
    assert "The mean absolute error went from" in page.text
    assert "Predictions moved by" in page.text
    assert not {"Exemplars", "Margins", "Flipped decisions"} & {words for _, words in page.headings}


def test_no_groups_no_rows_and_too_few_cells_are_told():
    harm = drawn_harm(3, 300)
    harm |= {"partitions": [], "evenness": [], "hurt_most": None}
    harm["tail"] |= {"correlation": math.nan, "p": math.nan, "note": "2 cells have at least 10 rows here"}
    harm["overall"]["error_change"] = dict(LOST)
    page = page_of(make_compressed(harm))
    assert "No sensitive attribute was named" in page.text
    assert "not estimable: 2 cells have at least 10 rows here" in page.text
    assert "How the error rate changed is not estimable." in page.text


def test_the_bound_stands_beside_what_was_observed():
    page = page_of(make_compressed(drawn_harm(4, 300), flip_bound=BOUND))
    text = page.text.replace("\u00a0", " ")
    assert "at most 21 % of the test rows can flip; 12 % did." in text
    assert "by −0.100 to +0.150" in text
    assert row_of(page, "demographic parity difference, sex")[-1] == "0.050 → 0.000 to 0.200"
    without = page_of(make_compressed(drawn_harm(4, 300), flip_bound={"reason": "trees have no layers", "kind": None}))
    assert "Not computed: trees have no layers." in without.text


def test_search_and_quantisation_are_shown():
    page = page_of(make_compressed(search={"limits": "size=60kB", "grid": GRID}, quantisation=FACTS))
    assert row_of(page, "prune structured:0.8")[1:] == ["◆ chosen", "20 kB", "fits", "0.100 → 0.200"]
    assert row_of(page, "the network as it is")[3:] == ["exceeds size 90 kB", "not measured"]
    assert row_of(page, "operators")[1] == "3 DynamicQuantizeMatMul"
    assert row_of(page, "tensors left in floating point")[1] == "not measured"


def test_words_stay_careful_and_the_page_loads_nothing():
    page = page_of(make_compressed(drawn_harm(5, 2000)))
    assert not re.findall(r"\b(fair|safe|unbiased|trustworthy|guarantee\w*)\b", page.text.lower())
    assert not {"script", "link", "img"} & {tag for tag, _ in page.tags}
    ids = page.values("section", "id")
    assert len(ids) == len(set(ids))


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside, of lists of the first two entries."""
    inside = (
        list(node.items()) if isinstance(node, dict) else list(enumerate(node[:2])) if isinstance(node, list) else []
    )
    return [place for key, item in inside for place in ((*path, key), *places(item, (*path, key)))]


WHOLE = make_compressed(
    drawn_harm(12, 300),
    flip_bound=BOUND,
    quantisation=FACTS,
    search={"limits": "size=60kB", "grid": GRID},
)["compression"]
OTHER = (None, math.inf, -1.0, 0, "", "words", [], {}, True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(WHOLE)), st.sampled_from(OTHER)), min_size=3, max_size=3))
def test_any_value_may_be_something_else(changes):
    compression = copy.deepcopy(WHOLE)
    for path, other in changes:
        node: Any = compression
        try:
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = other
        except (KeyError, IndexError, TypeError):  # inside something that was changed before
            continue
    page_of({"problem": {"name": "loans"}, "compression": compression})


def test_nan_reads_like_null():
    harm = drawn_harm(13, 300)
    harm["overall"]["flips"] = dict(LOST)
    document = make_compressed(harm)
    plain = json.loads(json.dumps(document).replace("NaN", "null"))
    assert page_of(plain).text == page_of(document).text


def clinical(harm: dict[str, Any], **entries: Any) -> dict[str, Any]:
    document = make_compressed(harm, **entries)
    document["problem"]["clinical"] = True
    return document


def effects_of(harm: dict[str, Any]) -> list[dict[str, Any]]:
    tables = [one[kind] for one in harm["partitions"] for kind in ("groups", "cells")]
    return [harm["overall"], *harm["classes"], *(row for table in tables for row in table), *harm["tail"]["cells"]]


def told(row: dict[str, Any], name: str) -> float:
    found = row.get(name)
    value = None if found is None else found["value"]
    return math.nan if value is None else value * found["n"]


def is_few(hits: float) -> bool:
    return 0 < round(hits) < 10


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.sampled_from([40, 150, 400, 900, 2500]),
    unknown=st.sampled_from([0.0, 0.005, 0.05]),
    attributes=st.sampled_from([("sex",), ("site",), ("sex", "site")]),
)
def test_no_count_of_few_people_is_left_nor_what_is_left_over(seed, n, unknown, attributes):
    harm = for_readers(clinical(drawn_harm(seed, n, unknown, attributes)))["compression"]["harm"]
    for row in effects_of(harm):
        assert row["n"] >= 10
        for name in FAMILIES:
            hits = told(row, name)
            assert not math.isfinite(hits) or not (is_few(hits) or is_few(row["n"] - hits))
    whole = harm["overall"]
    tables = [harm["classes"], *(one["groups"] for one in harm["partitions"])]
    for table in filter(None, tables):
        assert not 0 < whole["n"] - sum(row["n"] for row in table) < 10
        for name in FAMILIES:
            counts = [told(row, name) for row in table]
            assert all(map(math.isfinite, counts)) or not any(map(math.isfinite, counts))  # a whole column, or none
            left = told(whole, name) - sum(counts)
            assert not math.isfinite(left) or not is_few(left)
    assert harm["exemplars"]["rows"] == []


def test_large_tables_of_clinical_data_stay_as_they_are():
    harm = drawn_harm(6, 20_000)
    shown = for_readers(clinical(copy.deepcopy(harm)))["compression"]["harm"]
    assert shown["partitions"] == harm["partitions"]
    assert shown["tail"] == harm["tail"]
    assert shown["hurt_most"] == harm["hurt_most"]
    assert harm["exemplars"]["rows"]
    assert shown["exemplars"]["rows"] == []


def test_what_the_report_withholds_by_group_is_withheld_here():
    document = clinical(drawn_harm(7, 20_000))
    document["groups"][0]["n"] = 7
    shown = for_readers(document)["compression"]["harm"]
    by = {one["by"]: one for one in shown["partitions"]}
    assert by["sex"]["groups"] == by[""]["groups"] == by["sex"]["cells"] == shown["tail"]["cells"] == []
    assert by["site"]["groups"]
    page = page_of(for_readers(document))
    assert "figures by sex, all attributes together" in page.text


def test_with_few_flips_all_that_tells_of_flips_goes_and_errors_stay():
    y, sex = np.tile([0, 1], 10_000), np.repeat([0, 1], 10_000)
    before = (np.arange(20_000) % 50 < 15).astype(int)
    after = before.copy()
    after[:5] = 1 - after[:5]
    document = clinical(make_harm({"sex": sex}, y, before, after), flip_bound=dict(BOUND))
    shown = for_readers(document)["compression"]
    harm, bound = shown["harm"], shown["flip_bound"]
    for row in [harm["overall"], *harm["classes"], *harm["partitions"][0]["groups"]]:
        assert all(math.isnan(told(row, name)) for name in FAMILIES[2:])
        assert told(row, "error_after") >= 10
    assert harm["exemplars"]["n"] == "<10"
    hidden = [harm["exemplars"]["share"], harm["exemplars"]["error_before"], *(
        harm["margins"][name] for name in ("near_flips", "far_flips", "foretold"))]  # fmt: skip
    assert all(math.isnan(one["value"]) for one in hidden)
    assert harm["evenness"][0]["p"] is None
    assert (bound["observed"], bound["undecided"], bound["groups"], bound["gaps"]) == (None, None, [], [])
    assert [row["group"] for row in harm["calibration"]] == ["", "Female", "Male"]
    assert harm["tail"]["cells"] == []


@pytest.mark.parametrize(("may_flip", "stays"), [(0.25, True), (0.0005, False)])
def test_a_bound_by_group_stays_where_all_of_it_may(may_flip, stays):
    listed = [
        {"by": "sex", "group": g, "n": 10_000, "undecided": may_flip, "observed": 0.12} for g in ("Female", "Male")
    ]
    bound = {**BOUND, "n": 20_000, "groups": listed}
    shown = for_readers(clinical(drawn_harm(17, 20_000), flip_bound=bound))["compression"]["flip_bound"]
    assert shown["groups"] == (listed if stays else [])
    assert shown["undecided"] == 0.21


def test_few_flips_near_the_threshold_hide_those_far_from_it_too():
    harm = drawn_harm(14, 20_000)
    harm["margins"]["near_flips"] |= {"value": 0.002, "n": 2000}
    margins = for_readers(clinical(harm))["compression"]["harm"]["margins"]
    assert all(math.isnan(margins[name]["value"]) for name in ("near_flips", "far_flips", "foretold"))


def test_with_few_errors_in_a_group_calibration_by_it_and_the_worst_group_go():
    y, sex = np.tile([0, 1], 10_000), np.repeat([0, 1], 10_000)
    before = (np.arange(20_000) % 50 < 15).astype(int) * (sex == 1)
    before[:100] = 1
    after = before.copy()
    after[5:100] = 0
    shown = for_readers(clinical(make_harm({"sex": sex}, y, before, after)))["compression"]["harm"]
    assert [row["group"] for row in shown["calibration"]] == [""]
    assert shown["hurt_most"] == {"withheld": True}
    assert shown["evenness"][0]["p"] == 0.2
    assert [row["n"] for row in shown["margins"]["rows"]] == [20_000, 10_000, 10_000]


def test_a_cell_of_nobody_goes_too():
    y, sex = np.zeros(20_000, dtype=int), np.repeat([0, 1], 10_000)
    y[:1000] = 1
    before = (np.arange(20_000) % 50 < 15).astype(int)
    after = np.where(np.arange(20_000) % 50 == 20, 1, before)
    harm = make_harm({"sex": sex}, y, before, after)
    assert harm["partitions"][0]["cells"][3]["n"] == 0
    shown = for_readers(clinical(harm))["compression"]["harm"]
    assert shown["partitions"][0]["cells"] == shown["tail"]["cells"] == []
    assert shown["partitions"][0]["groups"] == harm["partitions"][0]["groups"]


def test_cells_of_few_training_rows_go():
    harm = drawn_harm(15, 20_000)
    harm["tail"]["cells"][0]["train_rows"] = 5
    tail = for_readers(clinical(harm))["compression"]["harm"]["tail"]
    assert (tail["cells"], tail["correlation"], tail["count"]) == ([], None, None)


def test_what_goes_from_an_attribute_goes_from_all_attributes_together():
    random = np.random.default_rng(16)
    y, sex, site = (random.integers(0, k, 20_000) for k in (2, 2, 3))
    sex[:5], site[100:200] = -1, -1
    before = (random.random(20_000) < 0.3).astype(int)
    after = np.where(random.random(20_000) < 0.1, 1 - before, before)
    shown = for_readers(clinical(make_harm({"sex": sex, "site": site}, y, before, after)))["compression"]["harm"]
    assert [bool(one["groups"]) for one in shown["partitions"]] == [False, True, False]


def test_a_withheld_comparison_renders_and_says_so():
    document = for_readers(clinical(drawn_harm(8, 60), flip_bound=None))
    page = page_of(document)
    assert "Which group was hurt most is withheld." in page.text
    assert "How many decisions flipped is withheld." in page.text
    assert "Whether small old margins foretell flips is withheld." in page.text
    assert "was not rejected" not in page.text
    json.dumps(document)


def test_figures_of_the_former_run_that_tell_groups_or_decisions_go():
    shown = withhold_harm(make_compressed(drawn_harm(9, 20_000))["compression"], make_document())
    before, after = shown["before"]["metrics"], shown["after"]["metrics"]
    assert [before[key]["value"] for key in (DPD, "balanced_accuracy")] == [None, None]
    assert before["accuracy"] == arm(1, 1.0, 0.85)["metrics"]["accuracy"]
    assert after[DPD]["value"] is not None


def test_withholding_changes_nothing_that_it_is_given_and_nothing_of_other_data():
    document = make_compressed(drawn_harm(10, 100))
    before = copy.deepcopy(document)
    assert for_readers(document) is document
    document["problem"]["clinical"] = before["problem"]["clinical"] = True
    for_readers(document)
    assert repr(document) == repr(before)


@pytest.mark.parametrize("note", ["7 rows have no known group of sex", "17 rows have no known group of sex"])
def test_notes_count_no_few_rows(note):
    harm = drawn_harm(11, 20_000) | {"notes": [note]}
    told = for_readers(clinical(harm))["compression"]["harm"]["notes"]
    assert told == [note.replace("7 rows", "<10 rows") if note.startswith("7") else note]
