"""What holds for all corruptions: range, any size, the same result for a row in any batch, worse with severity."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.threats.corruptions import COMMON, EXTRA, SEVERITIES, TABLES, corrupt, corruption, image_corruptions
from tests.threats.corruptions.references import as_tensor, pictures

ALL = (*COMMON, *EXTRA)
every_corruption = pytest.mark.parametrize("name", ALL)

RANDOM = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "glass_blur",
    "motion_blur",
    "snow",
    "frost",
    "fog",
    "elastic_transform",
    "speckle_noise",
    "spatter",
)


def test_all_19_are_there() -> None:
    assert len(ALL) == 19
    assert set(ALL) <= set(image_corruptions.names())


@every_corruption
@pytest.mark.parametrize("size", [(8, 8), (9, 13), (17, 8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_gives_images_of_that_size_in_range(name: str, size: tuple[int, int], channels: int) -> None:
    images = as_tensor(pictures(4, *size, channels))
    for table in TABLES:
        for severity in SEVERITIES:
            result = corrupt(images, name, severity, table=table)
            assert result.shape == images.shape
            assert result.dtype == torch.float32
            assert bool(((result >= 0) & (result <= 1)).all())  # fails for NaN too


@every_corruption
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_images_stay_in_range(name: str, value: float) -> None:
    result = corrupt(torch.full((2, 3, 16, 16), value), name, 5)
    assert bool(((result >= 0) & (result <= 1)).all())


@every_corruption
def test_a_row_does_not_depend_on_its_batch(name: str) -> None:
    images = as_tensor(pictures(7, 16, 20))
    whole = corrupt(images, name, 4, seed=3)
    for rows in ([0, 1, 2], [3], [6, 5, 2, 0]):
        part = corrupt(images[rows], name, 4, seed=3, rows=rows)
        torch.testing.assert_close(part, whole[rows], rtol=0, atol=1e-6)
    others = images.clone()
    others[1:] = 1 - others[1:]
    torch.testing.assert_close(corrupt(others, name, 4, seed=3)[0], whole[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["gaussian_noise", "defocus_blur", "spatter", "jpeg_compression"])
def test_large_batches_are_worked_on_in_parts_without_a_trace(name: str) -> None:
    images = as_tensor(pictures(4, 32, 32)).repeat(60, 1, 1, 1)  # more values than one part holds
    whole = corrupt(images, name, 3)
    torch.testing.assert_close(whole[200:], corrupt(images[200:], name, 3, rows=range(200, 240)), rtol=0, atol=1e-6)


@every_corruption
def test_the_seed_decides(name: str) -> None:
    images = as_tensor(pictures(2, 16, 16))
    first = corrupt(images, name, 3, seed=1)
    torch.testing.assert_close(corrupt(images, name, 3, seed=1), first, rtol=0, atol=0)
    assert torch.equal(corrupt(images, name, 3, seed=2), first) == (name not in RANDOM)


@pytest.mark.parametrize("name", RANDOM)
def test_rows_of_a_batch_get_different_draws(name: str) -> None:
    picture = as_tensor(pictures(1, 24, 24)).repeat(2, 1, 1, 1)
    first, second = corrupt(picture, name, 5)
    assert not torch.equal(first, second)


def test_a_generator_takes_the_place_of_the_seed() -> None:
    images = as_tensor(pictures(2, 8, 8))
    draws = [corrupt(images, "fog", 2, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@every_corruption
@pytest.mark.parametrize("table", TABLES)
def test_images_are_left_alone(name: str, table: str) -> None:
    images = as_tensor(pictures(3, 16, 16))
    before = images.clone()
    corrupt(images, name, 5, table=table)
    assert torch.equal(images, before)


@every_corruption
@pytest.mark.parametrize(("table", "side"), [("cifar", 32), ("imagenet", 64)])
def test_severity_5_does_more_than_severity_1(name: str, table: str, side: int) -> None:
    images = as_tensor(pictures(2, side, side)).repeat(4, 1, 1, 1)
    mild, strong = (corrupt(images, name, severity, table=table) for severity in (1, 5))
    if name == "elastic_transform":  # the published constants trade one kind of bending for another
        assert bool(((strong - images).abs().mean((1, 2, 3)) > 0.005).all())
    elif name == "frost":  # the severest frost leaves less of the picture, but is no brighter
        left = [torch.corrcoef(torch.stack((part.flatten(), images.flatten())))[0, 1] for part in (mild, strong)]
        assert left[1] < left[0] - 0.05
    else:
        assert (strong - images).square().mean() > 1.2 * (mild - images).square().mean()


def test_small_images_take_cifars_table_and_say_so() -> None:
    small, large = (corruption("fog", 2, size=size) for size in ((64, 64), (64, 65)))
    assert (small.table, large.table) == ("cifar", "imagenet")
    assert "64 x 64 pixels, at most 64" in small.reason
    assert "64 x 65 pixels, more than 64" in large.reason
    assert corruption("fog", 2, size=(32, 32), table="imagenet").table == "imagenet"
    images = as_tensor(pictures(2, 32, 32))
    assert torch.equal(corrupt(images, "contrast", 3), corrupt(images, "contrast", 3, table="cifar"))
    assert not torch.equal(corrupt(images, "contrast", 3), corrupt(images, "contrast", 3, table="imagenet"))


@every_corruption
def test_every_corruption_has_a_definition(name: str) -> None:
    definition = corruption(name, 1, size=(32, 32)).definition
    assert len(definition.split()) > 4


@pytest.mark.parametrize("name", ["brightness", "frost", "spatter", "contrast", "snow", "fog"])
def test_one_channel_is_treated_like_grey_colour(name: str) -> None:
    """A grey picture of three equal channels, made one channel again, is what one channel gives."""
    grey = as_tensor(pictures(2, 16, 16, channels=1))
    one, three = corrupt(grey, name, 2), corrupt(grey.expand(-1, 3, -1, -1).contiguous(), name, 2)
    luminance = (three * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    bright = one > 0.98  # where a coloured overlay is cut at 1, the channels part
    torch.testing.assert_close(one[~bright], luminance[~bright], rtol=0, atol=0.03)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_corruption
def test_cuda_gives_what_the_cpu_gives(name: str) -> None:
    images = as_tensor(pictures(4, 32, 40))
    there = corrupt(images.cuda(), name, 4).cpu()
    apart = (there - corrupt(images, name, 4)).abs()
    assert apart.mean() < 1e-3  # a threshold may fall to the other side here and there
