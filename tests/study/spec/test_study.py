"""What a study file comes to: trials that are known by content, a design, and an identity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from efficienttrust.study import Design
from efficienttrust.study.spec import open_study, study_schema

TEXT = """
name: small
question: Does it matter?
data:
  german: {source: german, sensitive: sex}
  mine: {source: loans.csv, label: repaid, targets: [], reference: {steps: 40, size: 10kB}}
constraint: [none, time=50%, size=8kB]
mitigation: {plain: early_stop, planner: plan}
factors:
  rows: {all: null, few: {data: {limitations: [fewer_rows(0.5)]}}}
targets: [dpd <= 0.1]
reference: {steps: 60}
seeds: 3-4
hypotheses:
  - {name: H1, statement: s, metric: dpd, factor: mitigation, contrast: {planner: 1, plain: -1}}
executor: {workers: 2}
"""


@pytest.fixture
def write(tmp_path):
    def write(text=TEXT, folder="a"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "loans.csv").write_text("income,repaid\n1,0\n2,1\n")
        (tmp_path / folder / "small.yaml").write_text(text)
        return open_study(tmp_path / folder / "small.yaml")

    return write


def test_settings_say_all_that_decides(write):
    study = write()
    trials = {(*one.factors.values(), one.seed): one for one in study.trials()}
    assert len(trials) == study.design.planned == 2 * 1 * 3 * 2 * 2 * 2
    first = trials["german", "mlp", "none", "plain", "all", 3].settings
    assert (first["method"], first["policy"], first["budget"]) == ("early_stop", None, "time=60 steps")
    assert (first["seed"], first["split_seed"], first["threads"], first["trainer"]) == (3, 3, 1, "network")
    assert first["targets"] == ["demographic_parity_difference <= 0.1"]
    other = trials["mine", "mlp", "time=50%", "planner", "few", 4].settings
    assert (other["method"], other["policy"], other["budget"]) == ("fit", "plan", "time=20 steps")
    assert (other["targets"], other["data"]["limitations"]) == ([], ["fewer_rows(0.5)"])
    assert Path(other["data"]["source"]) == study.path.parent / "loans.csv"
    assert trials["mine", "mlp", "size=8kB", "planner", "all", 4].settings["budget"] == "time=40 steps, size=8kB"
    assert len({one.cell for one in trials.values()}) == len(trials) / 2


def test_keys_do_not_depend_on_where_the_study_lies_nor_on_how_it_is_written(write):
    keys = [one.key for one in write().trials()]
    assert [one.key for one in write(folder="b").trials()] == keys
    assert [one.key for one in write("# why\n" + TEXT.replace("workers: 2", "workers: 1"), "c").trials()] == keys
    assert len(set(keys)) == len(keys)


def test_a_change_changes_the_keys_of_what_it_concerns(write, tmp_path):
    keys = {one.key for one in write().trials()}
    more = {one.key for one in write(TEXT.replace("seeds: 3-4", "seeds: 3-5")).trials()}
    assert keys < more
    renamed = {one.key for one in write(TEXT.replace("planner", "scheduler")).trials()}
    assert renamed == keys, "a key is of the settings, whatever levels are called"
    longer = {one.key for one in write(TEXT.replace("steps: 60", "steps: 61")).trials()}
    assert len(keys - longer) == len(keys) / 2, "those on the other data stay"
    study = write()
    (study.path.parent / "loans.csv").write_text("income,repaid\n1,0\n2,1\n3,1\n")
    changed = {one.key for one in open_study(study.path).trials()}
    assert len(keys - changed) == len(keys) / 2


def test_the_design_travels_as_json(write):
    design = write().design
    assert Design.from_plain(json.loads(json.dumps(design.as_plain()))) == design
    assert [(one.name, one.reference, one.block) for one in design.factors] == [
        ("data", "german", True),
        ("model", "mlp", False),
        ("constraint", "none", False),
        ("mitigation", "plain", False),
        ("rows", "all", False),
    ]
    assert design.hypotheses[0].metric == "metric.demographic_parity_difference"
    assert design.targets == {"german": ("demographic_parity_difference <= 0.1",), "mine": ()}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("statement: s", "statement: t", True),
        ("planner: 1, plain: -1", "planner: -1, plain: 1", True),
        ("name: H1", "name: H1, family: other", True),
        ("name: H1", "name: H1, test: equivalence, margin: 0.1", True),
        ("seeds: 3-4", "seeds: 9", False),
        ("question: Does it matter?", "question: Why?", False),
    ],
)
def test_the_hash_of_what_was_declared(write, before, after, changes):
    first, second = write().design, write(TEXT.replace(before, after)).design
    assert (first.declared_hash != second.declared_hash) == changes
    assert first.spec_hash != second.spec_hash


def test_the_identity(write):
    study = write()
    identity = study.identity()
    assert identity.name == "small"
    assert identity.spec_text == TEXT
    assert set(identity.data) == {"german", "loans.csv"}
    assert all(len(one) == 64 for one in (*identity.data.values(), *identity.code.values()))
    assert identity.design == study.design.as_plain()
    assert {"python", "torch", "efficienttrust", "machine"} <= set(identity.environment)
    assert write(TEXT.replace("workers: 2", "workers: 9")).identity().design == identity.design
    assert open_study(study.path).identity().content() == identity.content()


def test_only_trials_that_are_timed_run_alone(write):
    assert not any(one.exclusive for one in write().trials())
    timed = write(TEXT.replace("size=8kB", "latency=1ms, time=2s"))
    alone = {one.factors["constraint"] for one in timed.trials() if one.exclusive}
    assert alone == {"latency=1ms", "time=2s"}
    assert all(one.cost == (2.0 if one.factors["constraint"] == "time=2s" else 0.0) for one in timed.trials())
    assert all(one.exclusive for one in write(TEXT + "measure: {latency: true}\n").trials())


def test_the_committed_schema_is_current():
    committed = json.loads((Path(__file__).parents[3] / "docs" / "study.schema.json").read_text(encoding="utf-8"))
    assert committed == study_schema(), "run: make schema"
