"""The modulation against feature-wise modulation written out, and its gradients against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from efficienttrust.models import build_mlp
from efficienttrust.training.conditional import Modulation, modulated_units

TOLD = torch.tensor([0.3, -0.7])


class Small(nn.Module):
    """A convolution, a norm and two linear layers: one of each kind that is modulated."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 3, 3)
        self.inner = nn.Linear(3, 5)
        self.last = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x)).mean((2, 3))
        answer: Tensor = self.last(torch.relu(self.inner(x)))
        return answer


class Recurrent(nn.Module):
    def __init__(self, cell: type[nn.Module]) -> None:
        super().__init__()
        self.cell = cell(3, 4, num_layers=2, batch_first=True)
        self.last = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.last(self.cell(x)[0][:, -1]).squeeze(1)
        return answer


def modulated(network: nn.Module, seed: int = 0, size: float = 0.3) -> Modulation:
    """Return a modulation whose side network says something, which it does not before it has been trained."""
    made = Modulation(network, {}, seed)
    generator = torch.Generator().manual_seed(seed)
    for name in ("side.last", "side.shift"):
        made.weights[name].copy_(torch.randn(made.weights[name].shape, generator=generator).mul_(size))
    made.changed()
    return made


def effects(weights: dict[str, Tensor]) -> Tensor:
    hidden = torch.tanh(weights["side.first"] @ TOLD + weights["side.bias"])
    return weights["side.last"] @ hidden + weights["side.shift"]


def written_out(made: Modulation, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the plain network's parameters at TOLD, differentiable by everything that is trained."""
    said, start = effects(weights), 0
    plain = {name: one for name, one in weights.items() if not name.startswith("side.")}
    for unit in made.units:
        gamma, beta = said[start : start + unit.count], said[start + unit.count : start + 2 * unit.count]
        start += 2 * unit.count
        for name in unit.scaled:
            one = weights[name]
            plain[name] = one * (1 + gamma).reshape(-1, *[1] * (one.ndim - 1))
            if name == unit.shifted:
                plain[name] = plain[name] + beta
    return plain


def cases() -> list[tuple[nn.Module, Tensor]]:
    torch.manual_seed(0)
    return [
        (build_mlp(n_features=7, widths=(6, 5), seed=0), torch.randn(9, 7)),
        (Small(), torch.randn(6, 1, 8, 8)),
        (Recurrent(nn.LSTM), torch.randn(5, 4, 3)),
        (Recurrent(nn.GRU), torch.randn(5, 4, 3)),
        (nn.Sequential(nn.Linear(7, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1)), torch.randn(9, 7)),
    ]


@pytest.mark.parametrize("case", range(5), ids=["mlp", "convolutions", "lstm", "gru", "layer norm"])
def test_a_setting_is_the_plain_network_of_the_modulated_weights(case: int) -> None:
    network, x = cases()[case]
    made = modulated(network)
    made.tell(TOLD)
    expected = functional_call(network, written_out(made, made.weights), (x,))
    torch.testing.assert_close(network(x), expected, rtol=1e-6, atol=1e-6)


def test_units_are_scaled_and_shifted_before_their_non_linearity() -> None:
    network = build_mlp(n_features=7, widths=(6,), seed=0)
    made = modulated(network)
    made.tell(TOLD)
    said = effects(made.weights)
    gamma, beta = said[:6], said[6:]
    x = torch.randn(4, 7)
    inner = (x @ made.weights["linears.0.weight"].t() + made.weights["linears.0.bias"]) * (1 + gamma) + beta
    expected = torch.relu(inner) @ made.weights["linears.1.weight"].t() + made.weights["linears.1.bias"]
    torch.testing.assert_close(network(x), expected.squeeze(1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", range(5), ids=["mlp", "convolutions", "lstm", "gru", "layer norm"])
def test_gradients_are_those_of_autograd(case: int) -> None:
    network, x = cases()[case]
    made = modulated(network)
    made.tell(TOLD)
    made.network.zero_grad(set_to_none=True)
    network(x).square().mean().backward()
    made.take_gradients()
    leaves = {name: one.detach().clone().requires_grad_() for name, one in made.weights.items()}
    functional_call(network, written_out(made, leaves), (x,)).square().mean().backward()
    for name, leaf in leaves.items():
        assert leaf.grad is not None, name
        torch.testing.assert_close(made.gradients[name], leaf.grad, rtol=1e-4, atol=1e-6)


def test_before_training_every_setting_is_the_network_that_was_given() -> None:
    network, x = build_mlp(n_features=7, widths=(6, 5), seed=3), torch.randn(9, 7)
    before = network(x).detach()
    made = Modulation(network, {}, seed=0)
    for told in (torch.zeros(2), torch.tensor([-1.0, 1.0]), TOLD):
        made.tell(told)
        assert torch.equal(network(x), before)


def test_the_last_layer_and_layers_without_a_bias_are_left_alone() -> None:
    named = {name for unit in modulated_units(Small()) for name in unit.scaled}
    assert named == {"norm.weight", "norm.bias", "second.weight", "second.bias", "inner.weight", "inner.bias"}


def test_every_decay_has_a_flat_parameter_of_its_own() -> None:
    network = Small()
    decays = {one: 0.1 if one.ndim > 1 else 0.0 for one in network.parameters()}
    made = Modulation(network, decays, seed=0)
    sizes = {group["weight_decay"]: group["params"][0].numel() for group in made.groups}  # type: ignore[index]
    decayed = sum(one.numel() for one in network.parameters() if one.ndim > 1)
    assert sizes[0.1] == decayed
    assert sum(sizes.values()) == sum(one.numel() for one in made.weights.values())


def test_a_state_taken_back_is_the_same_network() -> None:
    network, x = build_mlp(n_features=7, widths=(6, 5), seed=0), torch.randn(9, 7)
    made = modulated(network)
    made.tell(TOLD)
    state, before = made.state_dict(), network(x).detach()
    for one in made.weights.values():
        one.add_(1.0)
    made.changed()
    made.tell(TOLD)
    assert not torch.equal(network(x), before)
    made.load_state_dict(state)
    assert torch.equal(network(x), before)
