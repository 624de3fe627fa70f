"""The strong network for tables: clipped and embedded numbers, and members that share their weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.models._embeddings import PiecewiseLinear, RobustClip, column_sample
from efficienttrust.models._network import Inputs, Network, networks, refuse_less_than_one
from efficienttrust.models._table_layers import BlockEmbedding, columns_outside

HIDDEN = 128  # units of each hidden layer
LAYERS = 3
DROPOUT = 0.15
NUMBER_EMBEDDING = 12
BLOCK_EMBEDDING = 8
WIDE_BLOCK = 16  # slots; a wider block is embedded
ALL_BINS, LEAST_BINS = 4096, 16  # of all numeric columns together; of one, where they are many


class Tabular(nn.Module):
    """A multi-layer perceptron for tables in the manner of RealMLP and TabM.

    Numbers are clipped smoothly around their medians (RealMLP, Holzmüller et al. 2024) and embedded as piecewise linear
    curves (Gorishniy et al. 2022); narrow one-hot blocks pass as they are, wide ones as an embedding of low rank.
    `members` networks share all weights but a learned scale of each feature and their last layer (TabM-mini, Gorishniy
    et al. 2025). Differs from TabM, which averages the losses of its members: here their logits are added, in training
    too, so that any loss applies and the file holds one last layer. On Adult both came to the same.

    Args:
        inputs: A table; quantiles and scales are those of its sample.
        outputs: Number of logits.
        width: Factor on the hidden layers, 3 of 128 units.
        members: Number of networks that share weights, ≥ 1.
        bins: Most bins of a numeric column, ≥ 1. Many see single amounts as trees do; the curves then wiggle within
            small perturbations, where sign-gradient attacks with few steps miss what random search finds.
    """

    plain: Tensor

    def __init__(self, inputs: Inputs, outputs: int, *, width: float = 1.0, members: int = 4, bins: int = 256) -> None:
        refuse_less_than_one(members=members, bins=bins)
        super().__init__()
        sample = column_sample(inputs)
        wide = tuple((start, stop) for start, stop in inputs.blocks if stop - start > WIDE_BLOCK)
        units = max(round(HIDDEN * width), 1)
        self.n_numeric = inputs.n_numeric
        self.outputs = outputs
        with torch.device("cpu"):  # knots are values, also where the network is only counted, on the meta device
            self.clip = RobustClip(sample)
            clipped = self.clip(torch.tensor(sample, dtype=torch.float32)).numpy().astype(np.float64)
        bins = min(max(ALL_BINS // max(inputs.n_numeric, 1), LEAST_BINS), bins)
        self.numbers = PiecewiseLinear(clipped, bins=bins, size=NUMBER_EMBEDDING)
        self.register_buffer("plain", torch.tensor(columns_outside(inputs, wide), dtype=torch.int64))
        self.categories = BlockEmbedding(wide, size=BLOCK_EMBEDDING, scale=1.0)
        # One draw per column, not per feature: a member that turns a column down does so as a whole.
        sizes = [NUMBER_EMBEDDING] * inputs.n_numeric + [1] * len(self.plain) + [BLOCK_EMBEDDING] * len(wide)
        drawn = torch.randn(members, len(sizes)) if members > 1 else torch.ones(1, len(sizes))
        self.scale = nn.Parameter(drawn.repeat_interleave(torch.tensor(sizes), dim=1, output_size=sum(sizes)))
        layers: list[nn.Module] = []
        for before in [sum(sizes)] + [units] * (LAYERS - 1):
            layers += [nn.Linear(before, units), nn.ReLU(), nn.Dropout(DROPOUT)]
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(members * units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits [n, outputs] of encoded rows [n, d], or [n] where there is one output."""
        numbers = self.numbers(self.clip(x[:, : self.n_numeric]))
        features = torch.cat([numbers.flatten(1), x.index_select(1, self.plain), self.categories(x).flatten(1)], dim=1)
        hidden = self.hidden(features[:, None, :] * self.scale)
        logits: Tensor = self.head(hidden.flatten(1))  # the members' last layers side by side: a sum
        return logits.squeeze(1) if self.outputs == 1 else logits


networks.register("tabular")(
    Network(
        name="tabular",
        kinds=("table",),
        title="MLP on clipped and embedded numbers, members sharing weights (after RealMLP 2024 and TabM 2025)",
        make=Tabular,
        options={"width": 1.0, "members": 4, "bins": 256},
        most={"width": 1000, "members": 64, "bins": ALL_BINS},
        learning_rate=5e-3,
        weight_decay=3e-2,
    )
)
