"""A method has one colour and one marker everywhere, which can be seen on paper and on the dark page."""

from __future__ import annotations

import pytest

from efficienttrust.report._palette import HUES, MARKERS, styles
from efficienttrust.report._theme import DARK, LIGHT


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, faint = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (faint + 0.05)


@pytest.mark.parametrize("hue", HUES)
def test_marks_have_a_contrast_of_three_to_one_on_both_pages(hue: str) -> None:
    light, dark = HUES[hue]
    assert contrast(light, LIGHT["paper"]) >= 3
    assert contrast(dark, DARK["paper"]) >= 3


def test_no_two_levels_look_alike_as_long_as_there_are_looks() -> None:
    names = ["baseline", "trades", *(f"method {number}" for number in range(40))]
    found = styles(names)
    assert list(found) == names
    assert len({(one.light, one.marker) for one in found.values()}) == len(names)
    assert {one.marker for one in found.values()} <= set(MARKERS)


def test_a_known_method_looks_the_same_in_every_study() -> None:
    assert styles(["dual", "baseline"])["dual"] == styles(["something", "trades", "dual"])["dual"]


def test_levels_of_another_factor_do_not_take_a_look_that_is_taken() -> None:
    methods = styles(["baseline", "dual", "trades"])
    models = styles(["mlp", "trees", "linear"], list(methods.values()))
    assert not set(methods.values()) & set(models.values())
    assert len({one.light for one in models.values()}) == 3


def test_few_unknown_levels_have_hues_of_their_own() -> None:
    assert len({one.light for one in styles(list("abcdefg")).values()}) == 7


def test_more_levels_than_looks_still_have_one() -> None:
    assert len(styles([str(number) for number in range(120)])) == 120
