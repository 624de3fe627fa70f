"""Nothing of a document tells of fewer than ten people, nor lets a reader compute it; the page still renders."""

from __future__ import annotations

import copy
import itertools
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_reader import PageReader
from report_fixture import DPD, ROBUST, group_row, make_document, make_history, rate

from efficienttrust.report import model_card, render_audit, render_report
from efficienttrust.report._complementary import equations_of, protected
from efficienttrust.report._small_cells import suppress_small_cells

sys.path.insert(0, str(Path(__file__).resolve().parent / "audit"))
from audit_fixture import make_image_audit, make_table_audit

RATES = (0.3, 0.4, 0.6, 0.2, 0.8, 0.7)


def with_groups(*rows: dict[str, Any]) -> dict[str, Any]:
    document = make_document()
    document["groups"] = list(rows)
    return document


def races(*sizes: int, share: float = 0.3) -> dict[str, Any]:
    rates = (share, *RATES[1:])
    return with_groups(*(group_row("race", name, n, rates) for name, n in zip("ABCDEFG", sizes, strict=False)))


def shown(document: dict[str, Any]) -> dict[str, object]:
    return {row["group"]: row["n"] for row in document["groups"]}


def numbers_in(node: object) -> list[float]:
    if isinstance(node, dict):
        return [number for item in node.values() for number in numbers_in(item)]
    if isinstance(node, list):
        return [number for item in node for number in numbers_in(item)]
    is_number = isinstance(node, int | float) and not isinstance(node, bool) and math.isfinite(node)
    return [float(node)] if is_number else []


def test_a_document_without_small_cells_keeps_all_but_the_extremes_of_columns():
    document = make_document()
    document["problem"]["columns"][0] |= {"low": 17.0, "high": 90.0, "missing": 12}
    for column in document["problem"]["columns"]:
        column["missing"] = max(column["missing"], 10)
    expected = copy.deepcopy(document)
    expected["problem"]["columns"][0] |= {"low": None, "high": None}
    before = copy.deepcopy(document)
    assert repr(suppress_small_cells(document)) == repr(expected)
    assert repr(document) == repr(before), "the document that was given has changed"


def test_a_small_group_takes_the_next_smallest_with_it():
    found = suppress_small_cells(races(500, 7, 60, 300))
    assert shown(found) == {"A": 500, "B": "<10", "C": "withheld", "D": 300}
    for row in found["groups"]:
        if row["group"] in "BC":
            assert numbers_in(row) == []
            assert row["accuracy"]["note"].startswith("withheld")
        else:
            assert row["accuracy"]["value"] == 0.8


def test_two_small_groups_hide_each_other():
    assert shown(suppress_small_cells(races(500, 7, 6, 300))) == {"A": 500, "B": "<10", "C": "<10", "D": 300}


@pytest.mark.parametrize("pair", [(0, 0), (9, 9)])
def test_two_small_groups_whose_sum_tells_both_need_a_third(pair):
    assert list(shown(suppress_small_cells(races(500, *pair, 300))).values()) == [500, "<10", "<10", "withheld"]


def test_a_next_smallest_at_the_limit_would_tell_that_the_small_one_is_empty():
    assert shown(suppress_small_cells(races(500, 0, 10, 300, 40))) == {
        "A": 500, "B": "<10", "C": "withheld", "D": 300, "E": "withheld",
    }  # fmt: skip


def test_the_least_can_be_chosen():
    assert shown(suppress_small_cells(races(500, 7, 60, 300), least=5))["B"] == 7
    assert shown(suppress_small_cells(races(500, 20, 60, 300), least=30))["B"] == "<30"


def test_few_positives_hide_the_base_rate_and_the_rates_by_label():
    document = races(400, 500, 600)
    document["groups"][1] = group_row("race", "B", 500, (0.01, *RATES[1:]))
    a, b, c = suppress_small_cells(document)["groups"]
    assert (a["positives"], b["positives"], c["positives"]) == ("withheld", "<10", 180)
    for row in (a, b):
        assert [row[name]["value"] for name in ("base_rate", "tpr", "fpr")] == [None] * 3
        assert (row["n"], row["accuracy"]["value"], row["selection_rate"]["value"]) == (row["accuracy"]["n"], 0.8, 0.4)
    assert b["tpr"]["n"] == "<10"
    assert b["fpr"]["n"] == "withheld", "n - fpr.n would be the number of positives"
    assert c["tpr"]["value"] == 0.6


