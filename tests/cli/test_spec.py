"""The YAML file of `fit`: strict, all faults at once with their lines, the same as options."""

from __future__ import annotations

from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.spec import fit_spec

GOOD = """\
data:
  source: loans.csv
  label: approved
  positive: 1
  sensitive: [sex, age_band]
budget:
  time: 20s cpu
  size: 300kB
targets:
  - dpd <= 0.05
  - robust_accuracy(pgd, eps=0.25) >= 0.80
policy: static(lambda_fair=0.5)
seed: 3
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def faults(text: str, write, **options: object) -> list[str]:
    path = write(text)
    with pytest.raises(UsageError) as caught:
        fit_spec(options, file=path)
    return [line.removeprefix(f"{path.parent}/") for line in str(caught.value).splitlines()]


def test_a_file_says_everything(write):
    path = write(GOOD)
    spec = fit_spec({}, file=path)
    assert spec.data.source == str(path.parent / "loans.csv")  # relative to the file
    assert spec.data.settings()["positive"] == "1"
    assert spec.data.settings()["sensitive"] == ("sex", "age_band")
    assert spec.budget_text == "time=20s cpu, size=300kB"
    assert spec.targets == ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80")
    assert (spec.policy, spec.trainer, spec.seed) == ("static(lambda_fair=0.5)", "network", 3)


def test_the_same_from_options(write):
    options = {
        "source": "adult",
        "sensitive": "sex",
        "budget": "time=20s cpu, size=300kB",
        "targets": ["dpd <= 0.05"],
        "seed": 3,
        "policy": None,
    }
    text = (
        "data: {source: adult, sensitive: sex}\nbudget: {time: 20s cpu, size: 300kB}\ntargets: [dpd <= 0.05]\nseed: 3\n"
    )
    from_file = fit_spec({}, file=write(text))
    from_options = fit_spec(options)
    assert from_file.budget_text == from_options.budget_text
    assert from_file.model_copy(update={"budget": from_options.budget}) == from_options


def test_options_replace_what_the_file_says(write):
    spec = fit_spec({"budget": "steps=5", "label": "other", "source": "adult", "seed": 0}, file=write(GOOD))
    assert spec.budget_text == "time=5 steps"
    assert (spec.data.source, spec.data.label, spec.seed) == ("adult", "other", 0)
    assert spec.data.settings()["positive"] == "1"


def test_paths_in_options_of_the_source_are_relative_to_the_file(write):
    source = "chexpert:films?size=32&demographics=people.csv&mimic_iv=/data/mimic"
    path = write(f"data: {{source: '{source}'}}\nbudget: {{time: 20s cpu}}\n")
    folder = path.parent
    expected = f"chexpert:{folder}/films?size=32&demographics={folder}/people.csv&mimic_iv=/data/mimic"
    assert fit_spec({}, file=path).data.source == expected


def test_every_fault_with_its_line(write):
    text = """\
data:
  source: adult
  labl: income
budget:
  time: -20s cpu
  sise: 300kB
targets:
  - dpd <= 0.05
  - acuracy >= 0.8
policy: plam
seed: -1
"""
    found = faults(text, write)
    assert [line.partition(": ")[0] for line in found] == [f"spec.yaml:{line}" for line in (3, 5, 6, 9, 10, 11)]
    for line, says in zip(
        found,
        [
            "data.labl: unknown key. Did you mean 'label'?",
            "budget.time: time=-20s cpu",
            "budget.sise: unknown key. Did you mean 'size'?",
            "targets.1: unknown metric 'acuracy'. Did you mean 'accuracy'?",
            "policy: unknown policy 'plam'. Did you mean 'plan'?",
            "seed: give 0 or more, not -1",
        ],
        strict=True,
    ):
        assert says in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "spec.yaml:1: give a mapping"),
        ("- adult\n", "spec.yaml:1: give a mapping"),
        ("data: [\n", "spec.yaml:2: not valid YAML"),
        ("seed: 1\nseed: 2\n", "spec.yaml:2: not valid YAML: found duplicate key"),
        ("budget: steps=5\n", "spec.yaml:1: data.source: missing"),
        ("data: {}\nbudget: steps=5\n", "spec.yaml:1: data.source: missing"),
        ("data: adult\nbudget: steps=5\n", "spec.yaml:1: data: give a mapping"),
        ("data: {source: adult}\n", "spec.yaml:1: budget: missing"),
        ("data: {source: adult}\nbudget: {steps: true}\n", "spec.yaml:2: budget.steps: "),
        ("data: {source: adult}\nbudget: {steps: 5, samples: 7}\n", "spec.yaml:2: budget: "),
        ("data: {source: adult}\nbudget: steps=5\ntargets: dpd <= 0.05\n", "spec.yaml:3: targets: give a list"),
        (
            "data: {source: adult}\nbudget: steps=5\ntargets: [dpd <= 0.05, dpd >= 0.1]\n",
            "spec.yaml:3: targets.1: target 'dpd >= 0.1' asks for the worse direction",
        ),
        ("data: {source: adult}\nbudget: steps=5\nseed: 1.5\n", "spec.yaml:3: seed: give a whole number"),
        ("data: {source: 3}\nbudget: steps=5\n", "spec.yaml:1: data.source: give a text, not 3"),
    ],
)
def test_bad_files(write, text, says):
    found = faults(text, write)
    assert len(found) == 1
    assert found[0].startswith(says)


def test_a_file_that_cannot_be_read(tmp_path, write):
    with pytest.raises(UsageError, match="no such file"):
        fit_spec({}, file=tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match="UTF-8"):
        fit_spec({}, file=write(b"data: \xff\xfe"))


def test_faults_of_options_name_the_option(write):
    with pytest.raises(UsageError) as caught:
        fit_spec({"source": "adult", "budget": "time=2", "targets": ["acuracy >= 1"], "seed": -1})
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["--budget", "--seed", "--target"]
    assert faults(GOOD, write, policy="plam") == ["--policy: unknown policy 'plam'. Did you mean 'plan'?"]
