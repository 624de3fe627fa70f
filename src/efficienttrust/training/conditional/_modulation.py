"""The modulation: a small side network that scales and shifts the units of any network by what it is told.

It acts on weights: a unit with weights w and bias b becomes (1 + γ) w and (1 + γ) b + β, which is feature-wise
modulation (Perez et al. 2018) of what enters its non-linearity. Units are the outputs of linear layers and of
convolutions that have a bias, the channels of norms, and the gates of recurrent cells. The last layer is left alone
where there is another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SIDE_UNITS = 32
MODULATED = (
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.modules.batchnorm._BatchNorm,
)
TOLD = 2  # numbers that the side network reads


@dataclass(frozen=True)
class Unit:
    """Parameters of one layer that are modulated together.

    Attributes:
        scaled: Names of parameters whose first axis is the units, scaled by 1 + γ.
        shifted: Name of the one among them that is shifted by β too; None shifts nothing.
        count: Units.
    """

    scaled: tuple[str, ...]
    shifted: str | None
    count: int


def modulated_units(network: nn.Module) -> tuple[Unit, ...]:
    """Return what can be modulated in a network, in the order of its modules, without the last layer."""
    found: list[Unit] = []
    for name, module in network.named_modules():
        at = f"{name}." if name else ""
        if isinstance(module, nn.LSTM | nn.GRU):
            for layer in range(module.num_layers):
                weights = tuple(f"{at}{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
                gates = (4 if isinstance(module, nn.LSTM) else 3) * module.hidden_size
            found.append(Unit(weights, weights[2], gates))
            continue
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if not isinstance(weight, nn.Parameter) or not isinstance(bias, nn.Parameter):
            continue  # a convolution without a bias is followed by a norm, which is modulated
        if isinstance(module, MODULATED) and weight.shape[0] == bias.shape[0]:
            found.append(Unit((f"{at}weight", f"{at}bias"), f"{at}bias", weight.shape[0]))
    return tuple(found[:-1] or found)  # a linear model has nothing but its last layer


class Modulation:
    """Holds the weights that are trained, and writes those of a setting into the plain network.

    All trained numbers lie in flat parameters, one per weight decay, so that the optimiser's kernel runs once.

    Args:
        network: The plain network; its parameters become those of whatever setting was told last.
        decays: Parameter -> weight decay.
        seed: Seed of the side network, whose last layer starts at zero: at first every setting is the same network.
    """

    def __init__(self, network: nn.Module, decays: dict[nn.Parameter, float], seed: int) -> None:
        self.network = network
        self._plain = dict(network.named_parameters())
        self.units = modulated_units(network)
        total = 2 * sum(unit.count for unit in self.units)
        generator = torch.Generator().manual_seed(seed)
        device = next(network.parameters()).device
        side = {
            "side.first": torch.randn(SIDE_UNITS, TOLD, generator=generator),
            "side.bias": torch.randn(SIDE_UNITS, generator=generator).mul_(0.5),
            "side.last": torch.zeros(total, SIDE_UNITS),
            "side.shift": torch.zeros(total),
        }
        values = {name: one.detach() for name, one in self._plain.items()} | {
            name: one.to(device) for name, one in side.items()
        }
        kept = {name: decays.get(self._plain[name], 0.0) if name in self._plain else 0.0 for name in values}
        self.weights: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.groups: list[dict[str, object]] = []
        for decay in sorted(set(kept.values()), reverse=True):
            self._lay_out([name for name in values if kept[name] == decay], values, decay)
        self.told = torch.zeros(TOLD, device=device)
        self._written = False
        self._hidden = torch.zeros(SIDE_UNITS, device=device)
        self._effects: list[tuple[Unit, Tensor, Tensor]] = []
        modulated = {name for unit in self.units for name in unit.scaled}
        self._others = [name for name in self._plain if name not in modulated]
        self.tell(self.told)

    def _lay_out(self, names: Iterable[str], values: dict[str, Tensor], decay: float) -> None:
        own = list(names)
        flat = nn.Parameter(torch.cat([values[name].reshape(-1) for name in own]))
        flat.grad = torch.zeros_like(flat)
        start = 0
        for name in own:
            part = slice(start, start + values[name].numel())
            self.weights[name] = flat.data[part].view(values[name].shape)
            self.gradients[name] = flat.grad[part].view(values[name].shape)
            start = part.stop
        self.groups.append({"params": [flat], "weight_decay": decay})

    @torch.no_grad()
    def tell(self, told: Tensor) -> None:
        """Write the weights of a setting into the plain network, where they are not there already.

        Args:
            told: [2] what the network is told.
        """
        told = told.to(self.told.device)
        if self._written and torch.equal(told, self.told):
            return
        self.told, self._written = told, True
        self._hidden = torch.tanh(torch.addmv(self.weights["side.bias"], self.weights["side.first"], self.told))
        effects = torch.addmv(self.weights["side.shift"], self.weights["side.last"], self._hidden)
        self._effects, start = [], 0
        for unit in self.units:
            scale = effects[start : start + unit.count].add(1.0)
            shift = effects[start + unit.count : start + 2 * unit.count]
            start += 2 * unit.count
            for name in unit.scaled:
                weight = self.weights[name]
                torch.mul(weight, _by_unit(scale, weight), out=self._plain[name].data)
                if name == unit.shifted:
                    self._plain[name].data.add_(shift)
            self._effects.append((unit, scale, shift))
        for name in self._others:
            self._plain[name].data.copy_(self.weights[name])

    def changed(self) -> None:
        """Say that what is trained has changed since a setting was written."""
        self._written = False

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Turn the gradients of the plain network, at the setting told last, into those of what is trained."""
        pieces = []
        for unit, scale, _ in self._effects:
            by_scale = torch.zeros_like(scale)
            by_shift = torch.zeros_like(scale)
            for name in unit.scaled:
                gradient, weight = self._plain[name].grad, self.weights[name]
                if gradient is None:
                    self.gradients[name].zero_()
                    continue
                torch.mul(gradient, _by_unit(scale, weight), out=self.gradients[name])
                by_scale += gradient * weight if weight.ndim == 1 else (gradient * weight).flatten(1).sum(1)
                if name == unit.shifted:
                    by_shift = gradient
            pieces += [by_scale, by_shift]
        for name in self._others:
            gradient = self._plain[name].grad
            if gradient is None:
                self.gradients[name].zero_()
            else:
                self.gradients[name].copy_(gradient)
        effects = torch.cat(pieces) if pieces else torch.zeros(0, device=self.told.device)
        torch.outer(effects, self._hidden, out=self.gradients["side.last"])
        self.gradients["side.shift"].copy_(effects)
        by_hidden = (effects @ self.weights["side.last"]) * (1.0 - self._hidden**2)
        torch.outer(by_hidden, self.told, out=self.gradients["side.first"])
        self.gradients["side.bias"].copy_(by_hidden)

    def state_dict(self) -> dict[str, Tensor]:
        """Return a copy of everything that is trained."""
        return {name: one.clone() for name, one in self.weights.items()}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take what was trained, and write the setting told last into the plain network."""
        for name, one in self.weights.items():
            one.copy_(state[name])
        self.changed()
        self.tell(self.told)


def _by_unit(values: Tensor, weight: Tensor) -> Tensor:
    return values if weight.ndim == 1 else values.view(-1, *[1] * (weight.ndim - 1))
