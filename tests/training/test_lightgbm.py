"""LightGBM's trees go the same way as scikit-learn's; a missing extra is said with what to install."""

from __future__ import annotations

import importlib.util

import lightgbm
import numpy as np
import pytest

from efficienttrust import fit, verify
from efficienttrust.compression import TreeScorer, score_encoded
from efficienttrust.errors import UsageError
from efficienttrust.training import TrainingTask, trainers
from tests.small_problems import FAIR, ROBUST, loans, train


@pytest.mark.parametrize("budget", ["steps=10", "steps=65", "samples=9000", "flops=3e5"])
def test_it_stays_inside(budget):
    candidates, ledger = train(loans(), budget, trainer="lightgbm")
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit
    assert all(row["used"] <= ledger.limit for row in candidates.history)


def test_its_trees_are_those_of_the_library():
    candidates, _ = train(loans(), "steps=40", trainer="lightgbm", seed=3)
    scorer, rows = candidates.members[0].scorer, loans().splits["train"]
    settings = {
        "learning_rate": 0.05, "num_leaves": 16, "feature_fraction_bynode": 0.5, "lambda_l2": 1.0, "seed": 3,
        "num_threads": 1, "deterministic": True, "force_col_wise": True, "verbosity": -1, "objective": "binary",
    }  # fmt: skip
    booster = lightgbm.train(settings, lightgbm.Dataset(rows.x, rows.y), len(scorer.roots))
    x = loans().splits["test"].x
    np.testing.assert_allclose(score_encoded(scorer, x), booster.predict(x, raw_score=True), atol=1e-6)


def test_the_seed_determines_them():
    x = loans().splits["test"].x
    scores = [
        score_encoded(train(loans(), "steps=40", trainer="lightgbm", seed=seed)[0].members[0].scorer, x)
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_end_to_end(tmp_path):
    targets, out = ["accuracy >= 0.5", FAIR, ROBUST], tmp_path / "run"
    run = fit(loans(), budget="time=60 steps", targets=targets, model="lightgbm", out=out)
    assert isinstance(run.scorer, TreeScorer)
    assert run.document["model"]["architecture"].endswith("LightGBM)")
    assert run.ledger["time"]["used"] <= 60
    assert any("trees have no lever" in text for text in run.document["fallbacks"])
    assert all(one.confirmed for one in verify(out, problem=loans()))
    assert "--model lightgbm" in run.document["command"]


@pytest.mark.parametrize("model", ["trees", "lightgbm"])
@pytest.mark.parametrize(("limit", "asked"), [("size=20kB", 20_000), ("parameters=200", 200)])
def test_limits_of_the_file_hold(model, limit, asked):
    run = fit(loans(1500), budget=f"time=300 steps, {limit}", targets=[FAIR], model=model)
    used = run.ledger[limit.partition("=")[0]]
    assert used["overrun"] == 0
    assert 0.6 * asked < used["used"] <= asked
    assert any("in place of more" in text for text in run.document["fallbacks"])


def test_a_missing_library_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "efficienttrust.training.catalogue.lightgbm.find_spec",
        lambda name: None if name == "lightgbm" else found(name),
    )
    with pytest.raises(UsageError, match=r"pip install 'efficienttrust\[lightgbm\]'"):
        trainers.get("lightgbm")(TrainingTask(targets=(), seed=0))
