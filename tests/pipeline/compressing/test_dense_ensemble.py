"""Runs of other seeds on one split make the dense ensemble; those of another split are refused."""

from __future__ import annotations

import json

import pytest

from efficienttrust.cli.main import main
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import compress, verify

FIT = ("fit", "german", "--sensitive", "sex", "--budget", "time=40 steps", "--model", "mlp(widths=16)", "--quiet")


def test_exemplars_are_judged_by_all_dense_models(german_folder, tmp_path, capsys):
    other, out = tmp_path / "other", tmp_path / "out"
    assert main([*FIT, "--seed", "7", "--split-seed", "0", "--out", str(other)]) == 0
    document = json.loads((other / "run.json").read_text())
    assert document["command"].count("--split-seed 0") == 1
    assert "--seed 7" in document["command"]
    verify(other)
    chain = ["--prune", "magnitude:0.5", "--dense", str(other), "--out", str(out), "--quiet"]
    assert main(["compress", str(german_folder), *chain]) == 0
    exemplars = json.loads((out / "run.json").read_text())["compression"]["harm"]["exemplars"]
    assert exemplars["dense_models"] == 2
    assert exemplars["churn"]["value"] >= 0


def test_another_split_is_no_dense_model(german_folder, tmp_path):
    other = tmp_path / "other"
    assert main([*FIT, "--seed", "7", "--out", str(other)]) == 0
    with pytest.raises(UsageError, match="another split"):
        compress(german_folder, [("prune", "magnitude:0.5")], dense=[other])
