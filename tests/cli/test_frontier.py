"""The verb `frontier` and `fit --from`: options reach the pipeline, points are printed, a curve is not retrained."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from efficienttrust.training import Settings
from tests.cli.conftest import document as run_document
from tests.cli.conftest import verdict

DPD = "demographic_parity_difference"


def cell(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 200, "how": "", "note": ""}


def curve_document(*gaps: float, setting: bool = True) -> dict[str, Any]:
    told = [{"lambda_fair": index / 3, "adversarial_share": 0.0} for index, _ in enumerate(gaps)]
    return {
        "problem": {"name": "loans", "clinical": False},
        "axes": {"utility": "accuracy", "fairness": f"{DPD} <= 1.0", "robustness": None},
        "command": "efficienttrust frontier loans.csv",
        "model": {"settings": told if setting else []},
        "ledger": {"time": {"clock": "cpu", "asked": 20.0, "used": 19.5, "overrun": 0.0, "phases": {}}},
        "fallbacks": ["fewer settings were tried"],
        "points": [
            {
                "name": f"P{index + 1}",
                "setting": told[index] if setting else None,
                "test": {"accuracy": cell(0.85), DPD: cell(gap)},
                "calibrate": {"accuracy": 0.85, DPD: gap},
                "groups": [],
            }
            for index, gap in enumerate(gaps)
        ],
    }


@dataclass
class FakeCurves:
    """Takes the place of loading, of `frontier`, of `load_frontier` and of `deploy`."""

    document: dict[str, Any] = field(default_factory=lambda: curve_document(0.1, 0.052))
    load: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    deployed: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=lambda: run_document(verdict()))

    def load_data(self, source, settings, *, seed):
        self.load = {"source": source, **settings, "seed": seed}
        return SimpleNamespace(name="loans", card=None, notes=("12 rows dropped",))

    def make(self, problem, **arguments):
        self.made = arguments
        return SimpleNamespace(document=self.document)

    def deploy(self, folder, **arguments):
        self.deployed = {"folder": folder, **arguments}
        verdicts = [SimpleNamespace(**one) for one in self.run["verdicts"]]
        return SimpleNamespace(document=self.run, verdicts=verdicts, failed=())


@pytest.fixture
def curves(monkeypatch) -> FakeCurves:
    import efficienttrust.pipeline.frontier as package

    fake = FakeCurves()
    monkeypatch.setattr("efficienttrust.pipeline.load_data", fake.load_data)
    monkeypatch.setattr(package, "frontier", fake.make)
    monkeypatch.setattr("efficienttrust.pipeline.load_frontier", lambda _: SimpleNamespace(document=fake.document))
    monkeypatch.setattr("efficienttrust.pipeline.deploy", fake.deploy)
    return fake


def test_options_reach_the_data_and_the_curve(command, curves):
    result = command(
        *("frontier", "loans.csv", "--label", "approved", "--positive", "-1", "--sensitive", "sex,age", "--drop", "id"),
        *("--relation", "a <= b", "--limitation", "fewer_rows(0.5)", "--seed", 3, "--split-seed", 4),
        *("--budget", "time=20s cpu", "--axis", "dpd", "--axis", "robust_accuracy(pgd, eps=0.1)", "--points", 7),
        *("--policy", "plan", "--model", "mlp(widths=32)", "--precision", "fp32", "--out", "f", "--overwrite"),
        "--use-groups-at-prediction",
    )
    assert result.code == 0, result.err
    given = {key: value for key, value in curves.load.items() if value not in (None, (), False)}
    assert given == {
        "source": "loans.csv", "label": "approved", "positive": "-1", "sensitive": "sex,age", "drop": "id",
        "relations": ("a <= b",), "limitations": ("fewer_rows(0.5)",), "seed": 4,
    }  # fmt: skip
    assert curves.made.pop("progress") is not None
    assert curves.made == {
        "budget": "time=20s cpu",
        "axes": ["dpd", "robust_accuracy(pgd, eps=0.1)"],
        "points": 7,
        "policy": "plan",
        "model": "mlp(widths=32)",
        "settings": Settings(precision="fp32"),
        "seed": 3,
        "use_groups_at_prediction": True,
        "out": Path("f"),
        "overwrite": True,
        "show_small_cells": False,
    }


def test_what_is_not_asked_is_left_to_the_pipeline(command, curves):
    assert command("frontier", "adult", "--budget", "time=20s cpu").code == 0
    assert curves.made["axes"] == ()
    assert curves.made["out"] == Path("frontiers/loans")
    assert not {"policy", "points"} & set(curves.made)


def test_the_points_are_printed_with_how_to_deploy_one(command, curves):
    result = command("frontier", "adult", "--budget", "time=20s cpu", "--out", "f")
    lines = result.out.splitlines()
    first = next(line for line in lines if line.startswith("P1"))
    assert first.split() == ["P1", "0.850", "[0.840,", "0.860]", "0.100", "[0.090,", "0.110]", "0", "0"]
    assert f"to deploy a model near P2: efficienttrust fit --from f --target '{DPD} <= 0.055'" in lines
    assert "time (cpu): 19.5 of 20" in lines
    assert "note: fewer settings were tried" in lines
    assert lines[-1] == "f/report.html"
    assert "note: 12 rows dropped" in result.err


def test_a_curve_without_settings_and_one_without_points(command, curves):
    curves.document = curve_document(0.1, setting=False)
    assert "nothing can be deployed" in command("frontier", "adult", "--budget", "time=9 steps", "--quiet").out
    curves.document = curve_document()
    result = command("frontier", "adult", "--budget", "time=9 steps", "--quiet")
    assert result.code == 0
    assert "no point" in result.out
    assert result.err == ""


def test_clinical_data_are_printed_without_small_cells(command, curves):
    curves.document["problem"]["clinical"] = True
    asked = ("frontier", "adult", "--budget", "time=20s cpu", "--quiet")
    rows = [line.split() for line in command(*asked).out.splitlines() if line.startswith("P")]
    assert [row[4] for row in rows] == ["withheld", "withheld"]
    printed = json.loads(command(*asked, "--json").out)["points"][0]
    assert printed["test"][DPD]["value"] is None
    assert printed["calibrate"] == {"accuracy": None, DPD: None}
    assert "withheld" not in command(*asked, "--show-small-cells").out


def test_json_is_the_only_thing_on_stdout(command, curves):
    curves.document["points"][0]["test"][DPD]["value"] = float("nan")
    result = command("frontier", "adult", "--budget", "time=20s cpu", "--out", "f", "--json")
    printed = json.loads(result.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert printed["schema_version"] == 1
    assert printed["points"][0]["test"][DPD]["value"] is None
    assert printed["axes"]["utility"] == "accuracy"
    assert printed["artifacts"] == {
        "frontier": "f/frontier.json",
        "network": "f/network.safetensors",
        "points": "f/points.csv",
        "report": "f/report.html",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("frontier",), "SOURCE"),
        (("frontier", "adult"), "--budget: missing"),
        (("frontier", "adult", "--budget", "time=20s", "--policy", "planned"), "--policy"),
        (("frontier", "adult", "--budget", "time=20s", "--seed", "-1"), "--seed"),
        (("frontier", "adult", "--budget", "time=20s", "--target", "dpd <= 0.1"), "--target"),
    ],
)
def test_wrong_usage_is_one_line(command, arguments, says):
    result = command(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert says in result.err


def test_fit_from_a_curve_deploys(command, curves):
    result = command(
        *("fit", "--from", "f/", "--target", "dpd <= 0.1", "--target", "accuracy >= 0.8", "--budget", "size=300kB"),
        *("--out", "runs/x", "--overwrite", "--quiet"),
    )
    assert result.code == 0, result.err
    assert curves.deployed == {
        "folder": Path("f"),
        "targets": ["dpd <= 0.1", "accuracy >= 0.8"],
        "budget": "size=300kB",
        "out": Path("runs/x"),
        "overwrite": True,
        "show_small_cells": False,
        "progress": None,
    }
    assert result.out.splitlines()[-1] == "runs/x/report.html"
    assert curves.load == {}


def test_fit_from_a_curve_prints_and_exits_as_fit_does(command, curves):
    curves.run = run_document(verdict(status="missed"))
    assert command("fit", "--from", "f", "--target", "dpd <= 0.1").code == 0
    assert curves.deployed["out"] == Path("runs/loans")
    result = command("fit", "--from", "f", "--target", "dpd <= 0.1", "--strict", "--json", "--quiet")
    assert result.code == 1
    assert json.loads(result.out)["verdicts"][0]["status"] == "missed"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--model", "mlp", "--seed", 3), "--model, --seed: settled when the curve was made"),
        (("--sensitive", "sex"), "--sensitive: settled"),
        (("--level", "time=50%"), "--level: settled"),
        (("--relation", "a <= b"), "--relation: settled"),
        (("--use-groups-at-prediction",), "--use-groups-at-prediction: settled"),
        (("adult",), "--from has its data on record: leave out adult"),
    ],
)
def test_what_would_need_training_again_is_refused(command, curves, more, says):
    result = command("fit", "--from", "f", "--target", "dpd <= 0.1", *more)
    assert result.code == 2
    assert says in result.err
    assert result.err.count("\n") == 1
    assert curves.deployed == {}


def test_fit_needs_a_source_or_a_curve(command):
    result = command("fit", "--budget", "time=20s")
    assert result.code == 2
    assert "--from FOLDER" in result.err


def test_a_folder_without_a_curve_is_one_line(command, workdir):
    result = command("fit", "--from", "nowhere", "--target", "dpd <= 0.1")
    assert result.code == 2
    assert "holds no curve" in result.err
