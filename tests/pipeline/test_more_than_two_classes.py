"""A label of three classes on a table goes all the way: trained, exported, proven, verified, audited, reported."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust import audit, fit, load_problem, load_run, verify
from efficienttrust.compression import DeployedModel
from efficienttrust.errors import UsageError

MODEL = "mlp(widths=64)"
TARGETS = (
    "accuracy >= 0.7",
    "worst_group_accuracy >= 0.6",
    "accuracy_gap <= 0.3",
    "demographic_parity_difference <= 0.3",
    "robust_accuracy(pgd, eps=0.1) >= 0.3",
)
CLASSES = ("ash", "fir", "oak")


def woods(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """The class is the largest of three linear scores with a little noise, so that the best accuracy is about .95."""
    rng = np.random.default_rng(seed)
    girth, height = rng.normal(size=n), rng.normal(size=n)
    noise = 0.1 * rng.gumbel(size=(n, 3))
    best = (np.stack([height, -girth - height, girth], axis=1) + noise).argmax(axis=1)
    soil = rng.choice(["clay", "sand"], n)
    table = pd.DataFrame({"girth": girth, "height": height, "soil": soil, "owner": rng.choice(["a", "b"], n)})
    return table.assign(kind=np.array(CLASSES)[best])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The run, its folder and the table that it came from."""
    folder = tmp_path_factory.mktemp("woods")
    woods().to_csv(folder / "woods.csv", index=False)
    problem = load_problem(folder / "woods.csv", label="kind", sensitive="owner")
    run = fit(problem, budget="time=600 steps, size=1MB", targets=TARGETS, model=MODEL, out=folder / "run")
    return run, folder / "run", problem


def test_the_file_learned_the_classes_and_says_so(made) -> None:
    run, folder, problem = made
    file = DeployedModel(folder / "model.onnx")
    assert (file.task, file.classes) == ("multiclass", CLASSES)
    fresh = woods(2000, seed=5)
    said = file.run(fresh)
    assert (np.array(CLASSES)[said.decision] == fresh["kind"]).mean() > 0.85
    np.testing.assert_allclose(said.score.sum(axis=1), 1, atol=1e-5)
    z = run.scorer.score(problem.encoder.transform(fresh))
    np.testing.assert_allclose(np.log(said.score[:, :1] / said.score), z[:, :1] - z, atol=1e-3)


def test_measurements_are_those_of_the_predictions(made) -> None:
    run, folder, _ = made
    table = pd.read_parquet(folder / "predictions.parquet")
    scores = table[[f"score {name}" for name in CLASSES]].to_numpy()
    assert (scores.argmax(axis=1) == table["prediction"]).all()
    right = table["prediction"] == table["label"]
    by_owner = right.groupby(table["owner"]).mean()
    found = {key: one["value"] for key, one in run.document["metrics"].items()}
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["worst_group_accuracy"] == pytest.approx(by_owner.min())
    assert found["accuracy_gap"] == pytest.approx(by_owner.max() - by_owner.min())
    decided = pd.get_dummies(table["prediction"]).groupby(table["owner"]).mean()
    assert found["demographic_parity_difference"] == pytest.approx((decided.max() - decided.min()).max())
    attacked = table["right under robust_accuracy(pgd, eps=0.1, norm=linf)"]
    assert found["robust_accuracy(pgd, eps=0.1, norm=linf)"] == pytest.approx(attacked.mean())
    assert (right | (attacked == 0)).all()


def test_every_target_has_a_verdict_and_verify_confirms_it(made) -> None:
    run, folder, _ = made
    assert [one.target for one in run.verdicts] == run.document["spec"]["targets"]
    assert {one.status for one in run.verdicts} <= {"certified", "met", "missed"}
    assert run.verdicts[0].status == "certified"
    assert all(one.confirmed for one in verify(folder))


def test_changed_scores_are_noticed(made, tmp_path) -> None:
    import shutil

    folder = shutil.copytree(made[1], tmp_path / "copy")
    table = pd.read_parquet(folder / "predictions.parquet")
    table.loc[3, "score oak"] += 0.001
    table.to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(UsageError, match="column 'score oak' differs in 1 rows"):
        verify(folder)


def test_the_run_loads_again_with_the_same_parent(made) -> None:
    run, folder, problem = made
    again, x = load_run(folder), problem.splits["test"].x
    np.testing.assert_array_equal(again.scorer.score(x), run.scorer.score(x))
    assert again.document["problem"]["classes"] == list(CLASSES)


def test_the_training_turns_no_dial_that_does_nothing(made) -> None:
    run, _, _ = made
    assert (run.history["lambda_fair"] == 0).all()
    assert any("training has no lever for them" in line for line in run.document["model"]["trained"])


def test_pages_name_the_classes_and_no_positive_one(made) -> None:
    _, folder, _ = made
    for name in ("report.html", "README.md"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "decides between 3 values of kind (“ash”, “fir”, “oak”)" in page
        assert "| positives |" not in page
        assert ">positives<" not in page
        assert "(positive)" not in page
        assert "base rate" not in page
    assert "--task multiclass" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_run_is_audited(made) -> None:
    found = audit(made[1], suite="quick")
    assert found.document["metrics"]["accuracy"]["value"] == made[0].document["metrics"]["accuracy"]["value"]
    assert found.document["model"]["task"] == "multiclass"
    assert list(found.predictions.columns[-4:]) == ["score ash", "score fir", "score oak", "prediction"]


def test_the_file_alone_is_audited_on_other_rows(made) -> None:
    found = audit(made[1] / "model.onnx", woods(500, seed=8), label="kind", sensitive="owner", suite="quick")
    assert found.document["metrics"]["accuracy"]["value"] > 0.85
    other = woods(500, seed=8).replace({"kind": {"oak": "elm"}})
    with pytest.raises(UsageError, match="decides between ash, fir, oak; the data have ash, elm, fir"):
        audit(made[1] / "model.onnx", other, label="kind", sensitive="owner")


def test_a_foreign_model_of_a_csv_file_is_audited(tmp_path) -> None:
    from sklearn.linear_model import LogisticRegression

    table = woods()
    table.to_csv(tmp_path / "woods.csv", index=False)
    model = LogisticRegression().fit(table[["girth", "height"]], table["kind"])
    found = audit(
        model, tmp_path / "woods.csv", label="kind", sensitive="owner", drop="soil", suite="quick",
        targets=["worst_group_accuracy >= 0.5"],
    )  # fmt: skip
    expected = model.score(table[["girth", "height"]], table["kind"])
    assert found.document["metrics"]["accuracy"]["value"] == pytest.approx(expected)
    assert found.document["verdicts"][0]["status"] == "certified"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"use_groups_at_prediction": True}, "only a model of two classes has one"),
        ({"targets": ["f1 >= 0.5"]}, r"f1 >= 0\.5.* is for binary tasks"),
        ({"targets": ["r2 >= 0.5"]}, r"r2 >= 0\.5.* is for regression tasks"),
    ],
)
def test_what_needs_two_classes_is_refused(made, arguments, message) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        fit(made[2], **({"budget": "time=20 steps", "targets": []} | arguments))
    assert "\n" not in str(caught.value)
