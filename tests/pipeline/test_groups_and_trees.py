"""Groups at prediction are an opt-in; trees go the same way as networks, to the same kind of proof."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem, verify
from efficienttrust.compression import DeployedModel, TreeScorer
from efficienttrust.errors import UsageError
from tests.small_problems import FAIR, ROBUST, loans, make_table


@pytest.mark.parametrize("trainer", ["network", "trees"])
def test_a_run_that_uses_groups_asks_for_them(trainer, tmp_path):
    run = fit(
        loans(1500), budget="time=60 steps", targets=[FAIR], trainer=trainer, use_groups_at_prediction=True,
        out=tmp_path / "run",
    )  # fmt: skip
    assert run.document["model"]["blind"] is False
    assert run.document["model"]["decision"]["group"] == "given"
    assert "sex" in [one.column for one in DeployedModel(run.content).inputs]
    raw = loans(1500).raw("test")
    with pytest.raises(UsageError, match="sex"):
        run.predict(raw.drop(columns="sex"))
    swapped = raw.assign(sex=raw["sex"].map({"F": "M", "M": "F"}))
    assert np.array_equal(run.predict(raw)["score"], run.predict(swapped)["score"]), "the score is blind"
    offsets = run.decision.group_offsets
    moved = run.predict(raw)["margin"] - run.predict(swapped)["margin"]
    np.testing.assert_allclose(np.abs(moved), abs(offsets[0] - offsets[1]), atol=1e-5)
    assert all(one.confirmed for one in verify(tmp_path / "run", problem=loans(1500)))
    assert "--use-groups-at-prediction" in run.document["command"]


def test_a_row_of_unknown_group_gets_the_plain_threshold():
    run = fit(loans(), budget="time=30 steps", targets=[FAIR], use_groups_at_prediction=True)
    raw = loans().raw("test").head(5)
    said = run.predict(raw.assign(sex=[None, "F", "M", "other", "F"]))
    logit = np.log(said["score"] / (1 - said["score"]))
    for row in (0, 3):
        assert said["margin"][row] == pytest.approx(logit[row] - run.decision.threshold, abs=1e-4)


def test_a_problem_without_groups_has_none_to_use():
    problem = load_problem(make_table().drop(columns=["sex"]), label="approved", sensitive=())
    assert fit(problem, budget="time=30 steps", targets=["accuracy >= 0.5"]).verdicts[0].value > 0.5
    with pytest.raises(UsageError, match="--sensitive"):
        fit(problem, budget="time=30 steps", targets=["accuracy >= 0.5"], use_groups_at_prediction=True)


def test_trees_end_to_end(tmp_path):
    targets = ["accuracy >= 0.5", FAIR, ROBUST]
    out = tmp_path / "trees"
    run = fit(loans(), budget="time=60 steps", targets=targets, trainer="trees", out=out)
    assert isinstance(run.scorer, TreeScorer)
    assert run.document["model"]["architecture"].startswith("gradient-boosted trees")
    assert run.ledger["time"]["used"] <= 60
    assert [one.target for one in run.verdicts] == run.document["spec"]["targets"]
    assert any("trees have no lever" in text for text in run.document["fallbacks"])
    assert all(one.confirmed for one in verify(out, problem=loans()))
    again = fit(loans(), budget="time=60 steps", targets=targets, trainer="trees")
    assert again.content == run.content
    assert (out / "report.html").exists()
    assert len(run.decisions) == 0


@pytest.mark.parametrize("trainer", ["network", "trees"])
@pytest.mark.parametrize("kind", ["text only", "numbers only", "immutable"])
def test_tables_of_one_kind(kind, trainer):
    table = make_table(400)
    if kind == "text only":
        table = table[["housing", "region", "sex", "approved"]]
    elif kind == "numbers only":
        table = table[["income", "debt", "age", "sex", "approved"]]
    immutable = ("income", "debt", "age") if kind == "immutable" else ()
    problem = load_problem(table, label="approved", sensitive="sex", immutable=immutable)
    run = fit(problem, budget="time=40 steps", targets=[FAIR, ROBUST], trainer=trainer)
    robust = run.metrics[run.document["spec"]["targets"][1].split(" >=")[0]]["value"]
    if kind == "numbers only":
        assert robust <= run.metrics["accuracy"]["value"]
    else:
        assert robust == run.metrics["accuracy"]["value"], "nothing can be moved"


def test_rows_without_a_group_are_kept_and_left_out_of_group_metrics():
    table = make_table(600)
    table.loc[::7, "sex"] = None
    problem = load_problem(table, label="approved", sensitive="sex")
    run = fit(problem, budget="time=40 steps", targets=[FAIR])
    n = len(problem.splits["test"].y)
    known = int((problem.splits["test"].groups >= 0).sum())
    assert run.metrics["accuracy"]["n"] == n > known
    assert run.verdicts[0].n == known
    assert run.predictions["sex"].isna().sum() == n - known


def test_a_group_of_few_rows_cannot_be_certified():
    table = make_table(900)
    table["region"] = np.where(np.arange(900) % 36 == 0, "islands", table["region"])  # 25 rows
    problem = load_problem(table, label="approved", sensitive="region")
    run = fit(problem, budget="time=40 steps", targets=["dpd <= 0.1", "accuracy >= 0.4"])
    parity, accuracy = run.verdicts
    assert parity.qualifier == "uncertifiable"
    assert parity.status in ("met", "missed")
    assert "too small to prove it" in parity.reason
    assert "islands" in run.metrics["demographic_parity_difference"]["note"]
    assert accuracy.qualifier == ""
    assert isinstance(run.predictions, pd.DataFrame)
