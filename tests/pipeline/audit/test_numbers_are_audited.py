"""A label that is a number is audited: figures equal their oracles, what is about decisions is said to be absent."""

from __future__ import annotations

import json

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from efficienttrust import audit
from efficienttrust.cli.main import main
from efficienttrust.errors import UsageError

COST = {"label": "cost", "task": "regression", "sensitive": "sex,region"}


def costs(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"age": rng.integers(20, 80, n), "visits": rng.integers(0, 12, n)})
    table["sex"], table["region"] = rng.choice(["f", "m"], n), rng.choice(["north", "south", "west"], n)
    noise = np.where(table["sex"] == "f", 200, 700) * rng.normal(size=n)
    table["cost"] = np.rint(1000 + 30 * table["age"] + 150 * table["visits"] + noise)  # exact as float32
    return table


def expected(frame: pd.DataFrame) -> pd.Series:
    return 1000 + 30.0 * frame["age"] + 150 * frame["visits"]


@pytest.fixture(scope="module")
def found():
    return audit(
        expected, costs(), **COST, suite="full", environment="region",
        targets=["mean_absolute_error <= 1000", "r2 >= 0.6", "rmse_gap(by=sex) <= 100"],
    )  # fmt: skip


def onnx_file(folder, *, classes: bool = False):
    """The line as an ONNX file, or a classifier of the same columns."""
    inputs = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 2])]
    outputs = [helper.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])]
    node = helper.make_node(
        "LinearRegressor", ["X"], ["variable"], domain="ai.onnx.ml", coefficients=[30.0, 150.0], intercepts=[1000.0]
    )
    if classes:
        outputs = [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 2]),
        ]
        node = helper.make_node(
            "LinearClassifier", ["X"], ["label", "scores"], domain="ai.onnx.ml", coefficients=[-1.0, 0.0, 1.0, 0.0],
            intercepts=[0.0, 0.0], classlabels_ints=[0, 1],
        )  # fmt: skip
    graph = helper.make_graph([node], "g", inputs, outputs)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "line.onnx")
    return folder / "line.onnx"


def test_figures_are_those_of_scikit_learn(found):
    table, said = costs(), expected(costs())
    for name, oracle in (
        ("r2", r2_score), ("mean_absolute_error", mean_absolute_error),
        ("root_mean_squared_error", root_mean_squared_error),
    ):  # fmt: skip
        one = found.metrics[name]
        assert one["value"] == pytest.approx(oracle(table["cost"], said), rel=1e-9)
        assert one["low"] < one["value"] < one["high"]
        assert one["n"] == len(table)
    errors = {}
    for row in found.document["groups"]:
        if row["attribute"] not in ("sex", "region"):
            continue
        here = table[row["attribute"]] == row["group"]
        assert row["n"] == here.sum()
        assert row["mean_label"]["value"] == pytest.approx(table["cost"][here].mean(), rel=1e-9)
        assert row["mean_prediction"]["value"] == pytest.approx(said[here].mean(), rel=1e-9)
        assert row["mean_absolute_error"]["value"] == pytest.approx(
            mean_absolute_error(table["cost"][here], said[here]), rel=1e-9
        )
        errors[row["group"]] = root_mean_squared_error(table["cost"][here], said[here])
        assert row["rmse"]["value"] == pytest.approx(errors[row["group"]], rel=1e-9)
    gap = abs(errors["f"] - errors["m"])
    assert found.metrics["rmse_gap(by=sex)"]["value"] == pytest.approx(gap, rel=1e-9)
    assert found.verdicts[2].value == pytest.approx(gap, rel=1e-9)


def test_targets_get_verdicts(found):
    assert [one.status for one in found.verdicts] == ["certified", "certified", "missed"]
    proof = found.document["verdicts"][0]["certificate"]
    assert found.metrics["mean_absolute_error"]["value"] < proof["bound"] < 1000


