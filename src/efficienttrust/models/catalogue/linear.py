"""Logistic regression, binary or multinomial."""

from __future__ import annotations

import math

from torch import Tensor, nn

from efficienttrust.models._image_layers import Head, Standardise
from efficienttrust.models._network import Inputs, Network, networks


class Linear(nn.Module):
    """One linear layer on the encoded row, or on all standardised pixels.

    Args:
        inputs: Rows or images.
        outputs: Number of logits.
    """

    def __init__(self, inputs: Inputs, outputs: int) -> None:
        super().__init__()
        self.standardise = Standardise(inputs) if inputs.kind == "image" else nn.Identity()
        self.head = Head(math.prod(inputs.shape), outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, *shape] to logits [n, outputs], or [n] for one output."""
        logits: Tensor = self.head(self.standardise(x).flatten(1))
        return logits


networks.register("linear")(
    Network(
        name="linear",
        kinds=("table", "sequence", "image"),
        title="Logistic regression; softmax regression for several outputs.",
        make=Linear,
        learning_rate=1e-2,
        weight_decay=1e-4,
    )
)
