"""What holds for every augmentation: the dial, the seed, rows, types, what comes in stays as it was."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.training.augmentation import (
    Augmentation,
    Augmented,
    Mixing,
    anatomical_strengths,
    augment,
    augmentations,
    natural_strengths,
)

NAMES = ["augmix", "crop", "cutout", "flip", "mixup"]
PLAIN = [name for name in NAMES if name != "mixup"]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 24, channels: int = 3, height: int = 16, width: int = 16) -> torch.Tensor:
    return torch.rand(n, channels, height, width, generator=generator(100))


def test_all_are_registered_and_know_what_they_are():
    assert augmentations.names() == NAMES
    for name in NAMES:
        assert isinstance(augmentations.get(name), Mixing if name == "mixup" else Augmentation)


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_is_the_identity_bit_for_bit(name):
    x, thing = images(), augmentations.get(name)
    unchanged = thing.mix(x, 0.0, generator()).images if isinstance(thing, Mixing) else thing.apply(x, 0.0, generator())
    assert torch.equal(unchanged, x)
    source = generator()
    before = source.get_state()
    assert augment(x, {name: 0.0}, source) == Augmented(x)
    assert torch.equal(source.get_state(), before), "nothing is drawn"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [0.1, 1.0])
@pytest.mark.parametrize("shape", [(24, 3, 16, 16), (5, 1, 9, 13), (1, 4, 8, 8), (0, 3, 16, 16)])
def test_shape_type_range_and_the_input_stay(name, strength, shape):
    x = images(*shape)
    kept = x.clone()
    found = augment(x, {name: strength}, generator()).images
    assert (found.shape, found.dtype) == (x.shape, x.dtype)
    assert torch.equal(x, kept)
    assert ((found >= 0.0) & (found <= 1.0)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_determines_the_batch_whatever_the_global_state(name):
    x = images()
    first = augment(x, {name: 1.0}, generator(3)).images
    torch.rand(17)
    assert torch.equal(augment(x, {name: 1.0}, generator(3)).images, first)
    assert not torch.equal(augment(x, {name: 1.0}, generator(4)).images, first)


@pytest.mark.parametrize("name", NAMES)
def test_the_global_state_is_left_alone(name):
    before = torch.random.get_rng_state()
    augment(images(), {name: 1.0}, generator())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", PLAIN)
def test_each_image_has_draws_of_its_own(name):
    one = images(1).expand(200, -1, -1, -1)
    assert len(augment(one, {name: 1.0}, generator()).images.flatten(1).unique(dim=0)) > 1 + (name != "flip")


@pytest.mark.parametrize("name", PLAIN)
def test_an_image_does_not_see_the_others(name):
    x = images()
    other = x.clone()
    other[5] = torch.rand(other[5].shape, generator=generator(7))
    same = [i for i in range(len(x)) if i != 5]
    first, second = (augment(batch, {name: 1.0}, generator(3)).images for batch in (x, other))
    torch.testing.assert_close(first[same], second[same], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", PLAIN)
def test_more_strength_changes_more(name):
    x = images(200)
    weak, strong = ((augment(x, {name: s}, generator()).images - x).abs().mean() for s in (0.5, 1.0))
    assert 0 < weak < strong


def test_order_is_that_given_and_mixing_comes_last():
    x = images()
    together = augment(x, {"mixup": 0.5, "cutout": 1.0, "crop": 1.0}, source := generator())
    cut = augment(x, {"cutout": 1.0}, again := generator()).images
    expected = augment(augment(cut, {"crop": 1.0}, again).images, {"mixup": 0.5}, again)
    assert torch.equal(together.images, expected.images)
    assert torch.equal(together.partners, expected.partners)
    assert torch.equal(source.get_state(), again.get_state())


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_strengths_outside_their_range_are_refused(strength):
    with pytest.raises(UsageError, match="the strength of augmentation 'crop' is from 0 to 1"):
        augment(images(), {"crop": strength}, generator())


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(UsageError, match=r"unknown augmentation 'cut'\. Did you mean"):
        augment(images(), {"cut": 0.0}, generator())


def test_two_mixings_are_refused():
    name = "test_second_mixing"
    augmentations.register(name)(augmentations.get("mixup"))
    try:
        with pytest.raises(UsageError, match="only one augmentation can mix"):
            augment(images(), {"mixup": 0.5, name: 0.5}, generator())
    finally:
        del augmentations._things[name], augmentations._aliases[name]


def test_anatomical_images_are_not_mirrored():
    assert "flip" not in anatomical_strengths()
    assert natural_strengths()["flip"] == 1.0
    for strengths in (anatomical_strengths(), natural_strengths()):
        assert augment(images(), strengths, generator()).partners is None
