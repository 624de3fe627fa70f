"""Tables that nobody planned: nothing crashes, what cannot be said is refused, and the document stays strict JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Constraint
from efficienttrust.study.analysis import Analysis, Options, analyse_table
from efficienttrust.study.analysis._table import table_of
from tests.study.synthetic import ACCURACY, CONSTRAINTS, GAP, Planted, design_of, frame_of, metadata_of

FEW = {name: CONSTRAINTS[name] for name in ("none", "time=50%", "prune=0.5")}
SMALL = Planted(data=("a", "b"), seeds=2, constraints=FEW)
ODD = {"mlp": "a:b*c~`\"'", "trees": "Ünï 💥\n<b>&", "atats": "C(level)", "penalty": "", "baseline": "none=1|2"}


def odd(planted: Planted = SMALL, *, keep=None, drop=(), design=None, **columns) -> Analysis:
    """Analyse a planted table after some harm."""
    frame, own = frame_of(planted), design_of(planted)
    frame = frame.assign(**columns).drop(columns=list(drop))
    frame = frame[keep(frame)] if keep else frame
    own = design(own) if design else own
    found = analyse_table(table_of(frame, own, metadata_of(own)), options=Options(resamples=100))
    plain = json.loads(json.dumps(found.as_plain(), allow_nan=False))
    assert Analysis.from_plain(plain).as_plain() == found.as_plain()
    return found


def without(found: Analysis) -> str:
    return " | ".join(f"{one.what}: {one.reason}" for part in found.sections().values() for one in part.refusals)


def factors(**changes):
    return lambda design: dataclasses.replace(
        design, factors=tuple(dataclasses.replace(one, **changes) for one in design.factors)
    )


def constraints(**changes):
    return lambda design: dataclasses.replace(
        design, constraints={name: dataclasses.replace(one, **changes) for name, one in design.constraints.items()}
    )


def test_one_trial():
    found = odd(keep=lambda frame: frame.index == 0)
    assert found.effects.pooled == ()
    assert "no factor varies" in without(found)


@pytest.mark.parametrize("number", [3, *(pytest.param(one, marks=pytest.mark.slow) for one in (2, 5, 20, 60))])
def test_a_few_trials_at_random(number):
    found = odd(keep=lambda frame: frame.index.isin(np.random.default_rng(number).choice(len(frame), number, False)))
    assert sum(found.overview.counts.values()) == number
    assert without(found)


@pytest.mark.parametrize("status", ["failed", "infeasible"])
def test_nothing_ran(status):
    frame = frame_of(SMALL)
    lost = {name: np.nan for name in frame if name.startswith(("metric.", "cost.", "group."))}
    found = odd(status=status, reason=None, hit=np.nan, **lost)
    assert found.effects.pooled == found.anova.terms == found.mixed.effects == found.pareto.points == ()
    assert {one.verdict for one in found.hypotheses.contrasts} == {"not tested"}


@pytest.mark.slow
def test_no_figures():
    frame = frame_of(SMALL)
    found = odd(**{name: np.nan for name in frame if name.startswith(("metric.", "cost.", "group.")) or name == "hit"})
    assert found.effects.pooled == ()
    assert "no targets were asked" in without(found)


@pytest.mark.slow
def test_figures_that_are_no_numbers():
    values = frame_of(SMALL)[ACCURACY].to_numpy()
    third = np.arange(len(values)) % 3 == 0
    for bad in (np.inf, 1e200):
        found = odd(**{ACCURACY: np.where(third, bad, values)})
        assert next(one for one in found.overview.columns if one.name == ACCURACY).finite <= len(values)
        largest = max(abs(one.difference.value) for one in found.effects.pooled if one.metric == ACCURACY)
        assert largest < 1


def test_text_where_numbers_are_due():
    with pytest.raises(UsageError, match=f"'{ACCURACY}' does not hold numbers"):
        odd(**{ACCURACY: "high"})


@pytest.mark.slow
def test_constant_figures():
    frame = frame_of(SMALL)
    found = odd(**{name: 1.0 for name in frame if name.startswith(("metric.", "cost.", "group."))})
    assert "zero variance" in without(found)
    assert found.effects.pooled == found.anova.terms == ()


@pytest.mark.slow
@pytest.mark.parametrize("by", ["seed", "factor.mitigation", "factor.data", "factor.model"])
def test_figures_that_one_column_decides(by):
    values = pd.factorize(frame_of(SMALL)[by])[0].astype(float)
    assert odd(**{ACCURACY: values, GAP: values}).effects.pooled


def test_a_level_without_figures_of_a_metric_leaves_the_others_to_be_analysed():
    frame = frame_of(SMALL)
    found = odd(**{ACCURACY: frame[ACCURACY].where(frame["factor.mitigation"] != "atats")})
    terms = {one.term: one.df for one in found.anova.terms if one.metric == ACCURACY}
    assert (terms["mitigation"], terms["model"]) == (1, 1)
    assert f"effect of mitigation 'atats' on {ACCURACY}" in without(found)
    only = odd(**{ACCURACY: frame[ACCURACY].where(frame["factor.mitigation"] == "atats")})
    assert {one.term for one in only.anova.terms if one.metric == ACCURACY} == {
        "model",
        "constraint",
        "model × constraint",
    }
    assert f"mitigation in the analysis of {ACCURACY}: one level alone has figures" in without(only)


NEEDED = {"trial", "status", "seed", *(f"factor.{name}" for name in ("data", "model", "constraint", "mitigation"))}
COLUMNS = tuple(frame_of(SMALL).columns)


@pytest.mark.parametrize("column", sorted(NEEDED))
def test_a_needed_column_that_misses_is_named(column):
    with pytest.raises(UsageError, match=f"no column '{column}'"):
        odd(drop=[column])


def test_designs_and_seeds_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="reference 'nobody' is no level of factor 'data'"):
        odd(design=factors(reference="nobody"))
    with pytest.raises(UsageError, match="without a seed"):
        odd(seed=np.nan)
    with pytest.raises(UsageError, match="level None of factor 'model'"):
        odd(**{"factor.model": None})


def test_without_any_other_column():
    found = odd(drop=[name for name in COLUMNS if name not in NEEDED])
    assert found.overview.columns == ()
    assert found.diagnostics.circumstances.contended == 0


@pytest.mark.slow
@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in NEEDED])
def test_without_one_other_column(column):
    assert odd(drop=[column]).effects.pooled


def test_names_with_odd_characters():
    frame = frame_of(SMALL)
    columns = {name: frame[name].replace(ODD) for name in ("factor.model", "factor.mitigation")}

    def renamed(design):
        levels = [tuple(ODD.get(name, name) for name in (one.reference, *one.levels)) for one in design.factors]
        changed = tuple(
            dataclasses.replace(one, reference=names[0], levels=names[1:])
            for one, names in zip(design.factors, levels, strict=True)
        )
        return dataclasses.replace(design, factors=changed, hypotheses=())

    found = odd(design=renamed, **columns)
    assert {one.level for one in found.effects.pooled} >= {ODD["trees"], ODD["atats"], ODD["penalty"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    [
        factors(block=False),
        factors(block=True),
        constraints(dose=None),
        constraints(dose=0.0),
        constraints(dose=0.5),
        lambda design: dataclasses.replace(design, constraints={}),
        lambda design: dataclasses.replace(design, factors=(), hypotheses=()),
        lambda design: dataclasses.replace(design, alpha=0.0),
    ],
)
def test_odd_designs(design):
    assert odd(design=design).overview.counts["done"] == 72


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "reference"), [("mitigation", "baseline"), ("constraint", "none")])
def test_without_the_reference_level(factor, reference):
    found = odd(keep=lambda frame: frame[f"factor.{factor}"] != reference)
    assert not [one for one in found.effects.pooled if one.factor == factor]
    assert [one for one in found.effects.pooled if one.factor != factor]


@pytest.mark.slow
@pytest.mark.parametrize("data", [2, 9])
def test_five_hundred_levels(data):
    many = Planted(
        data=tuple(f"d{i}" for i in range(data)), seeds=2, models=tuple(f"m{i}" for i in range(500)),
        constraints={"none": CONSTRAINTS["none"]}, mitigations=("baseline", "atats"),
    )  # fmt: skip
    found = odd(many)
    assert len({one.level for one in found.effects.pooled if one.factor == "model"}) == 499
    assert "interactions: they would need more than" in without(found)


@pytest.mark.slow
def test_five_hundred_doses():
    doses = {f"p{i}": Constraint("prune", i / 501, "share", "up") for i in range(1, 500)}
    many = dataclasses.replace(SMALL, models=("mlp",), constraints={"none": CONSTRAINTS["none"], **doses})
    assert len([one for one in odd(many).dose.points if one.metric == ACCURACY and not one.data]) == 499
