"""`fit` on images, of two classes and of more: what is delivered, proven, loaded again and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from efficienttrust import audit, fit, load_run, verify
from efficienttrust.compression import DeployedImages
from efficienttrust.data import Problem, load_image_problem
from efficienttrust.errors import InfeasibleError, RunInterrupted, UsageError
from efficienttrust.evaluation import suite
from efficienttrust.pipeline import request_stop
from efficienttrust.pipeline._document import ARTIFACTS
from tests.small_problems import loans

MODEL = "resnet8(width=0.25)"
BUDGET = "time=30 steps, size=1MB"
TARGETS = {
    2: ["accuracy >= 0.6", "dpd <= 0.3", "robust_accuracy(pgd, eps=2/255) >= 0.5"],
    4: ["accuracy >= 0.6", "worst_group_accuracy >= 0.5", "worst_group_robust_accuracy(pgd, eps=2/255) >= 0.4"],
}
CLOCKS = ["wall", "cpu"]


def save_bars(path: Path, n: int, classes: int, seed: int = 0) -> Path:
    """Noisy images with a bright bar whose place is the class; one label in twelve is wrong."""
    rng = np.random.default_rng(seed)
    y, sex = rng.permutation(n) % classes, rng.choice(["f", "m"], n)
    x = rng.integers(0, 80, (n, 16, 16, 3), dtype=np.uint8)
    for image, place in zip(x, y, strict=True):
        image[3 * place : 3 * place + 4] += 100
    x[sex == "m", :, -1] //= 2
    wrong = rng.random(n) < 1 / 12
    np.savez(path, x=x, y=np.where(wrong, rng.integers(0, classes, n), y), sex=sex)
    return path


@pytest.fixture(scope="module", autouse=True)
def no_search_on_the_file():
    """The search on the file takes a thousand queries an image; it has its own tests."""
    patched = pytest.MonkeyPatch()
    patched.setattr(suite, "SEARCHED_IMAGES", 0)
    yield
    patched.undo()


@pytest.fixture(scope="module")
def problems(tmp_path_factory) -> dict[int, Problem]:
    folder = tmp_path_factory.mktemp("images")
    return {
        k: load_image_problem(save_bars(folder / f"bars{k}.npz", 100 * k, k), sensitive="sex", name=f"bars{k}")
        for k in (2, 4)
    }


@pytest.fixture(scope="module")
def runs(problems, tmp_path_factory):
    """The runs and their folders, which are not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        k: (fit(problems[k], budget=BUDGET, targets=TARGETS[k], model=MODEL, out=folder / str(k)), folder / str(k))
        for k in (2, 4)
    }


def same(one, other) -> None:
    assert one.content == other.content
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    pd.testing.assert_frame_equal(one.decisions, other.decisions)
    pd.testing.assert_frame_equal(one.history.drop(columns=CLOCKS), other.history.drop(columns=CLOCKS))
    for name, value in one.scorer.module.state_dict().items():
        assert torch.equal(value, other.scorer.module.state_dict()[name]), name


@pytest.mark.parametrize("k", [2, 4])
def test_the_folder_is_complete_and_strict_json(runs, problems, k):
    run, folder = runs[k]
    assert sorted(path.name for path in folder.iterdir()) == sorted(ARTIFACTS.values())
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert document["problem"]["kind"] == "image"
    assert document["problem"]["fingerprint"] == problems[k].fingerprint
    assert document["spec"]["options"] == {"width": 0.25}
    assert document["ledger"]["time"]["used"] == 30
    assert document["ledger"]["size"]["used"] == len(run.content) < 1_000_000
    assert document["model"]["parameters"] == DeployedImages(run.content).n_parameters
    assert f"--model '{MODEL}'" in document["command"]
    assert [one["target"] for one in document["verdicts"]] == document["spec"]["targets"]


