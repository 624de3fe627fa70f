"""A level that means nothing ends in one line: what, where, what to do."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from efficienttrust.compression import NetworkScorer
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import load_data
from efficienttrust.pipeline.levels import Level, constraints, fit_at_levels, parse_level
from efficienttrust.pipeline.levels._fit_at_levels import apply_levels
from efficienttrust.pipeline.spec import fit_spec
from tests.small_problems import german, loans


def refusal(call, *args, **kwargs) -> str:
    with pytest.raises(UsageError) as refused:
        call(*args, **kwargs)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tine=50%", "unknown constraint 'tine'. Did you mean 'time'?"),
        ("time", "is not of the form CONSTRAINT=PERCENT"),
        ("time=", "is not of the form CONSTRAINT=PERCENT"),
        ("time=0.5", "in percent, for example time=50%"),
        ("time=half%", "not above 0% and at most 100%"),
        ("time=0%", "not above 0% and at most 100%"),
        ("time=101%", "not above 0% and at most 100%"),
        ("time=-5%", "not above 0% and at most 100%"),
        ("time=nan%", "not above 0% and at most 100%"),
    ],
)
def test_a_text_that_is_no_level(text, said):
    assert said in refusal(parse_level, text)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.125, 1 / 3])
def test_a_level_reads_back(share):
    assert parse_level(str(Level("time", share))).share == pytest.approx(share, rel=1e-11)


def test_a_level_needs_a_baseline():
    said = refusal(fit_spec, {"source": "german", "budget": "time=9 steps", "levels": ["time=50%"]})
    assert said.startswith("--level: time=50% is a share of what a baseline used")
    assert "--out FOLDER, then give --baseline FOLDER" in said


def test_a_baseline_that_is_none(tmp_path, baseline_folder):
    def options(folder):
        return {"source": "german", "baseline": str(folder), "levels": ["time=50%"]}

    assert "there is no finished run; measure one first" in refusal(fit_spec, options(tmp_path))
    copy = shutil.copytree(baseline_folder, tmp_path / "copy")
    document = json.loads((copy / "run.json").read_text())
    changes = {
        "that run failed (memory: peak 1 GB)": {"failed": ["memory: peak 1 GB"]},
        "it was not made by fit": {"command": "efficienttrust compress x"},
        "run.json is damaged": {"spec": None},
    }
    for said, change in changes.items():
        (copy / "run.json").write_text(json.dumps({**document, **change}))
        assert said in refusal(fit_spec, options(copy))


def test_other_data_than_those_of_the_baseline(baseline_folder):
    assert "is of other data" in refusal(fit_at_levels, baseline_folder, ["time=50%"], problem=loans())
    assert "is of other data (seed changed)" in refusal(fit_at_levels, baseline_folder, ["time=50%"], seed=1)


@pytest.mark.parametrize(
    ("levels", "given", "said"),
    [
        (["time=50%"], {"budget": "time=9 steps"}, "a limit on time in --budget"),
        (["size=50%"], {"budget": {"steps": 9, "size": "9kB"}}, "a limit on size in --budget"),
        (["width=50%"], {"model": "linear"}, "--model"),
        (["bits=25%"], {"quantize": "int8"}, "--quantize"),
        (["time=50%", "epochs=50%"], {}, "levels time=50% and epochs=50% both set budget: time"),
        (["time=50%", "time=10%"], {}, "levels time=50% and time=10% both set"),
    ],
)
def test_what_is_set_twice(levels, given, said, baseline_folder):
    assert said in refusal(fit_at_levels, baseline_folder, levels, **given)
    options = {"source": "german", "baseline": str(baseline_folder), "levels": levels, **given}
    assert said in refusal(fit_spec, options) or not given


@pytest.mark.parametrize("name", ["width", "epochs", "early_stopping", "sparsity", "bits"])
def test_trees_are_no_network(name, baseline):
    document = {**baseline.run.document, "spec": {**baseline.run.document["spec"], "trainer": "trees"}}
    said = refusal(constraints.get(name).measure, replace(baseline, run=replace(baseline.run, document=document)))
    assert said.startswith(f"level {name}: the baseline was trained by trees")


def test_a_baseline_without_the_figure(baseline, arguments):
    def measured(name, **change):
        run = replace(baseline.run, **change)
        return refusal(apply_levels, replace(baseline, run=run), [Level(name, 0.5)], arguments)

    def document(**change):
        return {"document": {**baseline.run.document, **change}}

    ledger, spec = baseline.run.ledger, baseline.run.document["spec"]
    assert "tables have no pixels" in measured("resolution")
    assert "spent no time" in measured("time", **document(ledger={**ledger, "time": {**ledger["time"], "used": 0.0}}))
    assert "no record of passes" in measured("epochs", **document(ledger={**ledger, "clocks": {}}))
    assert "no figure of its latency" in measured("latency", **document(ledger={**ledger, "latency": {}}))
    assert "no figure of its memory" in measured("memory", **document(ledger={**ledger, "memory": None}))
    hollow = {**ledger, "memory": {"used": 10, "floor": 20}}
    assert "nothing to scale" in measured("memory", **document(ledger=hollow))
    assert "holds no accuracy" in measured("early_stopping", history=baseline.run.history.iloc[:0])
    linear = NetworkScorer(((np.zeros((german().encoder.n_features, 1)), np.zeros(1)),))
    assert "a linear model, which has no width" in measured("width", scorer=linear)
    assert "is pruned already" in measured("sparsity", **document(spec={**spec, "prune": "gradual:0.5"}))
    assert "is quantised already" in measured("bits", **document(spec={**spec, "quantize": "int8"}))


@pytest.mark.parametrize("share", [0.5, 0.01])
def test_bits_that_nothing_rounds_to(share, baseline, arguments):
    said = refusal(apply_levels, baseline, [Level("bits", share)], arguments)
    assert said.startswith(f"level bits={100 * share:g}% of 32 bits: --quantize weights:")
    assert "from 2 to 8" in said


def test_a_table_has_no_resolution():
    assert "--resolution is for images" in refusal(load_data, "german", {"resolution": 8}, seed=0)
