"""No count of 1 to 9 people is told by a rate, nor by what a reader works out from all rates that are shown."""

from __future__ import annotations

import copy
import html
import itertools
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixture import make_document, make_history, rate

from efficienttrust.metrics.intervals import clopper_pearson
from efficienttrust.report import model_card, render_report
from efficienttrust.report._small_cells import suppress_small_cells

Counts = tuple[int, int, int, int]
"""True positives, false positives, false negatives, true negatives."""
RATES = ("base_rate", "selection_rate", "tpr", "fpr", "accuracy")
COUNTS = {
    "tp": (1, 0, 0, 0), "fp": (0, 1, 0, 0), "fn": (0, 0, 1, 0), "tn": (0, 0, 0, 1), "positives": (1, 0, 1, 0),
    "negatives": (0, 1, 0, 1), "selected": (1, 1, 0, 0), "left": (0, 0, 1, 1), "right": (1, 0, 0, 1),
    "wrong": (0, 1, 1, 0),
}  # fmt: skip


def row_of(group: str, counts: Counts, attribute: str = "sex") -> dict[str, Any]:
    tp, fp, fn, tn = counts
    n, positives = sum(counts), tp + fn

    def share(hits: int, of: int) -> dict[str, Any]:
        return rate(hits / of if of else math.nan, of)

    return {
        "attribute": attribute,
        "group": group,
        "n": n,
        "positives": positives,
        "base_rate": share(positives, n),
        "selection_rate": share(tp + fp, n),
        "tpr": share(tp, positives),
        "fpr": share(fp, n - positives),
        "accuracy": share(tp + tn, n),
    }


def shown_of(table: list[Counts]) -> list[dict[str, Any]]:
    document = {"groups": [row_of(f"g{place}", counts) for place, counts in enumerate(table)]}
    return suppress_small_cells(document)["groups"]


def agrees(row: dict[str, Any], counts: np.ndarray) -> np.ndarray:
    """Which of the decision tables [m, 4] say what a row shows, by the definitions of the rates alone."""
    tp, fp, fn, tn = counts.T
    n, positives = tp + fp + fn + tn, tp + fn
    fine = np.ones(len(counts), dtype=bool)

    def count(shown: object, true: np.ndarray) -> None:
        nonlocal fine
        if shown == "<10":
            fine &= true < 10
        elif shown == "withheld":
            fine &= true >= 10
        elif shown is not None:
            fine &= true == shown

    count(row["n"], n)
    count(row["positives"], positives)
    pairs = {
        "base_rate": (positives, n),
        "selection_rate": (tp + fp, n),
        "tpr": (tp, positives),
        "fpr": (fp, n - positives),
        "accuracy": (tp + tn, n),
    }
    for name, (hits, of) in pairs.items():
        if (name, row[name]["n"]) != ("fpr", "withheld"):  # which stands for any count there
            count(row[name]["n"], of)
        value = row[name]["value"]
        if value is not None and not math.isnan(value):
            fine &= np.abs(hits - value * of) < 1e-6
    return fine


def tables_of(n: int) -> np.ndarray:
    return np.array(
        [(a, b, c, n - a - b - c) for a in range(n + 1) for b in range(n + 1 - a) for c in range(n + 1 - a - b)]
    )


def told(table: list[Counts]) -> list[tuple[int, str]]:
    """Return the counts of 1 to 9 that a reader pins, who tries all tables with these totals; two groups of known n."""
    return pinned(table, shown_of(table))


def told_without_rates(table: list[Counts]) -> list[tuple[int, str]]:
    """Return those that sizes, totals and the marks of positives tell alone, which no hiding of rates can undo."""
    nothing = {"value": None, "n": None}
    return pinned(table, [row | dict.fromkeys(RATES, nothing) for row in shown_of(table)])