@pytest.mark.parametrize("k", [2, 4])
def test_it_learns_and_the_verdicts_say_so(runs, k):
    run, _ = runs[k]
    assert run.metrics["accuracy"]["value"] > 0.6
    for verdict in run.verdicts:
        assert verdict.status in {"certified", "met"}, verdict
        assert verdict.low <= verdict.value <= verdict.high
    stages = [stage["name"] for stage in run.document["stages"]]
    assert stages[0] == "constant prediction"
    assert stages[-1] == "deployed"


@pytest.mark.parametrize("k", [2, 4])
def test_predictions_are_what_the_file_says(runs, problems, k):
    run, folder = runs[k]
    test = problems[k].splits["test"]
    file = DeployedImages(folder / "model.onnx")
    said = file.run(test.inputs(slice(None)))
    table = pd.read_parquet(folder / "predictions.parquet")
    np.testing.assert_array_equal(table["row"], test.rows)
    np.testing.assert_array_equal(table["label"], test.y)
    np.testing.assert_array_equal(table["prediction"], said.decision)
    np.testing.assert_allclose(table["margin"], said.margin, atol=1e-5)
    assert (table["prediction"] == table["label"]).mean() == run.metrics["accuracy"]["value"]
    robust = next(name for name in table if name.startswith("right under"))
    assert (table.loc[table[robust] == 1, "prediction"] == table.loc[table[robust] == 1, "label"]).all()
    predicted = run.predict(test.inputs(slice(None)))
    np.testing.assert_array_equal(predicted["decision"], said.decision)
    assert [name for name in predicted if name.startswith("score")] == (
        ["score"] if k == 2 else [f"score {name}" for name in problems[k].classes]
    )


@pytest.mark.parametrize("k", [2, 4])
def test_the_parent_says_what_the_file_says(runs, problems, k):
    run, folder = runs[k]
    x = problems[k].splits["test"].inputs(slice(None))
    z = load_run(folder).scorer.score(x)
    np.testing.assert_array_equal(z, run.scorer.score(x))
    said = DeployedImages(run.content).run(x)
    if k == 2:
        np.testing.assert_allclose(said.margin, z - run.decision.threshold, atol=1e-4)
    else:
        odds = np.exp(z.astype(np.float64))
        np.testing.assert_allclose(said.score, odds / odds.sum(axis=1, keepdims=True), atol=1e-4)


@pytest.mark.parametrize("k", [2, 4])
def test_verify_confirms_and_catches_other_images(runs, tmp_path, k):
    import shutil

    folder = Path(shutil.copytree(runs[k][1], tmp_path / "copy"))
    assert all(one.confirmed for one in verify(folder))
    table = pd.read_parquet(folder / "predictions.parquet")
    table.loc[0, "margin"] += 1
    table.to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(UsageError, match=r"predictions\.parquet"):
        verify(folder)
    other = load_image_problem(save_bars(tmp_path / "other.npz", 100 * k, k, seed=1), sensitive="sex")
    with pytest.raises(UsageError, match="are not those of the run"):
        verify(folder, problem=other)


