"""Bundled sets: published counts, roles, files that are what their cards say."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from efficienttrust.data import bundled_names, dataset_card, load_problem
from efficienttrust.errors import UsageError

ROOT = Path(__file__).parents[2]
FILES = ROOT / "src" / "efficienttrust" / "data" / "files"


def base_rates(problem, attribute):
    y = np.concatenate([s.y for s in problem.splits.values()])
    codes = np.concatenate([s.codes[attribute] for s in problem.splits.values()])
    names = problem.attribute_names[attribute]
    return {name: (int((codes == k).sum()), round(float(y[codes == k].mean()), 3)) for k, name in enumerate(names)}


def test_adult_has_the_published_counts():
    problem = load_problem("adult")
    assert len(problem.inputs) == 48_842
    assert base_rates(problem, "sex") == {"Female": (16_192, 0.109), "Male": (32_650, 0.304)}
    assert sum(int(s.y.sum()) for s in problem.splits.values()) == 11_687
    assert [f.column for f in problem.encoder.numeric] == [
        "age",
        "education-num",
        "capital-gain",
        "capital-loss",
        "hours-per-week",
    ]
    missing = {c.name: c.missing for c in problem.columns if c.missing}
    assert missing == {"workclass": 2799, "occupation": 2809, "native-country": 857}


def test_compas_has_the_published_counts():
    problem = load_problem("compas")
    assert len(problem.inputs) == 6_172
    assert sum(int(s.y.sum()) for s in problem.splits.values()) == 2_809
    counts = {name: n for name, (n, _) in base_rates(problem, "race").items()}
    assert counts == {"African-American": 3_175, "Caucasian": 2_103, "Other": 894}
    names = {c.name for c in problem.columns}
    assert names == {
        "sex",
        "age",
        "juv_fel_count",
        "juv_misd_count",
        "juv_other_count",
        "priors_count",
        "c_charge_degree",
    }


def test_german_has_the_published_counts():
    problem = load_problem("german")
    assert len(problem.inputs) == 1_000
    assert sum(int(s.y.sum()) for s in problem.splits.values()) == 700
    assert {name: n for name, (n, _) in base_rates(problem, "sex").items()} == {"Female": 310, "Male": 690}
    assert "personal_status" not in problem.inputs.columns


@pytest.mark.parametrize("name", ["adult", "compas", "german"])
def test_files_are_what_the_card_says(name):
    content = gzip.decompress((FILES / f"{name}.csv.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == dataset_card(name).sha256


def test_the_notice_is_made_from_the_cards():
    spec = importlib.util.spec_from_file_location("bundle_data", ROOT / "tools" / "bundle_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (FILES / "NOTICE.txt").read_text(encoding="utf-8") == module.notice()


def test_compas_file_holds_no_personal_columns():
    header = gzip.decompress((FILES / "compas.csv.gz").read_bytes()).splitlines()[0].decode().split(",")
    assert not {"name", "first", "last", "dob", "c_case_number", "id", "decile_score"} & set(header)


def test_another_sensitive_attribute_makes_the_default_an_ordinary_input():
    by_race = load_problem("adult", sensitive="race")
    names = {c.name for c in by_race.columns}
    assert "sex" in names
    assert "race" not in names
    assert "age_band" not in names


def test_a_derived_attribute_takes_its_parent_out_of_the_inputs():
    problem = load_problem("german", sensitive=["sex", "age_band"])
    assert "age" not in problem.encoder.columns
    assert any("'age' is no input" in note for note in problem.notes)
    assert problem.attribute_names["age_band"] == ("25 and under", "over 25")
    both = load_problem("german", sensitive="age_band", use_sensitive_as_input=True)
    assert {"age", "age_band"} <= set(both.encoder.columns)


def test_defaults_can_be_overridden():
    problem = load_problem("german", label="housing", positive="own", drop=["telephone"], name="homes", immutable="age")
    assert (problem.label, problem.positive, problem.name) == ("housing", "own", "homes")
    assert "telephone" not in problem.encoder.columns
    assert "credit" in problem.encoder.columns
    position = [f.column for f in problem.encoder.numeric].index("age")
    assert not problem.domain.mutable[position]


def test_names_and_unknown_name():
    assert bundled_names() == ["adult", "compas", "german"]
    with pytest.raises(UsageError, match=r"unknown data set 'adlut'\. Did you mean 'adult'"):
        load_problem("adlut")
    with pytest.raises(UsageError, match="Did you mean 'german'"):
        dataset_card("germann")


def test_importing_the_package_does_not_import_pandas_or_torch():
    code = "import efficienttrust.data, sys; print({'pandas', 'torch', 'sklearn', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
