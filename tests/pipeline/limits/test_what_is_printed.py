"""What `efficienttrust limits` prints: plain sentences in 80 columns, or one strict JSON document."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust.cli.main import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, generator, n = tmp_path_factory.mktemp("limits"), np.random.default_rng(0), 1500
    sex, x = generator.choice(["f", "m"], n), generator.normal(size=n)
    y = (generator.random(n) < 1 / (1 + np.exp(-x - (sex == "m")))).astype(int)
    table = pd.DataFrame({"x": x, "sex": sex, "site": generator.choice(list("abcdefgh"), n), "y": y})
    table.to_csv(folder / "two.csv", index=False)
    table.assign(y=generator.integers(0, 3, n)).to_csv(folder / "three.csv", index=False)
    table.assign(y=x + 2 * (sex == "m") + generator.normal(size=n)).to_csv(folder / "number.csv", index=False)
    return folder


def ask(files, name, *targets, more=(), sensitive="sex"):
    given = [str(files / name), "--label", "y", "--sensitive", sensitive, *more]
    return main(["limits", *given, *(word for target in targets for word in ("--target", target))])


ROBUST = "robust_accuracy(pgd, eps=0.3) >= 0.99"


def test_lines_fit_80_columns_and_every_finding_says_its_result_and_kind(files, capsys):
    assert ask(files, "two.csv", "dpd <= 0.05", "accuracy >= 0.7", "f1 >= 0.5", ROBUST) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "T1 (estimate):" in out
    assert "f1 >= 0.5: open\n  no result says anything about it" in out


def test_json_is_one_strict_document(files, capsys):
    ask(files, "two.csv", "accuracy >= 0.7", "eod <= 0.1", ROBUST, more=("--json",))
    found = json.loads(capsys.readouterr().out, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert [one["target"].split()[0] for one in found["targets"]][:2] == ["accuracy", "equalized_odds_difference"]
    assert all("sentence" in finding for one in found["targets"] for finding in one["findings"])


def test_a_target_that_another_implies_is_named(files, capsys):
    ask(files, "two.csv", "accuracy >= 0.6", "accuracy >= 0.7", more=("--quick",))
    assert "note: target accuracy >= 0.6 was dropped: accuracy >= 0.7 implies it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "target", "task", "words"),
    [
        ("three.csv", "f1 >= 0.7", "multiclass", "f1 is for binary tasks"),
        ("two.csv", "auroc >= 0.7", "binary", "Did you mean 'auc'?"),
        ("two.csv", "dpd(by=age) <= 0.1", "binary", "unknown sensitive attribute"),
    ],
)
def test_what_fit_would_refuse_is_refused_in_one_line(files, capsys, name, target, task, words):
    assert ask(files, name, target, more=("--quick", "--task", task)) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("budget", "words"),
    [("time=100 steps", "a budget of 100 steps buys about 100 attacked"), ("time=1e6 flops", "of 1,000,000 flops")],
)
def test_a_small_budget_is_told_in_words(files, capsys, budget, words):
    ask(files, "two.csv", ROBUST, more=("--quick", "--budget", budget))
    assert words in " ".join(capsys.readouterr().out.split())


def test_many_groups_are_asked_about_the_gaps_of_the_targets_alone(files, capsys, monkeypatch):
    from efficienttrust.pipeline.limits import _knowledge

    asked = []
    real = _knowledge.estimated_frontier
    monkeypatch.setattr(
        _knowledge, "estimated_frontier", lambda *given, **more: asked.append(more["deltas"]) or real(*given, **more)
    )
    ask(files, "two.csv", "dpd <= 0.1", "accuracy >= 0.6", sensitive="sex,site")
    assert asked == [(0.1, 1.0)]
    assert "points of accuracy" in capsys.readouterr().out


def test_a_root_mean_squared_error_and_a_gap_of_means_have_their_price(files, capsys):
    given = ("mean_outcome_gap <= 0.1", "root_mean_squared_error <= 9", "r2 >= 0.9")
    assert ask(files, "number.csv", *given, more=("--task", "regression")) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "mean_outcome_gap <= 0.1: comfortable T3 (estimate): it is estimated to cost 0." in out
    assert "root_mean_squared_error <= 9.0: comfortable T3 (estimate): a root mean squared error of" in out
    assert "r2 >= 0.9: tight" in out
