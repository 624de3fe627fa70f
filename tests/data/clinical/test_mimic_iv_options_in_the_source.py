"""`mimic_iv:PATH?window=24` is a source like any other: it loads, is remembered, and notes say what was left out."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import load_problem
from efficienttrust.data._bundled import find_data_set, is_clinical
from efficienttrust.errors import UsageError

ASKED = "window=24&variables=heart_rate,lactate"


@pytest.fixture
def folder(make):
    release = make(400)
    rng = np.random.default_rng(0)
    died = rng.random(400) < 0.3
    release["hosp/admissions"]["hospital_expire_flag"] = died.astype(int)
    release["hosp/patients"]["gender"] = rng.choice(["F", "M"], 400)
    release["hosp/patients"].loc[:19, "anchor_age"] = 12
    events = {"stay_id": np.arange(201, 601), "itemid": 220045, "valuenum": 80 + 20 * died + rng.integers(0, 10, 400)}
    charted = release["icu/icustays"][["intime"]].rename(columns={"intime": "charttime"}).assign(**events)
    release.tables["icu/chartevents"] = charted
    return release.write()


def test_options_reach_the_reader_and_the_source_gives_them_again(folder):
    problem = load_problem(f"mimic_iv:{folder}?{ASKED}", sensitive="sex")
    assert problem.source == f"mimic_iv:{folder.resolve()}?{ASKED}"
    assert is_clinical(problem.source)
    columns = [column.name for column in problem.columns if "@" in column.name]
    assert columns == ["heart_rate@00"]  # all that was charted
    assert load_problem(problem.source, **problem.settings).fingerprint == problem.fingerprint
    with pytest.raises(UsageError, match="window='day' must be a number of hours"):
        load_problem(f"mimic_iv:{folder}?window=day")


def test_what_the_reader_left_out_is_in_the_notes(folder):
    problem = load_problem(f"mimic_iv:{folder}?{ASKED}", sensitive="sex")
    assert any("20" in note and "18" in note for note in problem.notes), problem.notes


def test_a_question_mark_may_be_part_of_a_name_and_other_sets_take_no_options(folder):
    odd = folder.rename(folder.with_name("what?"))
    found = find_data_set(f"mimic_iv:{odd}")
    assert (found.path, found.query) == (odd, "")
    found = find_data_set(f"mimic_iv:{odd}?window=24")
    assert (found.path, found.query) == (odd, "window=24")
    with pytest.raises(UsageError, match=r"law takes no options: leave out \?window=24"):
        find_data_set(f"law:{odd}?window=24")
    with pytest.raises(UsageError, match=r"there is no file or folder .*nowhere\. Give your copy of mimic_iv"):
        find_data_set(f"mimic_iv:{odd.parent}/nowhere?window=24")
