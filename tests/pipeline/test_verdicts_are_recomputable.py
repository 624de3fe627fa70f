"""Anybody can recompute every verdict of run.json from predictions.parquet, with plain pandas."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem
from efficienttrust.evaluation.targets import Target, parse_target
from tests.small_problems import loans, make_table, weighted_loans

TARGETS = (
    "accuracy >= 0.5",
    "balanced_accuracy >= 0.5",
    "f1 >= 0.3",
    "auc >= 0.5",
    "log_loss <= 0.9",
    "mcc >= 0.1",
    "dpd <= 0.3",
    "demographic_parity_ratio >= 0.5",
    "eopp <= 0.3",
    "eod <= 0.3",
    "equalized_odds_difference_max <= 0.4",
    "predictive_parity_difference <= 0.3",
    "worst_group_accuracy >= 0.5",
    "robust_accuracy(pgd, eps=0.1) >= 0.5",
    "worst_group_robust_accuracy(pgd, eps=0.1) >= 0.4",
)


def share(rows: pd.DataFrame, event: pd.Series) -> float:
    return float(np.average(event[rows.index], weights=rows["w"]))


def by_group(table: pd.DataFrame, event: pd.Series, given: pd.Series | None = None) -> pd.Series:
    rows = table if given is None else table[given]
    return rows.groupby("group").apply(lambda part: share(part, event), include_groups=False)


def gap(rates: pd.Series) -> float:
    return float(rates.max() - rates.min())


def recompute(table: pd.DataFrame, target: Target) -> float:
    y, yes = table["label"] == 1, table["prediction"] == 1
    right = y == yes
    tp, fp = share(table, y & yes), share(table, ~y & yes)
    fn, tn = share(table, y & ~yes), share(table, ~y & ~yes)
    tpr, fpr = (by_group(table, yes, given) for given in (y, ~y))
    selected = by_group(table, yes)
    name = target.metric
    if "robust" in name:
        attacked = table[table[f"right under {target.key.replace('worst_group_', '')}"] >= 0]
        stands = attacked[f"right under {target.key.replace('worst_group_', '')}"] == 1
        return share(attacked, stands) if name == "robust_accuracy" else float(by_group(attacked, stands).min())
    if name == "auc":
        positive, negative = table[y], table[~y]
        wins = np.sign(positive["score"].to_numpy()[:, None] - negative["score"].to_numpy()[None, :]) / 2 + 0.5
        return float(np.average(wins, weights=np.outer(positive["w"], negative["w"])))
    if name == "log_loss":
        score = table["score"].astype(np.float64)
        return float(np.average(-np.log(score.where(y, 1 - score)), weights=table["w"]))
    return {
        "accuracy": lambda: share(table, right),
        "balanced_accuracy": lambda: 0.5 * (tp / (tp + fn) + tn / (tn + fp)),
        "f1": lambda: 2 * tp / (2 * tp + fp + fn),
        "mcc": lambda: (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
        "demographic_parity_difference": lambda: gap(selected),
        "demographic_parity_ratio": lambda: float(selected.min() / selected.max()),
        "equal_opportunity_difference": lambda: gap(tpr),
        "equalized_odds_difference": lambda: (gap(tpr) + gap(fpr)) / 2,
        "equalized_odds_difference_max": lambda: max(gap(tpr), gap(fpr)),
        "predictive_parity_difference": lambda: gap(by_group(table, y, yes)),
        "worst_group_accuracy": lambda: float(by_group(table, right).min()),
    }[name]()


@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_every_verdict_follows_from_the_predictions(tmp_path, weighted):
    problem = weighted_loans() if weighted else loans(sensitive="sex,region")
    out = tmp_path / "run"
    fit(problem, budget="time=60 steps", targets=TARGETS, out=out)
    table = pd.read_parquet(out / "predictions.parquet")
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    table["w"] = table["weight"].astype(np.float64) if weighted else 1.0
    table["group"] = table[list(problem.sensitive)].astype(str).agg(" & ".join, axis=1)
    assert len(document["verdicts"]) == len(TARGETS)
    for verdict in document["verdicts"]:
        target = parse_target(verdict["target"])
        assert recompute(table, target) == pytest.approx(verdict["value"], abs=1e-6), verdict["target"]
        assert verdict["low"] <= verdict["value"] <= verdict["high"]
        if verdict["status"] != "certified":
            assert verdict["status"] == ("met" if target.gap(verdict["value"]) <= 0 else "missed")


@pytest.mark.parametrize("name", ["row", "label", "score", "prediction"])
def test_a_sensitive_column_may_be_called_like_a_column_of_the_predictions(name):
    problem = load_problem(make_table().rename(columns={"sex": name}), label="approved", sensitive=name)
    run = fit(problem, budget="time=20 steps", targets=["dpd <= 0.3"])
    table = run.predictions.assign(w=1.0, group=run.predictions[f"group {name}"])
    np.testing.assert_array_equal(table["row"], problem.splits["test"].rows)
    assert recompute(table, parse_target(run.verdicts[0].target)) == pytest.approx(run.verdicts[0].value)


def test_targets_by_attribute_follow_too():
    run = fit(loans(sensitive="sex,region"), budget="time=40 steps", targets=["dpd(by=region) <= 0.3"])
    table = run.predictions.assign(w=1.0, group=run.predictions["region"])
    assert recompute(table, parse_target(run.verdicts[0].target)) == pytest.approx(run.verdicts[0].value)
