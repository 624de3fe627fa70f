"""What is meant to be handed on tells of no fewer than ten people of clinical data; what is recomputed stays whole."""

from __future__ import annotations

import gzip
import html
import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from efficienttrust import audit, fit, load_run, verify
from efficienttrust.cli.main import main
from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import _audit_resources, for_readers, notes_for_readers
from efficienttrust.pipeline._readers import trajectory_for_readers
from tests.small_problems import make_table

COUNTS = {"Caucasian": 500, "AfricanAmerican": 300, "Hispanic": 9}
SMALL = set(map(str, range(10)))


def stays() -> pd.DataFrame:
    """The columns of the official table that are needed; of one race there are so few that a few are in a split."""
    n = sum(COUNTS.values())
    rng = np.random.default_rng(0)
    number = rng.integers(0, 40, n)
    table = pd.DataFrame({"encounter_id": np.arange(n), "patient_nbr": np.arange(n) + 9000})
    table["race"] = rng.permutation(np.repeat(list(COUNTS), list(COUNTS.values())))
    table["gender"] = rng.choice(["Female", "Male"], n)
    table["age"] = rng.choice(["[20-30)", "[40-50)", "[70-80)"], n)
    for column in ("admission_type_id", "discharge_disposition_id", "admission_source_id"):
        table[column] = rng.integers(1, 4, n)
    for column in ("diag_1", "diag_2", "diag_3"):
        table[column] = rng.choice(["250.83", "428", "V57"], n)
    table["number_inpatient"] = number
    table["readmitted"] = np.where(number + rng.normal(0, 8, n) > 24, "<30", "NO")
    return table


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("copy") / "diabetic_data.csv.gz"
    path.write_bytes(gzip.compress(stays().to_csv(index=False).encode()))
    return f"diabetes130:{path}"


@pytest.fixture(scope="module")
def run(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "stays"
    problem = load_problem(source, sensitive="race")
    return fit(problem, budget="time=30 steps", targets=["dpd <= 0.9", "accuracy >= 0.5"], out=folder), folder


@pytest.fixture(autouse=True)
def short_timing(monkeypatch):
    monkeypatch.setattr(_audit_resources, "SECONDS", 0.02)


def cells(page: str, group: str) -> set[str]:
    """Return the cells of all table rows, of a page or a card, that begin with a group or have it second."""
    rows = [html.unescape(re.sub(r"<[^>]+>", "|", row)) for row in re.findall(r"<tr.*?</tr>", page, flags=re.DOTALL)]
    rows += [line for line in page.splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in row.split("|") if cell.strip()] for row in rows]
    return {cell for row in split if any(cell.startswith(group) for cell in row[:2]) for cell in row}


