"""Presets validate as they are, plan once the data are there, and travel with the package."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.plan import make_plan
from efficienttrust.study.presets import preset_names, preset_text
from efficienttrust.study.spec import open_study

NAMES = ["clinical", "images-small", "tabular-full", "tabular-small"]


def test_which_there_are():
    assert preset_names() == NAMES
    with pytest.raises(UsageError, match="Did you mean 'tabular-small'"):
        preset_text("tabular-smal")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_validates_and_plans(tmp_path, name):
    file = tmp_path / "study.yaml"
    file.write_text(preset_text(name))
    study = open_study(file)
    for level in study.spec.data.values():  # planning hashes the files and reads none of them
        if path := level.source.partition(":")[2]:
            (tmp_path / path).mkdir(parents=True)
            (tmp_path / path / "content").write_text(path)
    plan = make_plan(study)
    assert plan.trials == plan.states["new"] == study.design.planned == len({one.key for one in study.trials()})
    assert 3 <= len(plan.power) <= 5
    assert all(one.units > 0 for one in plan.power), "each hypothesis has cells that hold all levels of its contrast"
    assert study.spec.question.endswith("?")


def test_a_preset_of_which_the_data_are_not_there_says_which(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(preset_text("clinical"))
    with pytest.raises(UsageError, match=r"there is no file or folder .*data/diabetes130"):
        open_study(file).trials()