@pytest.mark.parametrize("k", [2, 4])
def test_the_page_speaks_of_images(runs, k):
    page = (runs[k][1] / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert f"bars{k}" in text
    assert "image" in text
    for word in ("column", "raw table", "standard deviation of a", "nan"):
        assert word not in text.lower(), _around(text, word)


def _around(text: str, word: str) -> str:
    place = text.lower().index(word)
    return " ".join(text[max(0, place - 120) : place + 80].split())


def test_nothing_about_a_run_says_columns(runs):
    for k, (run, folder) in runs.items():
        said = [
            *run.document["fallbacks"],
            *(one.reason for one in run.verdicts),
            run.document["model"]["width_reason"],
        ]
        assert not [line for line in said if "column" in line], k
        assert "column" not in (folder / "README.md").read_text(encoding="utf-8")


def test_a_run_on_images_can_be_audited(runs):
    run, folder = runs[2]
    found = audit(folder, suite="quick")
    assert found.document["metrics"]["accuracy"]["value"] == pytest.approx(run.metrics["accuracy"]["value"])
    assert found.document["metrics"]["auc"]["value"] == pytest.approx(run.metrics["auc"]["value"])


def test_the_file_alone_can_be_audited(runs, problems):
    run, folder = runs[4]
    images = problems[4].source.partition(":")[2]
    found = audit(folder / "model.onnx", images, sensitive="sex", suite="quick")
    right = []
    file, x = DeployedImages(run.content), np.load(images)
    decided = file.run((x["x"].transpose(0, 3, 1, 2) / 255).astype(np.float32)).decision
    right = decided == x["y"]
    assert found.document["metrics"]["accuracy"]["value"] == pytest.approx(right.mean(), abs=1e-6)


@pytest.mark.slow
def test_a_problem_is_trained_the_same_twice(problems, runs):
    again = fit(problems[2], budget=BUDGET, targets=TARGETS[2], model=MODEL)
    same(again, runs[2][0])


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 4])
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(problems, runs, tmp_path, k):
    seen = 0

    def stop(event):
        nonlocal seen
        seen += event.phase == "train"
        if seen == 4:
            request_stop()

    asked = {"budget": BUDGET, "targets": TARGETS[k], "model": MODEL, "out": tmp_path / "run"}
    with pytest.raises(RunInterrupted):
        fit(problems[k], progress=stop, **asked)
    assert (tmp_path / "run.partial" / "checkpoint.pt").exists()
    same(fit(problems[k], **asked), runs[k][0])


@pytest.mark.slow
def test_the_search_on_the_file_only_lowers_what_is_found(problems, runs, monkeypatch):
    monkeypatch.setattr(suite, "SEARCHED_IMAGES", 50)
    searched = fit(problems[2], budget=BUDGET, targets=TARGETS[2], model=MODEL)
    key = next(name for name in searched.metrics if name.startswith("robust_accuracy"))
    assert searched.metrics[key]["value"] <= runs[2][0].metrics[key]["value"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"targets": ["robust_accuracy(pgd, eps=8) >= 0.4"]}, "eps = 8 is wider than the range of pixels.*8/255"),
        ({"use_groups_at_prediction": True}, "is for tables: the file of a model of images is given pixels"),
        ({"model": "mlp"}, "mlp reads tables, these are images: choose .*resnet8"),
        ({"model": "trees"}, "choose a network with --model"),
        ({"model": "resnet9"}, "unknown network 'resnet9'. Did you mean"),
        ({"targets": ["accurcy >= 0.4"]}, "unknown metric 'accurcy'. Did you mean 'accuracy'"),
        ({"targets": ["dpd(by=age) <= 0.4"]}, "age"),
    ],
)
@pytest.mark.parametrize("k", [2, 4])
def test_what_does_not_fit_images_is_refused_before_anything_is_spent(problems, options, said, k):
    if "dpd(by=age) <= 0.4" in options.get("targets", ()) and k == 4:
        return
    begun = []
    with pytest.raises(UsageError, match=said) as refused:
        fit(problems[k], **({"budget": BUDGET, "targets": [], "progress": begun.append} | options))
    assert "\n" not in str(refused.value)
    assert not begun


def test_metrics_of_another_task_are_refused(problems):
    with pytest.raises(UsageError, match="f1 is for binary tasks"):
        fit(problems[4], budget=BUDGET, targets=["f1 >= 0.5"])
    for k in (2, 4):
        with pytest.raises(UsageError, match="r2 is for regression tasks"):
            fit(problems[k], budget=BUDGET, targets=["r2 >= 0.5"])


def test_a_network_of_images_refuses_a_table():
    with pytest.raises(UsageError, match=r"resnet8 reads images, these are tables: choose .*mlp"):
        fit(loans(), budget="time=9 steps", targets=[], model="resnet8")


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["size=1kB", "parameters=10"])
def test_limits_that_nothing_meets_are_infeasible(problems, limit):
    with pytest.raises(InfeasibleError, match="not even the smallest model fits"):
        fit(problems[2], budget=f"time=9 steps, {limit}", targets=[], model=MODEL)
