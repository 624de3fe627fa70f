"""Which combinations of levels a design comes to."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.spec import open_study

HEAD = """name: s
question: q
data: [german]
model: [mlp, linear]
mitigation: [plan, threshold, early_stop]
factors:
  noise: {no: null, little: {data: {limitations: [label_noise(0.1)]}}, much: {data: {limitations: [label_noise(0.3)]}}}
reference: {steps: 60}
"""


def cells(tmp_path, design, head=HEAD):
    file = tmp_path / "study.yaml"
    file.write_text(f"{head}design: {design}\n")
    study = open_study(file)
    shown = [(model, mitigation, noise) for _, model, _, mitigation, noise in study.cells]
    assert len(set(shown)) == len(shown)
    return shown


def test_all_are_crossed_by_default_later_factors_changing_fastest(tmp_path):
    found = cells(tmp_path, "{}")
    assert len(found) == 2 * 3 * 3
    assert found[:4] == [
        ("mlp", "plan", "no"),
        ("mlp", "plan", "little"),
        ("mlp", "plan", "much"),
        ("mlp", "threshold", "no"),
    ]


def test_what_is_not_crossed_stays_at_its_first_level(tmp_path):
    found = cells(tmp_path, "{cross: [data, model, noise]}")
    assert found == [(model, "plan", noise) for model in ("mlp", "linear") for noise in ("no", "little", "much")]


def test_excluded_cells_match_all_that_is_named(tmp_path):
    found = cells(tmp_path, "{exclude: [{model: linear, noise: [little, much]}, {mitigation: early_stop}]}")
    expected = [
        (model, mitigation, noise)
        for model in ("mlp", "linear")
        for mitigation in ("plan", "threshold")
        for noise in ("no", "little", "much")
        if model == "mlp" or noise == "no"
    ]
    assert found == expected


def test_included_cells_come_on_top_once_and_are_never_excluded(tmp_path):
    design = "{cross: [model], include: [{noise: [no, much]}, {model: linear, mitigation: early_stop}]}"
    assert cells(tmp_path, design) == [
        ("mlp", "plan", "no"), ("linear", "plan", "no"), ("mlp", "plan", "much"), ("linear", "early_stop", "no"),
    ]  # fmt: skip


def test_a_nested_factor_has_its_own_levels_in_each_level_of_the_other(tmp_path):
    design = "{nest: {mitigation: {model: {mlp: [plan, early_stop], linear: [threshold]}}}, cross: [model]}"
    assert cells(tmp_path, design) == [
        ("mlp", "plan", "no"), ("mlp", "early_stop", "no"), ("linear", "threshold", "no"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("design", "says"),
    [
        ("{nest: {mitigation: {model: {mlp: [plan]}}}}", "it says no level of mitigation for linear"),
        ("{nest: {mitigation: {model: {mlp: [plan], linear: [plna]}}}}", "Did you mean 'plan'?"),
        ("{nest: {mitigation: {mitigation: {plan: [plan]}}}}", "cannot be nested in mitigation"),
        ("{nest: {mitigation: {}}}", "nested in exactly one factor"),
        ("{include: [{model: mpl}]}", "unknown level of model 'mpl'. Did you mean 'mlp'?"),
        ("{include: [{}]}", "no factor is named"),
        ("{cross: [model, model]}", "model is named twice"),
        ("{block: [dta]}", "Did you mean 'data'?"),
        ("{fraction: {resolution: IV}}", "no fraction of resolution IV exists of model"),
        ("{fraction: {resolution: IV, of: [noise]}}", "noise has 3 levels"),
        ("{fraction: {resolution: IV, of: [data]}}", "data is a block or nested"),
        ("{fraction: {resolution: III}}", "design.fraction.resolution"),
    ],
)
def test_designs_that_cannot_be(tmp_path, design, says):
    with pytest.raises(UsageError) as caught:
        cells(tmp_path, design)
    assert says in str(caught.value)


FRACTION = """name: s
question: q
data: [german, compas]
constraint: [none, prune=0.5]
mitigation: [plan, threshold]
factors:
  noise: {no: null, yes: {data: {limitations: [label_noise(0.1)]}}}
  rows: {all: null, few: {data: {limitations: [fewer_rows(0.5)]}}}
reference: {steps: 60}
seeds: 2
design: {fraction: {resolution: IV}}
"""


def test_a_fraction_halves_the_cells_of_each_block_and_says_what_it_cannot_tell_apart(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(FRACTION)
    study = open_study(file)
    assert len(study.cells) == 2 * 8
    assert study.design.planned == 32
    assert study.cells[0] == ("german", "mlp", "none", "plan", "no", "all")
    assert study.design.fraction == (
        "A regular fraction of resolution IV: 8 of 16 combinations of constraint, mitigation, noise, rows. "
        "Even in it: constraint × mitigation × noise × rows. "
        "Main effects are clear of each other and of two-factor interactions. "
        "Not told apart: constraint:mitigation and noise:rows; constraint:noise and mitigation:rows; "
        "constraint:rows and mitigation:noise."
    )
