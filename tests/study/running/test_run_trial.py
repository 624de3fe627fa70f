"""One trial: the same bits in every process, no exception, and of clinical data nothing about few people."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from efficienttrust import load_problem
from efficienttrust.data import Problem, dataset_card
from efficienttrust.errors import InfeasibleError
from efficienttrust.pipeline.methods import MethodResult
from efficienttrust.study import Outcome
from efficienttrust.study.running import _run_trial, run_trial
from efficienttrust.study.running._figures import outcome_of
from tests.study.running.comparing import SETTINGS, lasting
from tests.study.running.planned import ROOT


@pytest.fixture(scope="module")
def usual() -> tuple[Problem, MethodResult, Outcome]:
    """A run that nothing disturbed."""
    spec = _run_trial._spec_of(SETTINGS)
    problem = _run_trial._problem_of(spec, None)
    result = _run_trial._fitted(problem, spec)
    return problem, result, outcome_of(result, problem, latency=False)


def test_another_process_comes_to_the_same_bits(usual):
    code = (
        "import json; from tests.study.running.comparing import SETTINGS, lasting;"
        "from efficienttrust.study.running import run_trial; one = run_trial(SETTINGS);"
        "print(json.dumps([one.status, lasting(one.figures), one.details['rows']]))"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    here = usual[2]
    status, figures, rows = json.loads(there.stdout)
    own = {
        name: one for name, one in lasting(here.figures).items() if name in figures
    }  # tests may register metrics here
    assert [status, figures, rows] == ["done", own, here.details["rows"]]
    assert {"metric.accuracy", "metric.demographic_parity_difference", "cost.steps", "hit"} <= set(
        lasting(here.figures)
    )


def test_prepared_data_changes_nothing(tmp_path, usual):
    first, second = (run_trial(SETTINGS, cache=tmp_path) for _ in range(2))
    assert len(list(tmp_path.glob("*.pickle"))) == 1
    assert lasting(first.figures) == lasting(second.figures) == lasting(usual[2].figures)


def test_an_error_is_a_row_with_its_traceback():
    one = run_trial({**SETTINGS, "data": {"source": "no such data"}})
    assert one.status == "failed"
    assert one.reason.startswith("UsageError: ")
    assert one.traceback.startswith("Traceback (most recent call last)")
    assert one.figures == {}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"threads": 2}, "UsageError: threads 2"), ({"polcy": "static"}, "UsageError: unknown settings: polcy")],
)
def test_settings_that_mean_nothing_fail(wrong, reason):
    one = run_trial({**SETTINGS, **wrong})
    assert one.status == "failed"
    assert one.reason.startswith(reason)


def test_what_arithmetic_excludes_is_infeasible():
    one = run_trial({**SETTINGS, "budget": "time=20 steps, parameters=1"})
    assert (one.status, one.traceback) == ("infeasible", "")
    assert one.reason


def test_an_infeasible_method_is_no_failure(monkeypatch):
    def refuse(problem, spec):
        raise InfeasibleError("a bound\nexcludes it")

    monkeypatch.setattr(_run_trial, "_fitted", refuse)
    one = run_trial(SETTINGS)
    assert (one.status, one.reason) == ("infeasible", "a bound excludes it")


@pytest.mark.parametrize("note", ["", "no rows of one group"])
def test_a_figure_that_is_no_number_fails_the_trial_unless_a_note_says_why(usual, note):
    problem, result, _ = usual
    metrics = result.run.document["metrics"]
    planted = {**metrics, "accuracy": {**metrics["accuracy"], "value": math.nan, "note": note}}
    run = dataclasses.replace(result.run, document={**result.run.document, "metrics": planted})
    one = outcome_of(dataclasses.replace(result, run=run), problem, latency=False)
    assert math.isnan(one.figures["metric.accuracy"])
    assert (one.status, one.reason) == (("done", "") if note else ("failed", "accuracy is no number"))


@pytest.mark.parametrize("clinical", [True, False])
def test_of_clinical_data_nothing_about_few_people_is_kept(monkeypatch, clinical):
    n, few = 1200, 20  # about four of them in the test split
    generator = np.random.default_rng(0)
    sex = np.array(["a", "b"])[np.arange(n) % 2].astype(object)
    sex[:few] = "c"
    y = (generator.random(n) < np.where(sex == "a", 0.3, 0.6)).astype(int)
    table = pd.DataFrame({"x": generator.normal(size=n) + y, "sex": sex, "y": y})
    card = dataclasses.replace(dataset_card("adult"), clinical=clinical)
    problem = dataclasses.replace(load_problem(table, label="y", sensitive="sex"), card=card)
    monkeypatch.setattr(_run_trial, "_problem_of", lambda spec, cache: problem)
    one = run_trial({**SETTINGS, "targets": ["accuracy >= 0.5"]})
    assert one.status == "done", one.reason
    of_few = {name: value for name, value in one.figures.items() if name.endswith("=c")}
    assert of_few
    groups = [row for row in one.details["groups"] if row["group"] == "c"]
    assert len(groups) == 1
    numbers = [value for value in groups[0].values() if isinstance(value, int | float) and not math.isnan(value)]
    if clinical:
        assert all(map(math.isnan, of_few.values()))
        assert not numbers
        assert one.details["rows"] == {"withheld": "single rows of clinical data are not kept"}
    else:
        assert not all(map(math.isnan, of_few.values()))
        assert numbers
        assert len(one.details["rows"]["worst"]) > 0
