"""`mimic_iv:PATH` is a problem like any other: patients whole, labels not chosen no inputs, options behind the path."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import load_problem
from efficienttrust.data._bundled import data_sets
from efficienttrust.errors import UsageError


@pytest.fixture
def folder(make):
    release = make(400)
    rng = np.random.default_rng(0)
    died = rng.random(400) < 0.3
    release["hosp/admissions"]["hospital_expire_flag"] = died.astype(int)
    release["hosp/patients"]["gender"] = rng.choice(["F", "M"], 400)
    release["icu/icustays"]["outtime"] += rng.integers(-1, 3, 400) * np.timedelta64(1, "D")
    events = {"stay_id": np.arange(201, 601), "itemid": 220045, "valuenum": 80 + 20 * died + rng.integers(0, 10, 400)}
    release.tables["icu/chartevents"] = release["icu/icustays"][["intime"]].rename(columns={"intime": "charttime"})
    release.tables["icu/chartevents"] = release["icu/chartevents"].assign(**events)
    return release.write()


@pytest.mark.parametrize("label", ["mortality", "los_over_3_days"])
def test_it_loads_with_its_roles(folder, label):
    problem = load_problem(f"mimic_iv:{folder}", label=label, sensitive="sex")
    columns = {column.name for column in problem.columns}
    assert "heart_rate@00" in columns
    assert not columns & {"mortality", "los", "los_over_3_days", "readmission_30_days", "subject_id", "sex", "age_band"}
    assert problem.group_names == ("Female", "Male")
    assert problem.card.name == "mimic_iv"


def test_options_are_read_from_text(folder):
    read = data_sets.get("mimic_iv").read
    table = read(folder, "window=24&variables=heart_rate,lactate")
    assert [name for name in table.columns if "@" in name][-1] == "lactate@23"
    for text, says in {
        "windows=24": "unknown option of mimic_iv 'windows'. Did you mean 'window'?",
        "window=day": "must be a number of hours",
        "window": "give the option window once",
        "window=24&window=48": "give the option window once",
    }.items():
        with pytest.raises(UsageError) as refused:
            read(folder, text)
        assert says in str(refused.value)
