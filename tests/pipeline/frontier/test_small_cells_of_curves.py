"""Curves of clinical data: pages, tables and printed output tell of no fewer than ten people; the record is whole."""

from __future__ import annotations

import json
import math
import re

import pandas as pd
import pytest

from efficienttrust import frontier, load_frontier
from efficienttrust.data import load_problem
from efficienttrust.pipeline import frontier_for_readers
from efficienttrust.pipeline.frontier import FILES
from efficienttrust.report import withhold_points
from tests.pipeline.test_clinical_small_cells_are_withheld import source as source

DPD = "demographic_parity_difference"


@pytest.fixture(scope="module")
def curve(source, few_settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves") / "stays"
    problem = load_problem(source, sensitive="race")
    return frontier(problem, budget="time=20 steps", axes=["dpd"], points=3, out=folder), folder


def test_a_gap_that_few_people_decide_is_withheld_from_all_but_the_record(curve):
    made, folder = curve
    first = made.document["points"][0]
    assert next(row for row in first["groups"] if row["group"] == "Hispanic")["n"] < 10
    assert math.isfinite(first["test"][DPD]["value"])
    recorded = json.loads((folder / FILES["frontier"]).read_text(encoding="utf-8"))["points"][0]
    assert recorded["test"][DPD]["value"] == first["test"][DPD]["value"]
    table = pd.read_csv(folder / FILES["points"])
    assert table[[DPD, f"{DPD} low", f"{DPD} high"]].isna().all(axis=None)
    assert table["accuracy"].notna().all()
    assert table["accuracy (calibrate)"].isna().all(), "how many rows are behind it is not on record"
    page = (folder / FILES["report"]).read_text(encoding="utf-8")
    assert "withheld" in page
    for one in made.document["points"]:
        assert f"{one['test'][DPD]['value']:.3f} " not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert load_frontier(folder).document["points"][0]["groups"] == first["groups"]


def test_they_are_shown_on_demand(curve, tmp_path):
    made, _ = curve
    folder = made.save(tmp_path / "f", show_small_cells=True)
    pd.testing.assert_frame_equal(pd.read_csv(folder / FILES["points"]), made.table())
    assert frontier_for_readers(made.document, show_small_cells=True) is made.document


def point(accuracy: float, n: int, gap: float = 0.1, groups: list | None = None, key: str = DPD) -> dict:
    cells = {"accuracy": accuracy, key: gap}
    return {
        "name": "P1",
        "calibrate": dict(cells),
        "test": {name: {"value": value, "low": 0.0, "high": 1.0, "n": n, "note": ""} for name, value in cells.items()},
        "groups": [] if groups is None else groups,
    }


def group(name: str, n: int, selected: int, right: int, positives: int) -> dict:
    rates = {"base_rate": positives / n, "selection_rate": selected / n, "accuracy": right / n}
    cells = {key: {"value": value, "low": 0.0, "high": 1.0, "n": n} for key, value in rates.items()}
    return {"attribute": "race", "group": name, "n": n, "positives": positives, **cells}


def shown_of(one: dict) -> dict:
    problem = {"clinical": True, "rows": 1000, "groups": [], "splits": {"test": 200, "calibrate": 200}}
    document = {"problem": problem, "points": [one]}
    kept = json.dumps(document)
    (found,) = withhold_points(document)["points"]
    assert json.dumps(document) == kept, "what is given is not changed"
    return {key: cell["value"] for key, cell in found["test"].items()}


def test_an_accuracy_that_counts_fewer_than_ten_errors_is_withheld():
    assert shown_of(point(0.97, 200))["accuracy"] is None
    assert shown_of(point(0.9, 200))["accuracy"] == 0.9


def test_a_gap_goes_by_the_rates_of_the_groups():
    large = [group("A", 100, 40, 80, 50), group("B", 100, 30, 80, 50)]
    few = [group("A", 100, 40, 80, 50), group("B", 100, 3, 80, 50)]
    assert shown_of(point(0.8, 200, 0.1, large))[DPD] == 0.1
    assert shown_of(point(0.8, 200, 0.37, few))[DPD] is None
    assert shown_of(point(0.8, 200, 0.1))[DPD] is None, "without rates nobody knows"


def test_a_gap_under_attack_is_withheld_where_no_group_was_counted_under_attack():
    key = "worst_group_robust_accuracy(pgd, eps=0.1, norm=linf)"
    large = [group("A", 100, 40, 80, 50), group("B", 100, 30, 80, 50)]
    assert shown_of(point(0.8, 200, 0.6, large, key))[key] is None