def test_what_measures_decisions_is_absent_and_says_why(found):
    assert [found.document[name] for name in ("robustness", "corruptions", "ood")] == [None] * 3
    notes = found.document["data"]["notes"]
    assert "robustness was not measured: attacks on decisions do not apply to a number" in notes
    for begin in (
        "corruptions were not measured: ",
        "detection was not measured: ",
        "alarms about decisions were not ",
    ):
        assert sum(note.startswith(begin) for note in notes) == 1
    assert {alarm["name"] for alarm in found.alarms} == {"random_answers", "answers_depend_on_the_batch"}
    assert not any(alarm["fired"] for alarm in found.alarms)
    assert found.document["resources"]["latency"]


def test_natural_shift_is_that_of_errors(found):
    table, part = costs(), found.document["shift"]
    missed = (table["cost"] - expected(table)).abs()
    for one in part["environments"]:
        here = table["region"] == one["name"]
        assert one["error"]["value"] == pytest.approx(missed[here].mean(), rel=1e-9)
        assert one["rise"]["value"] == pytest.approx(missed[here].mean() - missed[~here].mean(), rel=1e-9)


def test_files_and_the_page(found, tmp_path):
    folder = found.save(tmp_path / "a")
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert document["model"] | {"facts": {}} == found.document["model"] | {"facts": {}}
    assert document["model"]["task"] == "regression"
    assert document["model"]["outputs"] == "numbers"
    assert "--task regression" in document["command"]
    table = pd.read_parquet(folder / "predictions.parquet")
    assert list(table) == ["row", "label", "sex", "region", "prediction"]
    assert r2_score(table["label"], table["prediction"]) == pytest.approx(found.metrics["r2"]["value"], rel=1e-9)
    page = (folder / "report.html").read_text(encoding="utf-8")
    for word in ("decides", "selection rate", "base rate", "Accuracy", "accuracy under"):
        assert word not in page, word
    assert "attacks on decisions do not apply to a number" in page
    assert "mean absolute error rises most in" in page


