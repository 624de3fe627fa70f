"""Networks of every kind that is pruned, with rows that they read."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from efficienttrust.compression import ModuleScorer, Workpiece
from efficienttrust.models import Inputs, build_mlp, make_network
from efficienttrust.training import described

RNG = np.random.default_rng(0)
IMAGES = Inputs("image", (3, 32, 32))
TABLE = Inputs(
    "table", (20,), 6, np.array([6, 7, -1, -1, -1, -1]), ((8, 11), (11, 20)), None,
    RNG.normal(size=(200, 20)).astype(np.float32),
)  # fmt: skip
HOURS = Inputs(
    "sequence", (52,), 24, np.arange(24, 48), (), np.arange(24).reshape(8, 3),
    RNG.normal(size=(50, 52)).astype(np.float32),
)  # fmt: skip
NARROW = {"width": 0.25}
OURS = {
    "mlp": (TABLE, {}),
    "tabular": (TABLE, {}),
    "ft_transformer": (TABLE, {"depth": 1}),
    "lstm": (HOURS, {"layers": 2}),
    "gru": (HOURS, {}),
    "time_transformer": (HOURS, {"depth": 1}),
    "vit": (IMAGES, {"depth": 1}),
    "resnet8": (IMAGES, {}),
    "resnet18": (IMAGES, NARROW),
    "resnet50": (IMAGES, NARROW),
}
DEEP = {
    **{name: (IMAGES, {}) for name in ("resnet20", "resnet32", "resnet56", "resnet110")},
    "resnet34": (IMAGES, NARROW),
}
"""More blocks of the kinds above."""


def ours(name: str, seed: int = 0) -> ModuleScorer:
    """An untrained network whose norms and statistics are no identities."""
    inputs, options = (OURS | DEEP)[name]
    outputs = 10 if inputs.kind == "image" else 1
    module = make_network(name, inputs, outputs, seed=seed, **options).eval()
    stir(module, seed)
    return ModuleScorer(module, inputs.shape, outputs, name, options, described(inputs))


def stir(module: nn.Module, seed: int = 0) -> None:
    """Let every scale, bias and running statistic say something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.weight.uniform_(0.5, 1.5, generator=generator)
                layer.bias.normal_(0, 0.1, generator=generator)
                layer.running_mean.normal_(0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 1.5, generator=generator)


def rows(shape: tuple[int, ...], n: int = 16) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((n, *shape)).astype(np.float32)


def plain(features: int = 12, widths: tuple[int, ...] = (32, 16), seed: int = 0) -> Workpiece:
    return Workpiece(build_mlp(n_features=features, widths=widths, seed=seed).eval(), (features,))
