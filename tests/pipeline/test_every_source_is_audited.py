"""Your copy of a named table and data sets in memory are audited as files are; YAML places paths behind names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from efficienttrust import audit
from efficienttrust.data import load_image_problem, load_problem
from efficienttrust.data.images import load_images
from efficienttrust.pipeline import _audit_resources
from efficienttrust.pipeline.spec import fit_spec

N = 300


@pytest.fixture(autouse=True)
def short_timing(monkeypatch):
    monkeypatch.setattr(_audit_resources, "SECONDS", 0.02)


@pytest.fixture
def law(tmp_path):
    """A file of the official layout."""
    header = "decile1b decile3 lsat ugpa zfygpa zgpa fulltime fam_inc tier race1 gender pass_bar"
    rng = np.random.default_rng(0)
    lsat = rng.integers(20, 45, N)
    table = pd.DataFrame({name: rng.integers(1, 5, N) for name in header.split()})
    table = table.assign(
        lsat=lsat, fulltime=1, race1=rng.choice(["white", "black"], N), gender=rng.choice(["male", "female"], N)
    )
    table["pass_bar"] = (lsat + rng.normal(0, 6, N) > 30).astype(int)
    table.to_csv(tmp_path / "bar_pass_prediction.csv", index=False)
    return f"law:{tmp_path / 'bar_pass_prediction.csv'}"


def test_a_model_is_audited_on_the_test_split_of_a_copy(law):
    problem = load_problem(law)
    inputs = problem.raw("train")[["lsat", "ugpa"]]
    y = np.where(problem.splits["train"].y == 1, problem.positive, problem.negative)
    model = make_pipeline(LogisticRegression()).fit(inputs, y)
    found = audit(model, law, suite="quick").document["data"]
    assert (found["source"], found["rows"], found["n"]) == (problem.source, "test split", len(problem.splits["test"]))
    assert found["clinical"] is False
    everything = audit(model, law, suite="quick", rows="all", ood=[law]).document
    assert everything["data"]["n"] == N


class Pictures:
    """Dark ones and bright ones, of two photographers."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int):
        rng = np.random.default_rng(row)
        return rng.integers(0, 100, (1, 6, 6), dtype=np.uint8) + np.uint8(120 * (row % 2)), row % 2, "AB"[row % 3 // 2]


def bright(images: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-10 * (images.reshape(len(images), -1).mean(1) / images.max() - 0.5)))


def test_a_data_set_in_memory_is_a_problem_with_groups_and_is_audited():
    problem = load_image_problem(Pictures(), groups=lambda item: {"photographer": item[2]})
    assert problem.source == "<data set>"
    assert (problem.sensitive, problem.group_names) == (("photographer",), ("A", "B"))
    assert sum(len(split) for split in problem.splits.values()) == N
    whole = audit(bright, Pictures(), suite="quick").document
    assert whole["data"]["n"] == N
    assert whole["metrics"]["accuracy"]["value"] > 0.95
    grouped = audit(bright, load_images(Pictures(), groups=lambda item: item[2], part="all"), suite="quick").document
    assert {row["group"] for row in grouped["groups"]} == {"A", "B"}
    of_problem = audit(bright, problem, suite="quick").document
    assert of_problem["data"]["n"] == len(problem.splits["test"])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("law:data/law.csv", "law:{}/data/law.csv"),
        ("mimic_iv:mimic?window=24", "mimic_iv:{}/mimic?window=24"),
        ("folder:pictures.v2", "folder:{}/pictures.v2"),
        ("law:/data/law.csv", "law:/data/law.csv"),
        ("law:~/law.csv", "law:~/law.csv"),
        ("law", "law"),
        ("law.csv", "{}/law.csv"),
    ],
)
def test_a_path_in_a_yaml_file_is_relative_to_it(tmp_path, said, meant):
    (tmp_path / "spec.yaml").write_text(f'data: {{source: "{said}"}}\nbudget: steps=5\n')
    assert fit_spec({}, file=tmp_path / "spec.yaml").data.source == meant.format(tmp_path)