def pinned(table: list[Counts], shown: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return the counts of 1 to 9 that have one value in all tables with these totals that agree with what is shown."""
    first, second = (tables_of(sum(counts)) for counts in table)
    first, second = first[agrees(shown[0], first)], second[agrees(shown[1], second)]
    totals = np.add(*map(np.array, table))
    left = {tuple(each) for each in second}
    possible = [(one, tuple(totals - one)) for one in first if tuple(totals - one) in left]
    assert possible, "the true table is not among those that the reader holds possible"
    found = []
    for place, (name, vector) in itertools.product((0, 1), COUNTS.items()):
        values = {int(np.dot(vector, tables[place])) for tables in possible}
        if len(values) == 1 and 0 < next(iter(values)) < 10:
            found.append((place, name))
    return found


def test_selection_and_accuracy_of_a_small_group_do_not_tell_its_positives():
    document = make_document()
    document["groups"] = [
        row_of("Female & Black", (7, 0, 0, 13)),
        row_of("B", (60, 20, 30, 90)),
        row_of("C", (70, 30, 20, 80)),
    ]
    before = copy.deepcopy(document)
    found = suppress_small_cells(document)
    row = found["groups"][0]
    assert (row["n"], row["positives"]) == (20, "<10")
    assert row["selection_rate"]["value"] is row["selection_rate"]["low"] is row["selection_rate"]["high"] is None
    assert row["selection_rate"]["note"].startswith("withheld")
    assert document["groups"] == before["groups"]
    for page in (render_report(found, make_history(), pd.DataFrame()), model_card(found)):
        lines = re.findall(r"<tr.*?</tr>|^\|.*?$", page, re.DOTALL | re.MULTILINE)
        told = [html.unescape(re.sub(r"<[^>]+>", "", line)) for line in lines]
        shown = [line for line in told if "Female & Black" in " ".join(line.split())]
        assert shown
        assert not any("0.350" in line for line in shown)


@pytest.mark.parametrize(
    ("hits", "withheld"), [(0, False), (1, True), (9, True), (10, False), (290, False), (291, True), (300, False)]
)
def test_a_rate_goes_with_its_count_and_with_the_count_of_the_rest(hits, withheld):
    others = [{"attribute": "sex", "group": name, "n": 300, "accuracy": rate(0.5, 300)} for name in "ABC"]
    document = {"groups": [{"attribute": "sex", "group": "D", "n": 300, "accuracy": rate(hits / 300, 300)}, *others]}
    row, *rest = suppress_small_cells(document)["groups"]
    assert (row["accuracy"]["value"] is None) is withheld
    assert sum(other["accuracy"]["value"] is None for other in rest) == withheld, "or all less the others tell it"


def test_accuracy_over_all_rows_goes_with_a_few_errors_and_with_it_what_tells_them():
    document = make_document()
    n = document["metrics"]["accuracy"]["n"]
    document["metrics"]["accuracy"]["value"] = 1 - 5 / n
    for name in ("f1", "mcc"):
        document["metrics"][name] = dict(document["metrics"]["auc"])
    document["verdicts"].append(
        dict(document["verdicts"][0], target="accuracy >= 0.7", value=1 - 5 / n, n=n, reason="0.9 on test")
    )
    found = suppress_small_cells(document)
    assert [found["metrics"][name]["value"] for name in ("accuracy", "f1", "mcc")] == [None] * 3
    assert found["metrics"]["auc"] == document["metrics"]["auc"]
    assert found["verdicts"][-1]["value"] is found["verdicts"][-1]["certificate"]["bound"] is None
    assert "0.9" not in found["verdicts"][-1]["reason"]
    assert all("accuracy" not in {k for k, v in one["metrics"].items() if v is not None} for one in found["candidates"])


@pytest.mark.parametrize(("errors", "withheld"), [(0, False), (4, True), (9, True), (10, False)])
def test_an_exact_limit_goes_with_the_few_errors_that_it_tells(errors, withheld):
    document = make_document()
    bound = clopper_pearson(np.array([300 - errors]), np.array([300]), 0.025)[0][0]
    proof = {
        "bound": bound,
        "level": 0.975,
        "method": "Clopper-Pearson",
        "satisfied": True,
        "certifiable": True,
        "n": 300,
        "note": "",
    }
    document["verdicts"][1] |= {
        "target": "accuracy >= 0.7",
        "certificate": proof,
        "reason": f"the lower limit {bound:.4f} on certify",
    }
    found = suppress_small_cells(document)["verdicts"][1]
    assert (found["certificate"]["bound"] is None) is withheld
    assert (f"{bound:.4f}" in found["reason"]) is not withheld


@pytest.mark.parametrize(("errors", "withheld"), [(0, False), (3, True), (30, False)])
def test_accuracy_of_a_candidate_tells_no_few_rows_of_calibrate(errors, withheld):
    document = make_document()
    n = document["problem"]["splits"]["calibrate"]
    document["candidates"][0]["metrics"]["accuracy"] = 1 - errors / n
    found = suppress_small_cells(document)["candidates"][0]["metrics"]["accuracy"]
    assert (found is None) is withheld


def test_how_often_an_almost_constant_model_decides_is_not_told():
    document = make_document() | {"fallbacks": ["it decides 'yes' for 0.60% of test rows; look at auc"]}
    assert suppress_small_cells(document)["fallbacks"] == [
        "it decides 'yes' for fewer than 1% or more than 99% of test rows; look at auc"
    ]


def test_a_gap_beside_a_table_by_group_goes_with_a_figure_of_it():
    by_group = {
        "sex": [
            {"group": g, "value": v, "low": 0.0, "high": 1.0, "n": 300}
            for g, v in zip("ABC", (0.01, 0.5, 0.6), strict=True)
        ]
    }
    gaps = {"sex": {"value": 0.59, "low": 0.5, "high": 0.7, "n": 900, "note": ""}}
    point = {"by_group": by_group, "gaps": gaps}
    found = suppress_small_cells({"ood": {"sets": [point]}})["ood"]["sets"][0]
    values = [row["value"] for row in found["by_group"]["sex"]]
    assert values[0] is None
    assert values.count(None) == 2, "with one other shown the third is all less the two"
    assert found["gaps"]["sex"]["value"] is found["gaps"]["sex"]["low"] is None


def test_a_class_with_few_errors_shows_no_rate():
    one = {
        "class": "yes",
        "n": 200,
        "base_rate": rate(0.5, 400),
        "tpr": rate(0.97, 200),
        "fpr": rate(0.2, 200),
        "auc": rate(0.9, 400),
    }
    found = suppress_small_cells({"classes": [one]})["classes"][0]
    assert [found[name]["value"] for name in ("base_rate", "tpr", "fpr", "auc")] == [None, None, None, 0.9]


def test_rates_of_large_counts_stay():
    table = [(30, 20, 15, 60), (40, 25, 30, 70)]
    assert [[row[name]["value"] for name in RATES] for row in shown_of(table)] == [
        [row_of("", counts)[name]["value"] for name in RATES] for counts in table
    ]


part = st.integers(0, 7)


@given(st.tuples(part, part, part, part), st.tuples(part, part, part, part))
@settings(max_examples=30, deadline=None)
def test_no_reader_who_tries_all_tables_pins_a_count_of_a_few(first, second):
    if min(sum(first), sum(second)) < 10:
        return  # n is withheld: the tables of all sizes are too many to try
    totals = np.add(first, second)
    if not any(0 < total < 10 for total in totals):
        assert set(told([first, second])) <= set(told_without_rates([first, second]))


@given(st.lists(st.tuples(part, part, part, part), min_size=2, max_size=4))
@settings(max_examples=10, deadline=None)
def test_suppressing_rates_again_changes_nothing(table):
    document = {"groups": [row_of(f"g{place}", counts) for place, counts in enumerate(table)]}
    once = suppress_small_cells(document)
    assert repr(suppress_small_cells(once)) == repr(once)
