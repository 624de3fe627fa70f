"""A limitation that cannot be read, or does not fit the problem, is an error of one line that says what to do."""

from __future__ import annotations

import re

import numpy as np
import pytest
from limited_problems import make_table, pictures, tabular

from efficienttrust.data import load_problem
from efficienttrust.data.limitations import limit, parse_limitation
from efficienttrust.errors import UsageError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label_noise", "is not of the form name(level, option=value, …)"),
        ("", "is not of the form"),
        ("lable_noise(0.2)", "Did you mean 'label_noise'?"),
        ("label_noise()", "the level '' is no number from 0 to just below 1"),
        ("label_noise(1)", "the level '1' is no number from 0 to just below 1"),
        ("label_noise(-0.1)", "the level '-0.1' is no number"),
        ("label_noise(nan)", "the level 'nan' is no number"),
        ("label_noise(inf)", "the level 'inf' is no number"),
        ("label_noise(20%)", "the level '20%' is no number"),
        ("label_noise(0.2, kind=clas)", "Did you mean 'class'?"),
        ("label_noise(0.2, knd=class)", "has no option 'knd'. Did you mean 'kind'?"),
        ("label_noise(0.2, kind=class, kind=class)", "option 'kind' is given twice"),
        ("label_noise(0.2, by=sex)", "lacks group=…"),
        ("label_noise(0.2, group=F)", "lacks by=…"),
        ("label_noise(0.2, by=, group=F)", "option 'by' has no value"),
        ("fewer_rows(0.2, by=sex)", "has no option 'by'. It has none."),
        ("biased_sampling(0.2)", "lacks by=…"),
        ("selective_labels(0.2, kind=negative)", "lacks by=…"),
    ],
)
def test_text_that_cannot_be_read(text, said):
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        parse_limitation(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" label_noise( 0.20 ) ", "label_noise(0.2)"),
        ("label_noise(0.2,kind=uniform)", "label_noise(0.2)"),
        ("label_noise(0.2, group = F, by=sex)", "label_noise(0.2, by=sex, group=F)"),
        ("missing_features(.3, kind=columns)", "missing_features(0.3)"),
        (
            "biased_sampling(0.5, by=race, group=Asian, other (1))",
            "biased_sampling(0.5, by=race, group=Asian, other (1))",
        ),
    ],
)
def test_text_has_one_canonical_form(text, canonical):
    limitation = parse_limitation(text)
    assert limitation.text == canonical
    assert parse_limitation(canonical) == limitation


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("biased_sampling(0.5, by=sx, group=F)", "Did you mean 'sex'?"),
        ("biased_sampling(0.5, by=region, group=nort)", "Did you mean 'north'?"),
        ("missing_sensitive(0.5, by=sexes)", "Did you mean 'sex'?"),
    ],
)
def test_names_that_the_problem_does_not_know(text, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        limit(tabular(), text)


def test_groups_need_a_sensitive_column():
    problem = load_problem(make_table(400, 0), label="approved")
    for text in ("missing_sensitive(0.5)", "biased_sampling(0.5, by=sex, group=F)", "missing_sensitive(0.5, by=sex)"):
        with pytest.raises(UsageError, match="needs groups: name"):
            limit(problem, text)


def test_images_have_no_columns_and_many_classes_no_positive_one():
    for text in ("missing_features(0.5)", "missing_features(0.5, kind=cells)"):
        with pytest.raises(UsageError, match="images have none: use it on tables"):
            limit(pictures(), text)
    with pytest.raises(UsageError, match="is for binary labels; these are multiclass"):
        limit(pictures(), "selective_labels(0.5, by=class, group=class 1)")


def test_the_last_row_of_a_class_is_not_taken():
    with pytest.raises(UsageError, match=r"leaves no row labelled '(yes|no)' in split 'monitor': lower its level"):
        limit(tabular(), "fewer_rows(0.99)")
    with pytest.raises(UsageError, match="leaves no row labelled 'yes'"):
        limit(tabular(), "label_noise(0.999, kind=class)")


def test_numbers_are_not_classes():
    table = make_table(400, 0)
    table["y"] = np.arange(400) / 7
    problem = load_problem(table, label="y", task="regression", sensitive="sex")
    assert len(limit(problem, "fewer_rows(0.5)").splits["train"].y) < len(problem.splits["train"].y)
    with pytest.raises(UsageError, match="leaves fewer than two values of the label in split"):
        limit(problem, "fewer_rows(0.995)")


def test_the_last_row_with_a_weight_is_not_taken():
    table = make_table(400, 0)
    table["w"] = 0.0
    problem = load_problem(table.assign(w=1.0), label="approved", sensitive="sex", weight="w")
    lonely = problem.splits["monitor"].rows[:1]
    table.loc[problem.splits["test"].rows, "w"] = 1.0
    table.loc[lonely, "w"] = 1.0
    table.loc[problem.splits["train"].rows, "w"] = 1.0
    table.loc[problem.splits["calibrate"].rows, "w"] = 1.0
    weighted = load_problem(table, label="approved", sensitive="sex", weight="w")
    assert np.count_nonzero(weighted.splits["monitor"].weight) == 1
    seed = next(
        seed for seed in range(20) if lonely not in limit(problem, "fewer_rows(0.7)", seed).splits["monitor"].rows
    )
    with pytest.raises(UsageError, match="leaves no row with a weight in split 'monitor'"):
        limit(weighted, "fewer_rows(0.7)", seed)


def test_a_group_whose_last_known_row_went_is_named():
    rare = limit(tabular(400), "biased_sampling(0.9999, by=region, group=east)")
    east = rare.attribute_names["region"].index("east")
    several = (limit(rare, "missing_sensitive(0.9)", seed) for seed in range(40))
    empty = next(found for found in several if not np.any(found.splits["train"].codes["region"] == east))
    assert "no training row is known to be 'east' (region) any more" in empty.notes
    with pytest.raises(UsageError, match="no row of the train split is 'east'; choose another group"):
        limit(empty, "biased_sampling(0.5, by=region, group=east)")


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="Give a whole number of 0 or more"):
        limit(tabular(), "label_noise(0.2)", -1)
