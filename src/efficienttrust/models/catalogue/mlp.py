"""A multi-layer perceptron with ReLU units and one logit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.models._build import architectures


@architectures.register("mlp")
class MLP(nn.Module):
    """Maps encoded rows [n, d] to logits [n].

    Args:
        n_features: d, the number of encoded features.
        widths: Units per hidden layer; empty makes a linear model.
    """

    def __init__(self, *, n_features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (n_features, *widths, 1)
        self.widths = widths
        self.linears = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1))

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
        first = self._linear(0)
        return self._rest(functional.linear(x, first.weight, first.bias))

    def bind(self, x: Tensor, n_numeric: int) -> Callable[[Tensor], Tensor]:
        """Return the network as a function of the numeric columns only, the other columns of `x` held fixed."""
        first = self._linear(0)
        fixed = functional.linear(x[:, n_numeric:], first.weight[:, n_numeric:], first.bias).detach()
        weight = first.weight[:, :n_numeric]
        return lambda numeric: self._rest(torch.addmm(fixed, numeric, weight.t()))

    def layers(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return a copy of the weights as (W [in, out], b [out]) float32 arrays, first layer first."""
        return tuple(
            (
                np.ascontiguousarray(self._linear(i).weight.detach().cpu().numpy().T).astype(np.float32),
                self._linear(i).bias.detach().cpu().numpy().astype(np.float32).copy(),
            )
            for i in range(len(self.linears))
        )

    def flops_per_row(self) -> float:
        """Floating-point operations of a forward pass for one row (a multiply-add counts as two)."""
        return float(sum(2 * self._linear(i).weight.numel() for i in range(len(self.linears))))

    def _linear(self, index: int) -> nn.Linear:
        layer = self.linears[index]
        assert isinstance(layer, nn.Linear)
        return layer

    def _rest(self, first_output: Tensor) -> Tensor:
        activation = first_output
        for index in range(1, len(self.linears)):
            layer = self._linear(index)
            # In place, as nobody needs the sum before a ReLU; straight to the function, as calling a module costs.
            activation = functional.linear(torch.relu_(activation), layer.weight, layer.bias)
        return activation.squeeze(1)
