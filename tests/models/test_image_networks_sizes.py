"""Image networks have the published sizes, scale by their width, and read any channels and sizes from 8 pixels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.models import Inputs, make_network
from efficienttrust.models.counting import count_flops, count_parameters
from tests.models.network_cases import images, network, rows

NAMES = ["linear", "resnet8", "resnet20", "resnet18", "resnet34", "resnet50", "vit"]


def on_meta(name: str, inputs: Inputs, outputs: int, **options) -> nn.Module:
    """The structure alone: weights of large networks take seconds to draw."""
    with torch.device("meta"):
        return make_network(name, inputs, outputs, seed=0, **options)


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("resnet20", 269_722, 40_551_040),
        ("resnet32", 464_154, 68_862_592),
        ("resnet56", 853_018, 125_485_696),
        ("resnet110", 1_727_962, 252_887_680),
    ],
)
def test_cifar_family_has_the_sizes_of_the_paper(name, parameters, multiply_adds):
    """0.27, 0.46, 0.85 and 1.7 million parameters in Table 6 of He et al. 2016; exact ones by option A."""
    module = on_meta(name, Inputs("image", (3, 32, 32)), 10)
    assert count_parameters(module).total == parameters
    assert count_flops(module, [torch.zeros(2, 3, 32, 32)]).multiply_adds == multiply_adds


def convolutions_and_norms(*triples: tuple[int, int, int]) -> int:
    return sum(inputs * outputs * kernel**2 + 2 * outputs for inputs, outputs, kernel in triples)


def test_resnet8_by_hand():
    by_hand = convolutions_and_norms(
        (3, 16, 3), (16, 16, 3), (16, 16, 3), (16, 32, 3), (32, 32, 3), (32, 64, 3), (64, 64, 3)
    )
    assert count_parameters(on_meta("resnet8", Inputs("image", (3, 32, 32)), 10)).total == by_hand + 64 * 10 + 10


@pytest.mark.parametrize(
    ("name", "parameters", "giga"),
    [("resnet18", 11_689_512, 1.814), ("resnet34", 21_797_672, 3.664), ("resnet50", 25_557_032, 4.089)],
)
def test_imagenet_family_has_the_sizes_of_torchvision(name, parameters, giga):
    """1.81, 3.66 and 4.09 billion multiply-adds on 224 x 224 pixels in torchvision's table."""
    module = on_meta(name, Inputs("image", (3, 224, 224)), 1000)
    assert count_parameters(module).total == parameters
    assert count_flops(module, [torch.zeros(1, 3, 224, 224)]).multiply_adds / 1e9 == pytest.approx(giga, abs=1e-3)


def test_vit_is_ti_without_its_class_token():
    """ViT-Ti/16 has 5,717,416 parameters, of which a class token and 197 learned positions are none here."""
    module = on_meta("vit", Inputs("image", (3, 224, 224)), 1000, depth=12)
    assert count_parameters(module).total == 5_717_416 - 192 - 197 * 192


def test_vit_counts_by_hand():
    inputs = Inputs("image", (3, 32, 32))
    count = count_flops(on_meta("vit", inputs, 10, depth=2), [torch.zeros(2, 3, 32, 32)])
    tokens, units, heads = 64, 192, 3
    products = tokens * (4 * units * units + 2 * 4 * units * units)  # projections; the two layers
    attention = heads * tokens * tokens * 2 * (units // heads)
    assert count.multiply_adds == tokens * units * 3 * 4 * 4 + 2 * (products + attention) + units * 10


def test_small_images_keep_their_size_in_the_stem():
    small = on_meta("resnet18", Inputs("image", (3, 63, 200)), 10)
    large = on_meta("resnet18", Inputs("image", (3, 64, 200)), 10)
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in small.modules())
    assert any(isinstance(layer, nn.MaxPool2d) for layer in large.modules())
    assert small.stem(small.standardise(torch.zeros(1, 3, 63, 200, device="meta"))).shape == (1, 64, 63, 200)
    assert large.stem(large.standardise(torch.zeros(1, 3, 64, 200, device="meta"))).shape == (1, 64, 16, 50)


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "resnet50", "vit"])
def test_width_scales_the_layers(name):
    counts = [count_parameters(on_meta(name, images(), 3, width=width)).total for width in (0.1, 0.5, 1.0, 2.0)]
    assert counts == sorted(counts)
    assert counts[3] / counts[2] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 9, 13)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_any_channels_and_sizes(name, shape, outputs):
    module = on_meta(name, Inputs("image", shape), outputs)
    assert module(torch.zeros(5, *shape, device="meta")).shape == ((5,) if outputs == 1 else (5, outputs))


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "vit"])
def test_odd_sizes_have_numbers_too(name):
    inputs = images(2, 9, 13)
    assert network(name, inputs, width=0.25)(rows(inputs, 3)).isfinite().all()


@pytest.mark.parametrize("name", NAMES[1:])
def test_what_is_too_small_is_refused(name):
    with pytest.raises(UsageError, match=rf"network '{name}' reads images of at least 8 x 8 pixels, not 7 x 20"):
        make_network(name, Inputs("image", (3, 7, 20)), 2, seed=0)


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "vit"])
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_width_that_is_no_factor_is_refused(name, width):
    with pytest.raises(UsageError, match="width is a factor of the published widths: give a number above 0"):
        make_network(name, images(), 2, seed=0, width=width)


def test_vit_without_blocks_is_refused():
    with pytest.raises(UsageError, match="vit needs depth >= 1"):
        make_network("vit", images(), 2, seed=0, depth=0)
