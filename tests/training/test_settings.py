"""How a module is trained is checked when it is said."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.training import Settings, parse_augmentation


@pytest.mark.parametrize(
    ("text", "strengths"),
    [
        ("none", {}),
        (" None ", {}),
        ("crop=1, flip=0.5", {"crop": 1.0, "flip": 0.5}),
        ("flip=0.5,crop=1,", {"crop": 1.0, "flip": 0.5}),
        ("mixup", {"mixup": 1.0}),
        ("cutout = 0", {"cutout": 0.0}),
    ],
)
def test_strengths_are_read(text, strengths):
    assert parse_augmentation(text) == strengths
    assert Settings(augmentation=parse_augmentation(text)).augmentation == strengths


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flop=1", "unknown augmentation 'flop'. Did you mean"),
        ("crop=2", "crop=2: the strength is a number from 0 to 1"),
        ("crop=-0.1", "from 0 to 1"),
        ("crop=nan", "from 0 to 1"),
        ("crop=inf", "from 0 to 1"),
        ("crop=much", "'crop=much': write NAME=STRENGTH"),
        ("=1", "unknown augmentation ''"),
        ("none, crop", "unknown augmentation 'none'"),
        ("flip=0.1,flip=0.2", "augmentation flip is given twice in 'flip=0.1,flip=0.2'"),
    ],
)
def test_what_is_no_strength_is_refused_in_one_line(text, said):
    with pytest.raises(UsageError) as refused:
        parse_augmentation(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"precision": "fp8"}, "unknown precision 'fp8'"),
        ({"precision": "BF16"}, "unknown precision 'BF16'. Did you mean 'bf16'"),
        ({"augmentation": {"crop": 1.5}}, "from 0 to 1"),
        ({"augmentation": {"zoom": 0.5}}, "unknown augmentation 'zoom'"),
        ({"distil": 1.1}, "from 0 to 1"),
        ({"distil": float("nan")}, "from 0 to 1"),
        ({"compile": "yes"}, "unknown choice of compile 'yes'"),
    ],
)
def test_settings_are_checked_when_they_are_made(given, said):
    with pytest.raises(UsageError) as refused:
        Settings(**given)
    assert said in str(refused.value)


def test_the_order_of_augmentations_makes_no_other_settings():
    one, other = {"flip": 0.5, "crop": 1.0}, {"crop": 1, "flip": 0.5}
    assert repr(Settings(augmentation=one)) == repr(Settings(augmentation=other)), "a checkpoint compares the text"