def test_pages_withhold_what_the_record_holds(run):
    finished, folder = run
    row = next(row for row in finished.document["groups"] if row["group"] == "Hispanic")
    assert row["n"] < 10
    recorded = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert recorded["problem"]["clinical"] is True
    assert next(each for each in recorded["groups"] if each["group"] == "Hispanic")["n"] == row["n"]
    for name in ("report.html", "README.md"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "Hispanic" in html.unescape(page)
        assert not cells(page, "Hispanic") & SMALL
    assert load_run(folder).document["groups"] == finished.document["groups"]
    assert all(one.confirmed for one in verify(folder))


def test_the_trajectory_withholds_what_the_document_does(run, tmp_path):
    finished, _ = run
    dpd = "demographic_parity_difference"
    assert {dpd, f"{dpd} (calibrated)"} <= set(finished.history)
    decisions = pd.DataFrame({"reason": [f"{dpd} gap +0.123", "planned"]})
    for document in (finished.document, finished.document | {"groups": []}):
        shown = for_readers(document)
        history, told = trajectory_for_readers(shown, finished.history, decisions)
        assert list(told["reason"]) == ["withheld", "planned"]
        assert not [name for name in history if dpd in name]
        assert {"accuracy", "accuracy (calibrated)"} <= set(history)
    marked = replace(finished, history=finished.history.assign(**{dpd: 0.43217, f"{dpd} (calibrated)": 0.43217}))
    for all_shown in (False, True):
        folder = marked.save(tmp_path / str(all_shown), show_small_cells=all_shown)
        assert ("0.432" in (folder / "report.html").read_text(encoding="utf-8")) is all_shown
    counted = finished.history.assign(monitor_rows=40, accuracy=1 - 3 / 40, **{"accuracy (calibrated)": 0.5})
    history, _ = trajectory_for_readers(shown, counted, decisions)
    assert history["accuracy"].isna().all()
    assert history["accuracy (calibrated)"].eq(0.5).all()
    other = {"problem": {"clinical": False}}
    assert trajectory_for_readers(other, finished.history, decisions)[0] is finished.history


def test_verify_prints_no_withheld_value(run, capsys):
    finished, folder = run
    shown = for_readers(finished.document)["verdicts"]
    assert main(["verify", str(folder), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["verdicts"]
    assert [one["value"] is None for one in printed] == [math.isnan(one["value"]) for one in shown]
    assert printed[0]["value"] is printed[0]["recorded_value"] is None
    assert printed[0]["confirmed"] is True


def test_data_show_withholds_too(source, capsys):
    def printed(*more):
        assert main(["data", "show", source, "--sensitive", "race", *more]) == 0
        return capsys.readouterr().out

    line = next(line.split() for line in printed().splitlines() if "Hispanic" in line)
    assert "<10" in line
    groups = json.loads(printed("--json"))["problem"]["groups"]
    assert next(row["n"] for row in groups if row["group"] == "Hispanic") == "<10"
    groups = json.loads(printed("--json", "--show-small-cells"))["problem"]["groups"]
    assert next(row["n"] for row in groups if row["group"] == "Hispanic") == 9


def test_an_error_about_few_rows_counts_no_class(tmp_path):
    table = stays()
    table["readmitted"] = np.where(np.arange(len(table)) < 7, "<30", "NO")
    path = tmp_path / "diabetic_data.csv.gz"
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    with pytest.raises(UsageError, match=r"in fewer than 20 rows\."):
        load_problem(f"diabetes130:{path}", sensitive="race")


def test_all_is_shown_when_that_is_asked(run, tmp_path):
    finished, _ = run
    row = next(row for row in finished.document["groups"] if row["group"] == "Hispanic")
    page = (finished.save(tmp_path / "all", show_small_cells=True) / "report.html").read_text(encoding="utf-8")
    assert str(row["n"]) in cells(page, "Hispanic")
    assert "withheld" not in page


def test_an_audit_withholds_too(run, tmp_path):
    _, folder = run
    found = audit(folder, suite="quick", out=tmp_path / "audit")
    few = next(row for row in found.document["data"]["attributes"]["race"] if row["group"] == "Hispanic")
    assert found.document["data"]["clinical"] is True
    assert few["n"] < 10
    page = (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")
    assert "<10" in cells(page, "Hispanic")
    assert not cells(page, "Hispanic") & SMALL
    whole = json.loads((tmp_path / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert few in whole["data"]["attributes"]["race"]


def test_an_audit_of_numbers_withholds_too(source, tmp_path, capsys):
    given = {"label": "number_inpatient", "task": "regression", "sensitive": "race"}
    found = audit(
        lambda frame: np.full(len(frame), 20.0) + (frame["gender"] == "Male"), source, **given, suite="full",
        environment="race", targets=["rmse_gap <= 30", "mean_absolute_error <= 15"], out=tmp_path / "audit",
    )  # fmt: skip
    few = next(row for row in found.document["groups"] if row["group"] == "Hispanic")
    assert 0 < few["n"] < 10
    assert found.document["shift"]["worst_error"]["value"] > 0
    shown = for_readers(found.document)
    row = next(row for row in shown["groups"] if row["group"] == "Hispanic")
    assert row["n"] == "<10"
    hidden = [row, next(one for one in shown["shift"]["environments"] if one["name"] == "Hispanic")]
    for one in hidden:
        figures = [cell for cell in one.values() if isinstance(cell, dict) and "value" in cell]
        assert len(figures) >= 2
        assert all(math.isnan(figure["value"]) for figure in figures)
    for name in ("rmse_gap", "mean_outcome_gap", "kolmogorov_smirnov_distance"):
        assert math.isnan(shown["metrics"][name]["value"]), name
    assert [math.isnan(one["value"]) for one in shown["verdicts"]] == [True, False]
    page = (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")
    assert "<10" in cells(page, "Hispanic")
    assert not cells(page, "Hispanic") & SMALL
    assert f"{few['rmse']['value']:.3f}" not in page


def test_the_worst_environment_is_withheld_with_its_row(source):
    given = {"label": "number_inpatient", "task": "regression", "sensitive": "gender"}
    found = audit(
        lambda frame: np.where(frame["race"] == "Hispanic", 500.0, 20.0), source, **given, suite="quick",
        environment="race",
    )  # fmt: skip
    assert found.document["shift"]["worst"] == "Hispanic"
    assert found.document["shift"]["worst_error"]["value"] > 400
    assert math.isnan(for_readers(found.document)["shift"]["worst_error"]["value"])


def test_what_is_printed_withholds_too(source, run, tmp_path, capsys):
    given = ["--sensitive", "race", "--budget", "time=20 steps", "--target", "dpd <= 0.9", "--out"]
    assert main(["fit", source, *given, str(tmp_path / "a"), "--json"]) == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert printed["metrics"]["worst_group_auc"]["value"] is None
    assert "'Hispanic' (withheld)" in said.err
    assert "'Hispanic' (9" not in said.err
    assert "accuracy" in said.err
    assert "demographic_parity_difference 0." not in said.err
    assert main(["audit", str(run[1]), "--suite", "quick", "--out", str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out.endswith("report.html\n")
    assert main(["audit", str(run[1]), "--suite", "quick", "--out", str(tmp_path / "c"), "--json"]) == 0
    races = json.loads(capsys.readouterr().out)["data"]["attributes"]["race"]
    assert next(row["n"] for row in races if row["group"] == "Hispanic") == "<10"
    options = ["--out", str(tmp_path / "d"), "--json", "--show-small-cells"]
    assert main(["audit", str(run[1]), "--suite", "quick", *options]) == 0
    races = json.loads(capsys.readouterr().out)["data"]["attributes"]["race"]
    assert next(row["n"] for row in races if row["group"] == "Hispanic") in range(10)


def test_a_withheld_figure_is_not_a_number(run):
    shown = for_readers(run[0].document)
    row = next(row for row in shown["groups"] if row["group"] == "Hispanic")
    assert row["n"] == "<10"
    assert all(math.isnan(cell["value"]) for cell in row.values() if isinstance(cell, dict) and "n" in cell)
    assert for_readers(run[0].document, show_small_cells=True) is run[0].document


def test_other_data_are_shown_as_they_are():
    table = make_table()
    table.loc[:5, "region"] = "islands"
    problem = load_problem(table, label="approved", sensitive="region")
    assert notes_for_readers(problem) is problem.notes
    document = {"problem": {"clinical": False}, "groups": [{"attribute": "region", "group": "islands", "n": 6}]}
    assert for_readers(document) is document
