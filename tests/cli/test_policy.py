"""The verb `policy`: its options reach the pipeline, stdout holds a table or one JSON document, codes are as told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from efficienttrust.pipeline import policies
from efficienttrust.pipeline.policies import Comparison, Replay, ReplayedDecision, Trial

DECISION = ReplayedDecision(20, "lambda_fair", "0.25", "0.3", "dpd +0.02", "0.3", agrees=True)


def test_train_writes_the_file_and_says_where(command, tmp_path: Path) -> None:
    out = tmp_path / "rl.npz"
    result = command("policy", "train", "--out", out, "--decisions", 1, "--seed", 3, "--algorithm", "es")
    assert result.code == 0, result.err
    assert result.out == f"{out}\n"
    assert re.fullmatch(r"[\d,]+ of 1 decisions \| mean return [-\d.]+\n", result.err)
    again = command(
        "policy", "train", "--out", tmp_path / "b.npz", "--decisions", 1, "--seed", 3, "--algorithm", "es", "--quiet",
        "--json",
    )  # fmt: skip
    told = json.loads(again.out)
    assert again.err == ""
    assert told["provenance"]["seed"] == 3
    assert out.read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--out", "rl.txt"), "give a file that ends in .npz"),
        (("train", "--out", "rl.npz", "--algorithm", "sac"), "unknown algorithm 'sac'"),
        (("train", "--out", "rl.npz", "--algorithm", "es", "--runs", "nowhere"), "nowhere is not a run"),
        (("replay", "nowhere"), "nowhere is not a run"),
        (("compare", "german", "--budget", "time=9 steps", "--target", "dpd <= 0.1", "--policies", "plan"), "two"),
    ],
)
def test_wrong_use_is_one_line(command, tmp_path: Path, monkeypatch, arguments, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = command("policy", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "agrees", "code"), [(None, True, 0), (None, False, 1), ("rule", False, 0), ("rule", True, 0)]
)
def test_replay_exits_with_1_when_the_record_is_another(command, monkeypatch, policy, agrees: bool, code: int) -> None:
    asked = {}

    def fake(run: Path, **options: object) -> Replay:
        asked.update(options, run=run)
        one = DECISION if agrees else ReplayedDecision(20, "lambda_fair", "0.25", "0.3", "why", "0.4", agrees=False)
        return Replay(policy or "plan", "plan", (one,), 7, 2)

    monkeypatch.setattr(policies, "replay", fake)
    chosen = () if policy is None else ("--policy", policy)
    result = command("policy", "replay", "runs/x", *chosen)
    assert result.code == code
    assert asked == {"run": Path("runs/x"), "policy": policy, "show_small_cells": False}
    for text in ("lambda_fair", "0.25", "0.3", "7 states", "2 actions changed by the projector"):
        assert text in result.out
    assert f"{int(not agrees)} settings differ" in result.out
    told = json.loads(command("policy", "replay", "runs/x", *chosen, "--json").out)
    assert told["agrees"] is agrees
    assert told["decisions"][0]["after"] == "0.3"


def test_compare_prints_means_and_paired_differences(command, monkeypatch) -> None:
    asked = {}

    def fake(load: object, **options: object) -> Comparison:
        asked.update(options)
        names = ("plan", "rule(share_rise=0.1, warm_up=0)")
        trials = [Trial(name, s, 1.0, 0.0, 0.8 + 0.01 * i + 0.001 * s, 9.0, 9.0) for i, name in enumerate(names)
                  for s in range(2)]  # fmt: skip
        if "tell" in options:
            options["tell"](trials[0])  # type: ignore[operator]
        return Comparison("accuracy", "steps", tuple(trials))

    monkeypatch.setattr(policies, "compare_policies", fake)
    arguments = (
        "policy", "compare", "german", "--sensitive", "sex", "--budget", "time=9 steps", "--target", "dpd <= 0.1",
        "--policies", "plan, rule(share_rise=0.1, warm_up=0)", "--seeds", "2",
    )  # fmt: skip
    result = command(*arguments)
    assert result.code == 0, result.err
    assert result.err == "seed 0 | plan | targets met\n"
    assert asked["policies"] == ["plan", "rule(share_rise=0.1, warm_up=0)"]
    assert (asked["seeds"], asked["budget"], asked["targets"]) == (2, "time=9 steps", ["dpd <= 0.1"])
    assert "0.8005" in result.out
    assert "+0.01 [+0.01, +0.01]" in result.out
    told = json.loads(command(*arguments, "--json", "--quiet").out)
    assert told["first"] == "plan"
    assert told["means"]["plan"]["utility"] == pytest.approx(0.8005)
    assert told["differences"]["rule(share_rise=0.1, warm_up=0)"]["utility"]["mean"] == pytest.approx(0.01)
    assert len(told["trials"]) == 4