def test_every_kind_of_model_gives_the_same_figures(found, tmp_path, capsys):
    table = costs()
    plain = table.drop(columns=["sex", "region"]).assign(sex=table["sex"])
    line = LinearRegression().fit(table[["age", "visits"]], expected(table).to_frame())  # its predictions are [n, 1]
    module = torch.nn.Linear(2, 1)
    module.weight.data, module.bias.data = torch.tensor([[30.0, 150.0]]), torch.tensor([1000.0])
    only_sex = COST | {"sensitive": "sex", "suite": "quick"}
    wanted = found.metrics["mean_absolute_error"]["value"]
    for model, kind in (
        (line, "sklearn"), (module, "torch"), (onnx_file(tmp_path), "onnx"),
        (lambda frame: expected(frame).astype(int), "callable"),
    ):  # fmt: skip
        one = audit(model, plain, **only_sex, inputs="raw" if kind in ("torch", "onnx") else "auto")
        assert one.document["model"]["kind"] == kind
        assert one.metrics["mean_absolute_error"]["value"] == pytest.approx(wanted, rel=1e-6)
    plain.to_csv(tmp_path / "costs.csv", index=False)
    joblib.dump(line, tmp_path / "line.joblib")
    words = ["audit", str(tmp_path / "line.joblib"), "--trust-pickle", "--data", str(tmp_path / "costs.csv")]
    words += ["--label", "cost", "--task", "regression", "--sensitive", "sex", "--suite", "quick"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "answers: numbers" in printed
    for name in ("r2", "mean_absolute_error", "rmse_gap"):
        assert f"{name} " in printed


def test_a_classifier_is_refused(tmp_path):
    table = costs()
    model = LogisticRegression(max_iter=500).fit(table[["age", "visits"]], table["cost"] > 4000)
    with pytest.raises(UsageError, match="LogisticRegression is a classifier, but the label 'cost' is a number"):
        audit(model, table, **COST)
    with pytest.raises(UsageError, match="the model decides between classes '0', '1', but 'cost' is a number"):
        audit(onnx_file(tmp_path, classes=True), table.drop(columns="region"), **(COST | {"sensitive": "sex"}))
    regressor = LinearRegression().fit(table[["age", "visits"]], table["cost"])
    classed = table.assign(dear=np.where(table["cost"] > 4000, "yes", "no"))
    with pytest.raises(UsageError, match="for a label that is a number add --task regression"):
        audit(regressor, classed, label="dear", sensitive="sex")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda frame: expected(frame).where(frame["age"] != 33), "the model answers NaN or infinity for"),
        (lambda frame: np.full(len(frame), np.inf), "NaN or infinity for 400 of 400 rows, first for row 0"),
        (lambda frame: np.array([None] * len(frame)), "the model answers NaN or infinity for 400 of 400 rows"),
        (lambda frame: np.array(["dear"] * len(frame)), "the model answers 'dear', which is no number"),
        (lambda frame: np.ones((len(frame), 3)), "gives 3 numbers a row; one prediction a row is needed"),
        (lambda frame: 7.0, "returns a single value"),
    ],
)
def test_answers_that_are_no_numbers_are_one_line(function, message):
    with pytest.raises(UsageError, match=message) as caught:
        audit(function, costs(), **COST, suite="quick")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ["mean_absolut_error <= 3"]}, "Did you mean 'mean_absolute_error'"),
        ({"targets": ["rmse_gap(by=sexx) <= 3"]}, "'sexx'. Did you mean 'sex'"),
        ({"targets": ["accuracy >= 0.5"]}, "accuracy is defined for .* outcomes, these are regression"),
        ({"targets": ["robust_accuracy(pgd, eps=0.1) >= 0.5"]}, "outcomes, these are regression"),
        ({"eps": 0.1}, "attacks on decisions do not apply to a number: leave out --eps"),
        ({"seconds": 5}, "leave out --seconds"),
        ({"norm": "l2"}, "leave out --norm"),
        ({"ood": "age >= 70"}, "read the scores of classes, which a number does not have: leave out --ood"),
        ({"environment": "regoin"}, "no column 'regoin'. Did you mean 'region'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(options, message):
    with pytest.raises(UsageError, match=message):
        audit(expected, costs(), **COST, **options)


def test_few_rows(tmp_path):
    with pytest.raises(UsageError, match="10 rows with a label 'cost' are too few"):
        audit(expected, costs().head(10), **COST)
    found = audit(expected, costs(), **COST, limit=10, suite="standard", targets=["mean_absolute_error <= 1e6"])
    assert found.metrics["r2"]["n"] == 10
    lone = [row for row in found.document["groups"] if row["n"] == 1]
    for row in lone:
        assert np.isnan([row["rmse"]["low"], row["mean_label"]["high"]]).all()
    json.loads((found.save(tmp_path / "a") / "audit.json").read_text(encoding="utf-8"))


def test_a_group_without_a_row_is_said_and_missing_labels_are_left_out():
    table = costs()
    table.loc[table.index[::7], "cost"] = np.nan
    table["split"] = np.where(np.arange(len(table)) % 2, "test", "train")
    table.loc[(table["split"] == "test") & (table["region"] == "west"), "split"] = "train"
    found = audit(expected, table, **COST, split_column="split", suite="quick")
    notes = found.document["data"]["notes"]
    assert "group 'west' of 'region' has no row here: what compares groups cannot be estimated" in notes
    assert any("rows dropped: their label 'cost' is missing" in note for note in notes)
    gap = found.metrics["rmse_gap(by=region)"]
    assert np.isnan(gap["value"])
    assert "west" in gap["note"]
    west = next(row for row in found.document["groups"] if row["group"] == "west")
    assert west["n"] == 0
    assert np.isnan(west["mean_absolute_error"]["value"])


def test_a_model_that_answers_at_random_is_an_alarm():
    rng = np.random.default_rng(0)
    found = audit(lambda frame: expected(frame) + rng.normal(size=len(frame)), costs(), **COST, suite="quick")
    assert [alarm["name"] for alarm in found.alarms if alarm["fired"]] == ["random_answers"]
