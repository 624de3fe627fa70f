"""A Transformer over the time steps of a sequence with gaps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.errors import UsageError
from efficienttrust.models._encoder_block import EncoderBlock, heads_and_width, waves
from efficienttrust.models._image_layers import Head, scaled
from efficienttrust.models._network import Inputs, Network, networks
from efficienttrust.models._sequences import Filled, Reader, Summary, zeroed


class TimeTransformer(nn.Module):
    """One token per time step and one for the static features, which reads the others and ends in the logits.

    Steps at which nothing was observed are not attended to; the token of the static features always is, so that an
    empty sequence is a sequence like any other. Pre-norm blocks, as in the vision Transformer here. Totals and static
    features also reach the logits directly, by weights that start at zero.

    Args:
        inputs: Rows with a grid.
        outputs: Number of logits.
        width: Factor of the 64 units of a token.
        depth: Number of blocks.
    """

    positions: Tensor

    def __init__(self, inputs: Inputs, outputs: int, *, width: float, depth: int) -> None:
        super().__init__()
        scaled(64, width)  # refuses what is no factor
        heads, units = heads_and_width(64, width)
        self.read = Reader(inputs, "time_transformer")
        self.fill = Filled(self.read.channels, self.read.steps)
        self.embed = nn.Linear(self.fill.features, units)
        self.summarise = Summary(self.read.channels, self.read.steps)
        known = self.summarise.features + self.read.n_statics
        self.describe = nn.Linear(self.read.n_statics, units)
        self.register_buffer("positions", waves(self.read.steps, units))
        self.blocks = nn.ModuleList(EncoderBlock(units, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(units)
        self.head, self.direct = Head(units, outputs), zeroed(Head(known, outputs))
        nn.init.trunc_normal_(self.head.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Map encoded rows [n, d] to logits [n, outputs], or [n] for one output."""
        sequence = self.read(x)
        steps = self.embed(self.fill(sequence)) + self.positions
        tokens = torch.cat([self.describe(sequence.statics)[:, None], steps], dim=1)
        visible = functional.pad(sequence.observed.any(2), (1, 0), value=True)[:, None, None]
        for block in self.blocks:
            tokens = block(tokens, visible)
        known = torch.cat([self.summarise(sequence), sequence.statics], dim=1)
        logits: Tensor = self.head(self.norm(tokens[:, 0])) + self.direct(known)
        return logits


def _make(inputs: Inputs, outputs: int, *, width: float, depth: int) -> nn.Module:
    if depth < 1:
        raise UsageError(f"time_transformer needs depth >= 1, not {depth}")
    return TimeTransformer(inputs, outputs, width=width, depth=depth)


networks.register("time_transformer")(
    Network(
        name="time_transformer",
        kinds=("table", "sequence"),
        title="Transformer over time steps (Vaswani et al. 2017) that looks at observed steps only.",
        make=_make,
        options={"width": 1.0, "depth": 3},
        most={"width": 1000, "depth": 64},
        learning_rate=1e-3,
        weight_decay=1e-2,
    )
)
