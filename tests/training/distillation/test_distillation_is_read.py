"""The text of a distillation: a student with commas of its own, options, and what is refused."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.training.distillation import DistilOptions, parse_distillation
from tests.small_problems import loans
from tests.training.distillation.cases import teacher_of


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", DistilOptions()),
        ("mlp(widths=32-16)", DistilOptions(student="mlp(widths=32-16)")),
        ("vit(width=0.5, depth=2), alpha=1", DistilOptions(student="vit(width=0.5, depth=2)", alpha=1.0)),
        (" alpha = 0.7,temperature=4 ", DistilOptions(alpha=0.7, temperature=4.0)),
        (
            "tabular, feature=0.1, robust=1, balanced=1, ensemble=3",
            DistilOptions(student="tabular", feature=0.1, robust=1.0, balanced=True, ensemble=3),
        ),
    ],
)
def test_texts_are_read(text, read):
    assert parse_distillation(text) == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alhpa=0.5", "Did you mean.*alpha"),
        ("alpha=0.5, alpha=1", "twice"),
        ("alpha=half", "alpha=NUMBER"),
        ("alpha=1.5", "from 0 to 1"),
        ("temperature=-1", "above 0"),
        ("feature=-1", "0 or more"),
        ("balanced=2", "on or off"),
        ("ensemble=1.5", "whole number"),
        ("ensemble=1000", "from 0 to 64"),
        ("alpha=0.5, mlp", "the student stands first"),
        ("mpl(widths=32)", "Did you mean.*mlp"),
        ("mlp(depth=3)", "option of mlp"),
    ],
)
def test_faults_are_named(text, said):
    with pytest.raises(UsageError, match=said):
        parse_distillation(text)


def test_options_become_a_distillation_by_their_teachers():
    teacher = teacher_of(loans())
    made = parse_distillation("alpha=0.7, feature=0.2, ensemble=1").taught_by([teacher, teacher])
    assert (made.alpha, made.feature, made.temperature, made.given, len(made.teachers)) == (0.7, 0.2, None, True, 2)
    assert "1 more of its kind" in made.said
