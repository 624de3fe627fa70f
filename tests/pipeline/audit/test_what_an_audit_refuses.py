"""Bad input is one line that says what, where and what to do; odd input is a note with the figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from efficienttrust import audit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline._audit_request import make_audit_request, wrong_units
from tests.small_problems import make_table

OPTIONS = {
    "suite": "quick", "targets": (), "eps": None, "norm": "linf", "seconds": None, "seed": 0, "environment": None,
    "ood": (), "rows": None, "limit": None,
}  # fmt: skip


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        audit(*arguments, **{"suite": "quick", **options})
    assert "\n" not in str(refused.value)
    return str(refused.value)


def constant(frame):
    return np.full(len(frame), 0.7)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"suite": "ful"}, "Did you mean 'full'?"),
        ({"rows": "tests"}, "Did you mean 'test'?"),
        ({"norm": "l3"}, "unknown norm 'l3'"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"seconds": 0}, "seconds must be above 0"),
        ({"limit": 1}, "limit 1 leaves too few rows"),
        ({"eps": "0.1,b"}, "eps 'b' is not a radius"),
        ({"eps": -0.5}, "eps -0.5 is not a radius"),
        ({"targets": ["dp <= 0.1"]}, "unknown metric 'dp'"),
        ({"inputs": "row"}, "choose auto, raw or encoded"),
        ({"label": None}, "which column is the label?"),
        ({"label": "aproved"}, "Did you mean 'approved'?"),
        ({"sensitive": "sexx"}, "Did you mean 'sex'?"),
    ],
)
def test_options(options, says):
    assert says in refusal(constant, make_table(), **{"label": "approved", **options})


def test_data_that_are_missing_or_do_not_fit_their_options(images_file, finished_run):
    assert "which data is the model audited on?" in refusal(constant)
    assert "Did you mean 'adult'?" in refusal(constant, "adlut")
    assert "images have no columns: leave out --positive" in refusal(constant, images_file, positive="1")
    assert "a run brings its own data and settings: leave out --label" in refusal(finished_run[1], label="x")


def test_one_class(tmp_path):
    table = make_table().assign(approved="yes")
    assert "one class only, 'yes'" in refusal(constant, table, label="approved")
    np.savez(tmp_path / "one.npz", x=np.zeros((9, 4, 4), np.uint8), y=np.zeros(9, int))
    assert "one class only, '0'" in refusal(nn.Flatten(), tmp_path / "one.npz")


def test_a_limit_that_leaves_one_class(images_file):
    labels = np.arange(160) % 4
    draws = ((seed, labels[np.random.default_rng(seed).permutation(160)[:2]]) for seed in range(100))
    seed = next(seed for seed, (one, other) in draws if one == other)
    assert "2 rows hold one class only" in refusal(nn.Flatten(), images_file, limit=2, seed=seed)


def test_an_empty_group_is_said_and_never_zero():
    table = make_table(600)
    table["split"] = np.where(np.arange(600) % 3 == 0, "test", "train")
    table.loc[(table["split"] == "test") & (table["region"] == "east"), "region"] = "north"
    found = audit(constant, table, label="approved", sensitive="region", split_column="split", suite="quick")
    assert found.document["data"]["rows"] == "test split"
    assert any("group 'east' of 'region' has no row here" in note for note in found.document["data"]["notes"])
    gap = found.metrics["demographic_parity_difference"]
    assert np.isnan(gap["value"])
    assert "'east'" in gap["note"]
    east = next(row for row in found.document["data"]["attributes"]["region"] if row["group"] == "east")
    assert east == {"group": "east", "n": 0, "base_rate": None}


def test_eps_in_units_of_255_is_warned_of_with_the_figure(images_file):
    torch.manual_seed(0)
    found = audit(nn.Sequential(nn.Flatten(), nn.Linear(36, 4)), images_file, eps="8", suite="quick")
    note = found.document["data"]["notes"][0]
    assert "eps = 8 covers the whole range of pixels" in note
    assert "write 8/255 = 0.0314" in note


@pytest.mark.parametrize(
    ("eps", "kind", "norm", "warned"),
    [
        ("8", "image", "linf", 1),
        ("8/255", "image", "linf", 0),
        ("3", "image", "l2", 0),
        ("3", "table", "linf", 0),
        ("0.1,9", "table", "l2", 1),
    ],
)
def test_which_radii_are_warned_of(eps, kind, norm, warned):
    request = make_audit_request(**{**OPTIONS, "eps": eps, "norm": norm})
    assert len(wrong_units(request, kind)) == warned


def test_an_audit_without_attacks_looks_for_what_answers_alone_show(images_file, tmp_path):
    found = audit(constant, make_table(), label="approved", suite="quick")
    states = {alarm["name"]: alarm["fired"] for alarm in found.alarms}
    assert states["constant_predictor"] is True
    assert states["inputs_off_scale"] is None
    dark = np.load(images_file)
    np.savez(tmp_path / "dark.npz", x=dark["x"] // 100, y=dark["y"])
    for path, off_scale in ((images_file, False), (tmp_path / "dark.npz", True)):
        torch.manual_seed(0)
        found = audit(nn.Sequential(nn.Flatten(), nn.Linear(36, 4)), path, suite="quick")
        assert {alarm["name"]: alarm["fired"] for alarm in found.alarms}["inputs_off_scale"] is off_scale


def test_radii_are_read_sorted_and_without_repetition():
    assert make_audit_request(**{**OPTIONS, "eps": "8/255, 2/255,0.5,8/255"}).eps == (2 / 255, 8 / 255, 0.5)
    assert make_audit_request(**{**OPTIONS, "eps": [0.25]}).eps == (0.25,)
    assert make_audit_request(**OPTIONS).eps == ()


def test_a_random_model_is_measured_with_an_alarm():
    rng = np.random.default_rng(0)
    found = audit(lambda frame: rng.random(len(frame)), make_table(), label="approved", suite="quick")
    assert [alarm["name"] for alarm in found.alarms if alarm["fired"]] == ["random_answers"]


def test_nan_answers_are_refused():
    table = make_table()
    said = refusal(lambda frame: frame["age"].to_numpy() / 100, table, label="approved")
    assert "answers NaN or infinity for 36 of 600 rows, first for row 0" in said


def test_labels_of_other_data():
    table = make_table()
    said = refusal(lambda frame: np.where(frame["income"] > 30, "good", "bad"), table, label="approved")
    assert "{'bad', 'good'}" in said
    assert "{'no', 'yes'}" in said


def test_a_run_whose_data_changed(finished_run, folder, tmp_path):
    import json

    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record["problem"]["fingerprint"] = "0" * 64
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert "are not those of the run" in refusal(folder)


def test_a_run_on_other_data_keeps_its_label_and_groups(finished_run, tmp_path):
    from efficienttrust.data._bundled import data_sets

    _run, folder = finished_run
    table: pd.DataFrame = data_sets.get("german").read()
    table.iloc[:600].to_csv(tmp_path / "half.csv", index=False)
    found = audit(folder, tmp_path / "half.csv", suite="quick")
    assert found.document["data"]["n"] == 600
    assert list(found.document["data"]["attributes"]) == ["sex"]
    assert any("another encoder" in note for note in found.document["data"]["notes"])


@pytest.mark.parametrize("positive", [0, False, "0"])
def test_a_positive_label_of_nought_is_said(positive):
    table = make_table()
    kind = bool if positive is False else int
    table["approved"] = (table["approved"] == table["approved"].iloc[0]).astype(kind)
    found = audit(constant, table, label="approved", positive=positive, suite="quick")
    assert found.document["model"]["classes"][1] == str(positive)
    assert f"--positive {positive}" in found.document["command"]


@pytest.mark.parametrize("data", [None, "german"])
def test_a_model_that_does_not_exist_is_named_before_anything_else(data: str | None) -> None:
    with pytest.raises(UsageError, match=r"there is no model runs/nope\. Give an \.onnx"):
        audit("runs/nope", data, suite="quick")