def test_sentences_do_not_tell_labels_that_the_table_withholds():
    document = races(400, 500, 600)
    document["groups"][1] = group_row("race", "B", 500, (0.01, *RATES[1:]))
    document["metrics"]["accuracy"]["note"] = "fewer than 130 positives in 'A' (120), 'C' (119)"
    document["metrics"]["auc"]["note"] = "fewer than 410 rows in 'A' (400)"
    found = suppress_small_cells(document)["metrics"]
    assert found["accuracy"]["note"] == "fewer than 130 positives in 'A' (withheld), 'C' (119)"
    assert found["auc"]["note"] == "fewer than 410 rows in 'A' (400)"


def test_few_negatives_hide_the_same():
    document = races(400, 500, 600)
    document["groups"][2] = group_row("race", "C", 600, (0.99, *RATES[1:]))
    rows = suppress_small_cells(document)["groups"]
    assert [row["positives"] for row in rows] == ["withheld", 150, "withheld"]
    assert rows[2]["base_rate"]["value"] is None


def test_the_table_of_the_data_is_treated_on_its_own():
    document = races(500, 7, 60, 300)
    names = [("A", 5000), ("B", 70), ("C", 4), ("D", 3000)]
    document["problem"]["groups"] = [{"attribute": "race", "group": g, "n": n, "base_rate": 0.5} for g, n in names]
    found = suppress_small_cells(document)
    assert [row["n"] for row in found["problem"]["groups"]] == [5000, "withheld", "<10", 3000]
    assert [row["base_rate"] for row in found["problem"]["groups"]] == [0.5, None, None, 0.5]


def told_of_the_data(rows: int) -> list[object]:
    """Counts shown of two groups of 5,000 and 3,000 rows."""
    document = races(500, 300)
    names = [("A", 5000), ("B", 3000)]
    document["problem"] |= {
        "rows": rows,
        "groups": [{"attribute": "race", "group": g, "n": n, "base_rate": 0.5} for g, n in names],
    }
    found = suppress_small_cells(document)
    assert repr(suppress_small_cells(found)) == repr(found)
    return [row["n"] for row in found["problem"]["groups"]]


def test_few_rows_of_no_known_group_cannot_be_computed_from_all_rows():
    assert told_of_the_data(8004) == [5000, "withheld"]
    assert told_of_the_data(8000) == told_of_the_data(8040) == [5000, 3000]


def test_a_column_that_few_rows_fill_does_not_tell_how_many():
    document = make_document()
    rows = document["problem"]["rows"]
    document["problem"]["columns"][0]["missing"] = rows - 3
    document["problem"]["columns"][1]["missing"] = rows - 10
    shown = [column["missing"] for column in suppress_small_cells(document)["problem"]["columns"]]
    assert shown[:2] == ["withheld", rows - 10]


def crossed(sizes: dict[tuple[str, str], int]) -> dict[str, Any]:
    """Two attributes and their intersections."""
    rows = []
    for place, attribute in enumerate(("sex", "race")):
        for group in dict.fromkeys(key[place] for key in sizes):
            n = sum(count for key, count in sizes.items() if key[place] == group)
            rows.append(group_row(attribute, group, n, RATES))
    rows += [group_row("sex & race", f"{a} & {b}", n, RATES) for (a, b), n in sizes.items()]
    return with_groups(*rows)


def test_intersections_cannot_be_computed_from_their_groups():
    sizes = {("F", "A"): 100, ("F", "B"): 50, ("F", "C"): 4, ("M", "A"): 120, ("M", "B"): 70, ("M", "C"): 90}
    found = suppress_small_cells(crossed(sizes))
    hidden = {row["group"] for row in found["groups"] if isinstance(row["n"], str)}
    assert {"F & C", "F & B", "M & C", "M & B"} <= hidden
    assert not hidden & {"F", "M"}


counts = st.one_of(st.integers(0, 12), st.integers(0, 300))


