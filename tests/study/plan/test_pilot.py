"""A pilot runs a few trials of each class; they are trials of the study, and an interrupted one holds none."""

from __future__ import annotations

import math

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.plan import make_plan, pilot_trials, run_pilot
from efficienttrust.study.spec import open_study
from efficienttrust.study.store import open_store

TEXT = """name: s
question: q
data: [german, compas]
constraint: [none, bits=4]
mitigation: {plain: early_stop, planner: plan}
targets: [dpd <= 0.1]
reference: {steps: 60}
seeds: 3
hypotheses:
  - {name: H1, statement: s, metric: dpd, factor: constraint, contrast: {bits=4: 1, none: -1}}
"""


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.yaml").write_text(TEXT)
    return open_study(tmp_path / "study.yaml")


def run(settings):
    return Outcome("done", {"metric.demographic_parity_difference": 0.1 + 0.01 * settings["seed"]})


def test_two_seeds_of_the_first_cell_of_each_class(study):
    chosen = pilot_trials(study.trials())
    assert len(chosen) == 2 * 2 * 2
    assert {one.factors["constraint"] for one in chosen} == {"none"}
    assert {one.seed for one in chosen} == {0, 1}


def test_its_results_are_results_of_the_study_and_give_time_and_power(study):
    before = make_plan(study)
    assert (before.states["new"], before.unknown, math.isnan(before.power[0].detectable)) == (24, 24, True)
    assert any("add --pilot" in note for note in before.notes)
    assert len(list(run_pilot(study, run=run))) == 8
    after = make_plan(study)
    assert (after.states["done"], after.states["waiting"], after.states["new"]) == (8, 16, 0)
    assert (after.unknown, after.notes) == (0, ())
    assert after.power[0].spread == pytest.approx(0.01 / math.sqrt(2)), "√2 of a contrast, √½ of two mitigations"
    assert after.power[0].units == 2 * 3
    assert list(run_pilot(study, run=run)) == []


def test_an_interrupted_one_holds_no_trial(study):
    def interrupted(settings):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_pilot(study, run=interrupted))
    with open_store(study.store) as store:
        assert store.counts()["running"] == 0
    assert len(list(run_pilot(study, run=run))) == 8


def test_it_claims_its_own_trials_alone_and_says_who_holds_them(study):
    with open_store(study.store) as store:
        store.begin(study.identity(), study.trials())
        wanted = {one.key for one in pilot_trials(study.trials())}
        [lease] = store.claim("another driver", seconds=60, keys=wanted)
        others = len(
            store.claim("another driver", seconds=60, limit=3, keys={one.key for one in study.trials()} - wanted)
        )
        with pytest.raises(UsageError, match="1 trials of the pilot are not free: another driver runs them"):
            list(run_pilot(study, run=run))
        assert store.counts()["running"] == 1 + others
        assert store.finish(lease, Outcome("done"))
