"""Image networks standardise pixels, start well, treat rows apart, have gradients, and fold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from efficienttrust.models import Inputs, make_network
from efficienttrust.threats._module import BATCH_NORMS, _folded
from tests.models.network_cases import images, network, rows

SMALL = {
    "linear": {},
    "resnet8": {"width": 0.5},
    "resnet20": {"width": 0.25},
    "resnet18": {"width": 0.1},
    "resnet50": {"width": 0.1},
    "vit": {"width": 0.25, "depth": 2},
}


@pytest.mark.parametrize("name", SMALL)
def test_sample_has_zero_mean_and_unit_variance_inside(name):
    inputs = images()
    inside = make_network(name, inputs, 2, seed=0, **SMALL[name]).standardise(torch.from_numpy(inputs.sample))
    torch.testing.assert_close(inside.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(inside.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_constant_channels_are_only_shifted_and_without_a_sample_the_range_is_centred():
    sample = np.full((4, 2, 8, 8), 0.25, dtype=np.float32)
    inside = make_network("linear", Inputs("image", (2, 8, 8), sample=sample), seed=0).standardise
    assert float(inside(torch.full((1, 2, 8, 8), 0.75)).mean()) == 0.5
    inside = make_network("linear", Inputs("image", (1, 8, 8)), seed=0).standardise
    assert inside(torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 3, 1)).flatten().tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("name", SMALL)
def test_rows_do_not_depend_on_their_batch(name):
    inputs = images()
    module, x = network(name, inputs, **SMALL[name]), rows(inputs, 9)
    with torch.no_grad():
        together = module(x)
        alone = torch.cat([module(row[None]) for row in x])
        moved = module(x.flip(0)).flip(0)
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(moved, together, rtol=1e-4, atol=1e-5)
    assert len(together.unique(dim=0)) == 9


@pytest.mark.parametrize("name", SMALL)
def test_gradients_are_finite_and_belong_to_their_row(name):
    inputs = images()
    module, x = network(name, inputs, outputs=1, **SMALL[name]), rows(inputs, 4).requires_grad_(True)
    (gradient,) = torch.autograd.grad(module(x)[2], x)
    assert gradient.isfinite().all()
    assert gradient[2].abs().sum() > 0
    assert not gradient[[0, 1, 3]].any()
    flat = torch.full((2, *inputs.shape), 0.5, requires_grad=True)  # every value and every statistic the same
    (gradient,) = torch.autograd.grad(module(flat).sum(), flat)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_determines_the_weights(name):
    first, again, other = (
        nn.utils.parameters_to_vector(make_network(name, images(), 3, seed=seed, **SMALL[name]).parameters())
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "resnet50"])
def test_batch_norms_fold_into_convolutions(name):
    inputs = images()
    module, x = network(name, inputs, **SMALL[name]), rows(inputs, 4)
    folded = _folded(module, x)
    assert any(isinstance(layer, BATCH_NORMS) for layer in module.modules())
    assert not any(isinstance(layer, BATCH_NORMS) for layer in folded.modules())
    torch.testing.assert_close(folded(x), module(x).detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet8", "resnet18", "resnet50"])
def test_zero_gamma_starts_as_the_shortcuts_alone(name):
    inputs = images()
    module = make_network(name, inputs, 2, seed=0, zero_gamma=True, **SMALL[name]).eval()
    x = rows(inputs, 3)
    with torch.no_grad():
        features = module.stem(module.standardise(x))
        expected = features
        for block in module.blocks:
            expected = torch.relu(block.shortcut(expected))
        torch.testing.assert_close(module.blocks(features), expected)
        plain = make_network(name, inputs, 2, seed=0, zero_gamma=False, **SMALL[name]).eval()
        assert not torch.allclose(plain.blocks(features), expected)


def test_he_initialisation_keeps_the_variance_of_gradients():
    module = make_network("resnet20", images(), 2, seed=0)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.out_channels * layer.kernel_size[0] ** 2
            assert float(layer.weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.15)


def test_shortcut_without_parameters_takes_every_second_pixel_and_centres_the_channels():
    shortcut = make_network("resnet8", images(), 2, seed=0, width=0.25).blocks[1].shortcut
    x = torch.arange(2.0 * 4 * 3 * 5).view(2, 4, 3, 5)
    found = shortcut(x)
    assert found.shape == (2, 8, 2, 3)
    assert torch.equal(found[:, 2:6], x[:, :, [0, 2]][..., [0, 2, 4]])
    assert not found[:, :2].any()
    assert not found[:, 6:].any()


def test_vit_extends_images_by_their_mean_colour():
    inputs = images(3, 10, 11)
    module = network("vit", inputs, width=0.25, depth=1, patch=4)
    padded = Inputs("image", (3, 12, 12), sample=inputs.sample)
    larger = network("vit", padded, width=0.25, depth=1, patch=4)
    larger.load_state_dict(module.state_dict())
    x = rows(inputs, 2)
    extended = module.standardise.mean.expand(2, 3, 12, 12).clone()
    extended[:, :, :10, :11] = x
    torch.testing.assert_close(larger(extended), module(x))


@pytest.mark.parametrize(("name", "steps"), [("resnet8", 15), ("vit", 40)])
def test_learns_a_simple_difference(name, steps):
    """Brighter above than below, or the reverse: a few steps of AdamW at the rate that the network names."""
    from efficienttrust.models import networks

    inputs = images(1, 8, 8)
    x, y = rows(inputs, 64), torch.arange(64) % 2
    x[y == 1, :, :4] += 0.5
    x[y == 0, :, 4:] += 0.5
    module = make_network(name, inputs, 2, seed=0, **SMALL[name]).train()
    optimiser = torch.optim.AdamW(module.parameters(), networks.get(name).learning_rate)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimiser.step()
    assert float((module(x).argmax(1) == y).float().mean()) > 0.95
