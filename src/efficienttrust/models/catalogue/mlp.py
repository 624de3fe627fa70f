"""A multi-layer perceptron with ReLU units and one logit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.models._network import Inputs, Network, networks, seeded


class MLP(nn.Module):
    """Maps encoded rows [n, d] to logits [n].

    Args:
        n_features: d, the number of encoded features.
        widths: Units per hidden layer; empty makes a linear model.
    """

    def __init__(self, *, n_features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (n_features, *widths, 1)
        self.n_features, self.widths = n_features, widths
        # Kept as a tuple too: looking a layer up in a ModuleList costs as much as a small kernel.
        self._layers = tuple(nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1))
        self.linears = nn.ModuleList(self._layers)

    @property
    def name(self) -> str:
        """Short text for reports, e.g. `mlp 256-128`; `linear` without hidden layers."""
        return "mlp " + "-".join(map(str, self.widths)) if self.widths else "linear"

    @property
    def n_parameters(self) -> int:
        """Number of trainable weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit of each row."""
        first = self._layers[0]
        return self._rest(functional.linear(x, first.weight, first.bias))

    def activations(self, x: Tensor) -> list[Tensor]:
        """Return the input of every layer and, last, the logits [n]; no graph is recorded."""
        with torch.no_grad():
            values = [x]
            for layer in self._layers[:-1]:
                values.append(torch.addmm(layer.bias, values[-1], layer.weight.t()).relu_())
            last = self._layers[-1]
            values.append(torch.addmm(last.bias, values[-1], last.weight.t()).squeeze(1))
        return values

    def flatten(self) -> nn.Parameter:
        """Lay all weights and their gradients out in one parameter, of which the layers' become views; return it."""
        own = list(self.parameters())
        flat = nn.Parameter(torch.cat([parameter.detach().reshape(-1) for parameter in own]))
        flat.grad = torch.zeros_like(flat)
        start = 0
        for parameter in own:
            part = slice(start, start + parameter.numel())
            parameter.data = flat.data[part].view_as(parameter)
            parameter.grad = flat.grad[part].view_as(parameter)
            start = part.stop
        return flat

    def write_gradients(self, activations: list[Tensor], logit_gradient: Tensor) -> Tensor:
        """Write the gradient of every weight for a given gradient of the logits [n] into its `grad`.

        Returns the gradient by what the first layer puts out, [n, units].

        The chain rule by hand: for a network of this size autograd costs a sixth of a training step.
        """
        with torch.no_grad():
            flowing = logit_gradient[:, None]
            for index in range(len(self._layers) - 1, -1, -1):
                layer, inputs = self._layers[index], activations[index]
                if layer.weight.grad is None or layer.bias.grad is None:
                    layer.weight.grad, layer.bias.grad = torch.empty_like(layer.weight), torch.empty_like(layer.bias)
                torch.mm(flowing.t(), inputs, out=layer.weight.grad)
                torch.sum(flowing, 0, out=layer.bias.grad)
                if index > 0:
                    flowing = torch.ops.aten.threshold_backward(flowing @ layer.weight, inputs, 0)
        return flowing

    def by_inputs(self, flowing: Tensor, n_numeric: int) -> Tensor:
        """Return the gradient by the numeric columns, from that by what the first layer puts out."""
        return flowing @ self._layers[0].weight.detach()[:, :n_numeric]

    def bind(self, x: Tensor, n_numeric: int) -> Callable[[Tensor], Tensor]:
        """Return the network as a function of the numeric columns only, the other columns of `x` held fixed."""
        first = self._layers[0]
        fixed = functional.linear(x[:, n_numeric:], first.weight[:, n_numeric:], first.bias).detach()
        weight = first.weight[:, :n_numeric]
        return lambda numeric: self._rest(torch.addmm(fixed, numeric, weight.t()))

    def layers(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return a copy of the weights as (W [in, out], b [out]) float32 arrays, first layer first."""
        return tuple(
            (
                np.ascontiguousarray(layer.weight.detach().cpu().numpy().T).astype(np.float32),
                layer.bias.detach().cpu().numpy().astype(np.float32).copy(),
            )
            for layer in self._layers
        )

    def flops_per_row(self) -> float:
        """Floating-point operations of a forward pass for one row (a multiply-add counts as two)."""
        return float(sum(2 * layer.weight.numel() for layer in self._layers))

    def _rest(self, first_output: Tensor) -> Tensor:
        activation = first_output
        for layer in self._layers[1:]:
            # In place, as nobody needs the sum before a ReLU; straight to the function, as calling a module costs.
            activation = functional.linear(torch.relu_(activation), layer.weight, layer.bias)
        return activation.squeeze(1)


def build_mlp(*, n_features: int, widths: Sequence[int], seed: int) -> MLP:
    """Build a network of one logit whose initial weights depend on `seed` alone, not on torch's global state.

    Args:
        n_features: Number of encoded input features.
        widths: Units of the hidden layers; empty makes a linear model.
        seed: Seed of the initial weights.
    """
    with seeded(seed):
        return MLP(n_features=n_features, widths=tuple(widths))


def _make(inputs: Inputs, outputs: int, *, widths: tuple[int, ...]) -> nn.Module:
    if outputs == 1:
        return MLP(n_features=inputs.shape[0], widths=widths)
    sizes = (inputs.shape[0], *widths)
    hidden = [layer for start, stop in pairwise(sizes) for layer in (nn.Linear(start, stop), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], outputs))


networks.register("mlp")(
    Network(
        name="mlp",
        kinds=("table",),
        title="Multi-layer perceptron with ReLU units.",
        make=_make,
        options={"widths": (256, 128)},
        most={"widths": 1_000_000},
    )
)
