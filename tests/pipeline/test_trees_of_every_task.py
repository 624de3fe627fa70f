"""Trees go all the way with several classes and with numbers: proven, searched, verified, loaded, audited."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust import audit, fit, load_problem, load_run, verify
from efficienttrust.compression import Decision, DeployedModel, TreeScorer, score_encoded
from efficienttrust.errors import InfeasibleError
from efficienttrust.pipeline._capacity import choose_each
from efficienttrust.pipeline._room import Room
from efficienttrust.pipeline._weights import load_weights, save_weights
from efficienttrust.resources import Budget, Ledger
from tests.pipeline.test_more_than_two_classes import CLASSES, woods
from tests.pipeline.test_regression import prices

CLASS_TARGETS = (
    "accuracy >= 0.7",
    "worst_group_accuracy >= 0.6",
    "demographic_parity_difference <= 0.3",
    "robust_accuracy(pgd, eps=0.1) >= 0.3",
)
NUMBER_TARGETS = ("r2 >= 0.5", "mean_absolute_error <= 30", "mean_outcome_gap <= 30")
LABELS = {"multiclass": "kind", "regression": "price"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    found = {}
    for task, table in (("multiclass", woods(900)), ("regression", prices(900))):
        table.to_csv(folder / f"{task}.csv", index=False)
        found[task] = load_problem(folder / f"{task}.csv", label=LABELS[task], sensitive="owner", task=task)
    return folder, found


@pytest.fixture(scope="module")
def made(tables):
    """Task and model -> the run and its folder."""
    folder, problems = tables
    runs = {}
    for task, model in (("multiclass", "trees"), ("multiclass", "lightgbm"), ("regression", "trees")):
        targets = CLASS_TARGETS if task == "multiclass" else NUMBER_TARGETS
        out = folder / f"{task}-{model}"
        run = fit(problems[task], budget="time=60 steps, size=1MB", targets=targets, model=model, out=out)
        runs[task, model] = run, out
    return runs


@pytest.mark.parametrize("model", ["trees", "lightgbm"])
def test_classes_are_learned_proven_and_verified(made, tables, model):
    run, folder = made["multiclass", model]
    file, fresh = DeployedModel(folder / "model.onnx"), woods(2000, seed=5)
    said = file.run(fresh)
    assert (file.task, file.classes) == ("multiclass", CLASSES)
    assert (np.array(CLASSES)[said.decision] == fresh["kind"]).mean() > 0.85
    z = score_encoded(run.scorer, tables[1]["multiclass"].encoder.transform(fresh))
    odds = np.exp(z, dtype=np.float64)
    np.testing.assert_allclose(said.score, odds / odds.sum(axis=1, keepdims=True), atol=1e-5)
    assert " rounds of 3 trees, " in run.document["model"]["architecture"]
    assert run.verdicts[0].status == "certified"
    assert "trees have no lever for robustness or fairness in training" in run.document["fallbacks"]
    assert all(one.confirmed for one in verify(folder))


@pytest.mark.parametrize("model", ["trees", "lightgbm"])
def test_classes_are_attacked_by_search_on_the_file(made, tables, model):
    run, folder = made["multiclass", model]
    key = "robust_accuracy(pgd, eps=0.1, norm=linf)"
    found = run.document["metrics"][key]
    assert "black-box search alone" in found["note"]
    predictions = pd.read_parquet(folder / "predictions.parquet")
    attacked = predictions[f"right under {key}"]
    assert found["value"] == pytest.approx(attacked.mean())
    assert found["value"] <= run.document["metrics"]["accuracy"]["value"]
    # A dense grid over the same square is the oracle: whatever it breaks in a hundredth of the rows may be missed.
    test, scorer = tables[1]["multiclass"].splits["test"], run.scorer
    corners = np.stack(np.meshgrid(*[np.linspace(-0.1, 0.1, 13, dtype=np.float32)] * 2), axis=-1).reshape(-1, 2)
    broken = np.zeros(len(test), dtype=bool)
    for row in range(len(test)):
        points = np.repeat(test.x[row : row + 1], len(corners), axis=0)
        points[:, :2] += corners
        broken[row] = (score_encoded(scorer, points).argmax(axis=1) != test.y[row]).any()
    assert abs((~broken).mean() - found["value"]) <= 0.02


def test_a_number_is_predicted_proven_and_verified(made, tables):
    run, folder = made["regression", "trees"]
    file, fresh = DeployedModel(folder / "model.onnx"), prices(2000, seed=5)
    said = file.run(fresh).score
    missed = np.mean((said - fresh["price"]) ** 2) / fresh["price"].var(ddof=0)
    assert 1 - missed > 0.75
    x = tables[1]["regression"].encoder.transform(fresh)
    np.testing.assert_allclose(said, score_encoded(run.scorer, x), rtol=1e-6)
    assert run.verdicts[0].status == "certified"
    assert "squared error, in variances of the label" in run.document["candidates"][0]["note"]
    assert run.history["r2"].iloc[-1] > 0.7
    assert all(one.confirmed for one in verify(folder))


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_the_run_loads_again_with_the_same_parent(made, tables, task):
    run, folder = made[task, "trees"]
    again, x = load_run(folder).scorer, tables[1][task].splits["test"].x
    assert isinstance(again, TreeScorer)
    assert again.outputs == tables[1][task].outputs
    np.testing.assert_array_equal(score_encoded(again, x), score_encoded(run.scorer, x))


def test_a_run_of_the_time_of_one_forest_is_read(made, tmp_path):
    """A baseline was a number among the descriptions then."""
    scorer = made["regression", "trees"][0].scorer
    save_weights(tmp_path, scorer, Decision())
    about = json.loads((tmp_path / "model.json").read_text())
    about["scorer"]["baseline"] = float(scorer.baseline[0])
    (tmp_path / "model.json").write_text(json.dumps(about))
    from safetensors.numpy import load_file, save_file

    arrays = load_file(tmp_path / "model.safetensors")
    del arrays["trees.baseline"]
    save_file(arrays, tmp_path / "model.safetensors")
    again, _ = load_weights(tmp_path)
    x = np.random.default_rng(0).normal(size=(50, scorer.n_features))
    np.testing.assert_array_equal(score_encoded(again, x), score_encoded(scorer, x))


def test_a_run_of_classes_is_audited(made):
    run, folder = made["multiclass", "trees"]
    found = audit(folder, suite="quick")
    assert found.document["metrics"]["accuracy"]["value"] == run.document["metrics"]["accuracy"]["value"]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_limits_of_the_file_hold(tables, task):
    for limit, asked in (("size=15kB", 15_000), ("parameters=300", 300)):
        run = fit(tables[1][task], budget=f"time=100 steps, {limit}", targets=(), model="trees")
        used = run.ledger[limit.partition("=")[0]]
        assert used["overrun"] == 0
        assert 0.5 * asked < used["used"] <= asked
        assert any("in place of more" in text for text in run.document["fallbacks"])
    with pytest.raises(InfeasibleError, match="not even one"):
        fit(tables[1][task], budget="time=100 steps, parameters=3", targets=(), model="trees")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_auto_tries_trees_and_says_what_it_leaves_out(tables, task):
    """Seconds so few that no torch module is exported; trees are left."""
    run = fit(tables[1][task], budget="time=8s cpu", targets=(), model="auto")
    assert set(run.history["model"]) == {"trees"}
    assert [one["name"].partition(":")[0] for one in run.document["candidates"]] == ["trees"]
    for name in ("mlp", "tabular"):
        assert any(text.startswith(f"{name} was not tried: ") for text in run.document["fallbacks"])
        assert f"{name}: left out" in run.document["model"]["width_reason"]
    assert run.ledger["time"]["overrun"] == 0


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_networks_that_do_not_fit_leave_trees(tables, task):
    """What `auto` is told after the choice of widths: never nothing, as that would mean all networks as they are."""
    room = Room(tables[1][task], Budget.parse("time=8s cpu, parameters=20"), False, False, {})
    for budget, words in (("time=8s cpu", "too much of 8 s"), ("steps=100", "parameters")):
        capacity = choose_each(room, Ledger(Budget.parse(budget)), seed=0)
        assert capacity.options == {"trees": {}}
        assert capacity.reason.count("left out") == 2
        assert words in capacity.reason


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_auto_compares_trees_with_networks(tables, task):
    run = fit(tables[1][task], budget="time=300 steps", targets=(), model="auto")
    assert {one["name"].partition(":")[0] for one in run.document["candidates"]} == {"trees", "mlp", "tabular"}
    assert all(one["metrics"] is not None for one in run.document["candidates"])
