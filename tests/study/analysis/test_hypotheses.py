"""Declared hypotheses are tested as declared, with Holm in each family, and a changed declaration is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from efficienttrust.study import Hypothesis
from efficienttrust.study.analysis import Options
from efficienttrust.study.analysis._adjust import holm
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import table_of
from tests.study.analysis.conftest import section
from tests.study.synthetic import ACCURACY, GAP, HYPOTHESES, Planted, design_of, frame_of, metadata_of


def planted(*hypotheses, **more) -> Planted:
    return Planted(hypotheses=hypotheses, **more)


def about(test, direction, margin=0.0, *, metric=ACCURACY, weights=None, where=None, family="f", name="H"):
    weights = weights or {"atats": 1.0, "baseline": -1.0}
    return Hypothesis(name, family, "", metric, "mitigation", weights, where or {}, test, direction, margin)


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(0).random(9) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_the_planted_ones_are_decided_rightly():
    rows = {one.name: one for one in section(Planted(), "hypotheses").contrasts}
    assert {name: one.verdict for name, one in rows.items()} == dict.fromkeys(("H1", "H2", "H3"), "supported")
    assert rows["H1"].contrast.value == pytest.approx(-0.03, abs=0.002)


def test_equivalence_with_one_data_set_is_the_paired_tost_of_statsmodels():
    one = planted(about("equivalence", "two-sided", 0.003), data=("adult",), models=("mlp",), seeds=8)
    one = dataclasses.replace(one, constraints={"none": one.constraints["none"]})
    frame = frame_of(one).set_index(["factor.mitigation", "seed"])[ACCURACY]
    theirs = ttost_paired(frame["atats"].to_numpy(), frame["baseline"].to_numpy(), -0.003, 0.003)[0]
    assert section(one, "hypotheses").contrasts[0].p == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("hypothesis", "verdict"),
    [
        (about("superiority", "less", 0.03, metric=GAP), "supported"),
        (about("superiority", "less", 0.08, metric=GAP), "not supported"),
        (about("superiority", "greater", 0.03, metric=GAP), "not supported"),
        (about("difference", "greater", metric=GAP), "not supported"),
        (about("difference", "two-sided", metric=GAP), "supported"),
        (about("equivalence", "two-sided", 0.03, metric=GAP), "not supported"),
        (about("difference", "less", metric=GAP, weights={"atats": 2.0, "penalty": -1, "baseline": -1}), "supported"),
        (about("difference", "less", metric=GAP, where={"model": ("trees",), "data": ("adult", "bank")}), "supported"),
    ],
)  # fmt: skip
def test_margins_and_directions(hypothesis, verdict):
    assert section(planted(hypothesis), "hypotheses").contrasts[0].verdict == verdict


def test_a_restricted_contrast_uses_only_its_cells():
    rows = section(planted(about("difference", "less", where={"data": ("adult",)})), "hypotheses").contrasts
    assert rows[0].units == 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "metric.nothing"}, "no column metric.nothing"),
        ({"factor": "data", "contrast": {"adult": 1.0, "bank": -1.0}}, "is a block"),
        ({"contrast": {"atats": 1.0, "bseline": -1.0}}, "no level bseline"),
        ({"contrast": {}}, "no weights"),
        ({"test": "superiority", "direction": "two-sided", "margin": 0.1}, "needs a direction"),
        ({"test": "equivalence", "margin": 0.0}, "margin above 0"),
    ],
)
def test_what_cannot_be_tested_says_why_and_keeps_its_place(change, reason):
    bad = dataclasses.replace(about("difference", "less", name="bad"), **change)
    good = about("difference", "less", metric=GAP, name="good")
    rows = {one.name: one for one in section(planted(good, bad), "hypotheses").contrasts}
    assert rows["bad"].verdict == "not tested"
    assert reason in rows["bad"].reason
    assert rows["good"].p_holm == pytest.approx(2 * rows["good"].p)


def test_hypotheses_that_changed_after_the_declaration_are_told():
    one = Planted()
    design = dataclasses.replace(design_of(one), hypotheses=HYPOTHESES[:2])
    material = Material(table_of(frame_of(one), design, metadata_of(design)), Options(resamples=100))
    assert "exploratory" in sections.get("hypotheses")(material).notes[0]
    assert sections.get("overview")(material).declared == "changed"