@given(st.lists(counts, min_size=4, max_size=12), st.integers(2, 4))
@settings(max_examples=150, deadline=None)
def test_no_withheld_cell_is_the_solution_of_the_visible_ones(sizes, width):
    sizes = sizes[: len(sizes) // width * width]
    names = [(f"s{k // width}", f"r{k % width}") for k in range(len(sizes))]
    document = crossed(dict(zip(names, sizes, strict=True)))
    after = {(r["attribute"], r["group"]): r["n"] for r in suppress_small_cells(document)["groups"]}
    before = {(r["attribute"], r["group"]): r["n"] for r in document["groups"]}
    assert all(isinstance(after[cell], str) for cell, n in before.items() if n < 10)
    hidden = [cell for cell, n in after.items() if isinstance(n, str)]
    lines = [[c for c in before if c[0] == attribute] for attribute in dict.fromkeys(c[0] for c in before)]
    for place, attribute in enumerate(("sex", "race")):
        for cell in [c for c in before if c[0] == attribute]:
            inside = [c for c in before if c[0] == "sex & race" and c[1].split(" & ")[place] == cell[1]]
            lines.append([cell, *inside])
    signs = np.array(
        [[(c in line) * (1 if c[0] == line[-1][0] else -1) for c in hidden] for line in lines], dtype=float
    )
    for number, cell in enumerate(hidden):
        alone = np.eye(len(hidden))[number]
        solvable = np.linalg.matrix_rank(np.vstack([signs, alone])) == np.linalg.matrix_rank(signs)
        exhausted = all(c in hidden for line in lines if cell in line for c in line)
        assert not solvable or exhausted, f"{cell} can be computed from what is shown"


@given(st.lists(st.integers(0, 14), min_size=2, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_small_cell_of_a_partition_has_two_possible_values(sizes):
    """All tables that a reader must hold possible, by brute force over the withheld cells."""
    cells = [("race", str(k)) for k in range(len(sizes))]
    table = dict(zip(cells, sizes, strict=True))
    small = {cell for cell, n in table.items() if n < 10}
    bounds = {cell: (0.0, 9.0) if cell in small else (10.0, math.inf) for cell in cells}
    hidden = protected(equations_of(cells), table, small, bounds.__getitem__)
    if not small or len(hidden) == len(cells):
        return
    total = sum(table[cell] for cell in hidden)
    ranges = [range(int(bounds[c][0]), int(min(bounds[c][1], total)) + 1) for c in sorted(hidden)]
    possible = [values for values in itertools.product(*ranges) if sum(values) == total]
    for place, cell in enumerate(sorted(hidden)):
        assert cell not in small or len({values[place] for values in possible}) > 1


def test_a_metric_stays_where_the_groups_shown_give_its_value_and_goes_where_they_do_not():
    document = races(500, 7, 60, 300)
    for row, selected in zip(document["groups"], (0.4, 0.9, 0.35, 0.3), strict=True):
        row["selection_rate"] = rate(selected, row["n"])
    document["problem"]["sensitive"] = ["race"]
    document["metrics"][DPD]["value"] = 0.6
    document["metrics"]["worst_group_accuracy"]["value"] = 0.8
    document["verdicts"][0]["value"] = 0.6
    document["verdicts"][0]["reason"] = "the estimate on test is 0.6"
    found = suppress_small_cells(document)
    assert numbers_in(found["metrics"][DPD]) == [9769]
    assert found["metrics"][DPD]["note"] == "withheld: a withheld group decides it"
    assert found["verdicts"][0]["value"] is found["verdicts"][0]["certificate"]["bound"] is None
    assert "0.6" not in found["verdicts"][0]["reason"]
    assert found["metrics"]["worst_group_accuracy"]["value"] == 0.8
    assert found["metrics"]["calibration_error"] == document["metrics"]["calibration_error"]
    assert found["metrics"]["accuracy"]["value"] == document["metrics"]["accuracy"]["value"]
    assert found["stages"][1]["metrics"][DPD]["value"] is found["candidates"][0]["metrics"][DPD] is None
    assert found["stages"][1]["metrics"]["accuracy"]["value"] == 0.8533
    document["metrics"][DPD]["value"] = 0.1
    assert suppress_small_cells(document)["metrics"][DPD]["value"] == 0.1


def test_worst_group_robust_accuracy_follows_the_same_rule():
    document = races(500, 7, 60, 300)
    key = f"worst_group_{ROBUST}"
    document["metrics"][key]["value"] = 0.7
    assert suppress_small_cells(document)["metrics"][key]["value"] == 0.7
    document["groups"][1][ROBUST]["value"] = document["metrics"][key]["value"] = 0.1
    assert suppress_small_cells(document)["metrics"][key]["value"] is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sensitive 'race' is missing in 4 rows: they train", "sensitive 'race' is missing in <10 rows: they train"),
        ("too small to certify: 'B' (7 rows), 'Z' (20 rows)", "too small to certify: 'B' (withheld), 'Z' (20 rows)"),
        ("fewer than 30 positives in 'C' (22)", "fewer than 30 positives in 'C' (withheld)"),
        ("6,465 cells are missing in 3 columns", "6,465 cells are missing in 3 columns"),
        ("rows removed: 4 of 50 in train, 1,204 of 9 in test", "rows removed: <10 of 50 in train, 1,204 of 9 in test"),
        ("1 train row breaks a relation", "<10 train row breaks a relation"),
        ("1 impossible ages are taken as missing", "<10 impossible ages are taken as missing"),
        ("'race' is not known for 3 of 450 films", "'race' is not known for <10 of 450 films"),
        ("3 films where 'Edema' is uncertain", "<10 films where 'Edema' is uncertain"),
        ("2 stays under 16: left out; 4 admissions", "<10 stays under 16: left out; <10 admissions"),
        ("films are scaled to 8x8 pixels (size=8)", "films are scaled to 8x8 pixels (size=8)"),
    ],
)
def test_counts_in_sentences(said, told):
    document = races(500, 7, 60, 300)
    document["problem"]["notes"] = [said]
    document["metrics"]["accuracy"]["note"] = said
    found = suppress_small_cells(document)
    assert found["problem"]["notes"] == [told]
    assert found["metrics"]["accuracy"]["note"] == told


def test_what_is_no_count_of_rows_stays():
    document = make_table_audit()
    found = suppress_small_cells(document)
    for part in ("resources", "alarms", "environment", "seed", "suite", "command"):
        assert found[part] == document[part]
    assert [row["severity"] for row in found["corruptions"]["rows"]] == [
        row["severity"] for row in document["corruptions"]["rows"]
    ]


def small_audit() -> dict[str, Any]:
    """An audit in which one race has six rows."""
    document = make_table_audit()
    document["data"]["attributes"]["race"][1] |= {"n": 6, "base_rate": 0.5}
    row = next(row for row in document["groups"] if row["attribute"] == "race" and row["group"] != "White")
    name = document["data"]["attributes"]["race"][1]["group"]
    row |= group_row("race", name, 6, RATES)
    for environment in document["shift"]["environments"][:1]:
        environment["n"] = environment["accuracy"]["n"] = 5
    document["robustness"]["stages"][0] |= {"fooled": 3}
    return document


def test_the_tables_of_an_audit_withhold_the_same_groups():
    document = small_audit()
    name = document["data"]["attributes"]["race"][1]["group"]
    found = suppress_small_cells(document)
    assert found["data"]["attributes"]["race"][1]["n"] == "<10"
    hidden = {r["group"] for r in found["data"]["attributes"]["race"] if isinstance(r["n"], str)}
    assert name in hidden
    assert len(hidden) > 1
    tables = [point["by_group"] for point in found["robustness"]["curve"]]
    tables += [one["by_group"] for each in found["ood"]["sets"] for one in each["detectors"] if one["by_group"]]
    for table in tables:
        for row in table.get("race", []):
            assert (row["value"] is None) == (row["group"] in hidden)
    environments = found["shift"]["environments"]
    assert environments[0]["n"] == "<10"
    assert sum(isinstance(one["n"], str) for one in environments) >= 2
    assert found["robustness"]["stages"][0]["fooled"] == "<10"


@pytest.mark.parametrize("make", [make_document, lambda: races(500, 7, 60, 300), lambda: races(3, 4), small_audit])
def test_suppressing_again_changes_nothing(make):
    once = suppress_small_cells(make())
    assert repr(suppress_small_cells(once)) == repr(once)
    json.dumps(once)


def read(html: str) -> PageReader:
    page = PageReader(html)
    assert page.faults == []
    assert not re.search(r"\b(nan|NaN|inf|null|None(?! of))\b", page.text)
    assert not any("nan" in value for _, attributes in page.tags for value in attributes.values())
    return page


def test_the_page_of_a_run_shows_what_is_withheld_as_withheld():
    document = races(500, 7, 60, 300)
    document["problem"]["groups"] = [{"attribute": "race", "group": g, "n": 5, "base_rate": 0.5} for g in "ABCD"]
    document["metrics"][DPD]["value"] = 0.6
    document["problem"]["columns"][0]["missing"] = 2
    found = suppress_small_cells(document)
    page = read(render_report(found, make_history(), pd.DataFrame()))
    assert "<10" in page.text
    assert "2 groups are withheld, so that nothing is told of a few people." in page.text
    assert "C (withheld)" in page.text
    assert "too small" not in page.text
    card = model_card(found)
    assert "&lt;10" in card
    assert "withheld" in card


@pytest.mark.parametrize("make", [make_document, lambda: races(3, 4), lambda: races(9), lambda: races(500, 7, 60)])
def test_every_suppressed_run_renders(make):
    found = suppress_small_cells(make(), least=10)
    read(render_report(found, make_history(), pd.DataFrame()))
    model_card(found)


@pytest.mark.parametrize("make", [make_table_audit, make_image_audit, small_audit])
@pytest.mark.parametrize("least", [10, 500, 100_000])
def test_every_suppressed_audit_renders(make, least):
    found = suppress_small_cells(make(), least)
    read(render_audit(found))


@pytest.mark.parametrize("key", sorted(make_document()))
def test_any_part_may_be_missing(key):
    document = races(500, 7, 60, 300)
    del document[key]
    suppress_small_cells(document)
    suppress_small_cells(document | {key: None})


def test_an_empty_document_stays_empty():
    assert suppress_small_cells({}) == {}
