"""Long short-term memory (Hochreiter and Schmidhuber 1997) for sequences with gaps."""

from __future__ import annotations

from torch import nn

from efficienttrust.models._image_layers import scaled
from efficienttrust.models._network import Inputs, Network, networks
from efficienttrust.models._sequences import RecurrentNetwork


def _make(inputs: Inputs, outputs: int, *, width: float, layers: int) -> nn.Module:
    hidden = scaled(64, width)
    return RecurrentNetwork(nn.LSTM, inputs, outputs, network="lstm", hidden=hidden, layers=layers)


networks.register("lstm")(
    Network(
        name="lstm",
        kinds=("table", "sequence"),
        title="Long short-term memory (Hochreiter and Schmidhuber 1997) on values, masks and time gaps.",
        make=_make,
        options={"width": 1.0, "layers": 1},
        most={"width": 1000, "layers": 64},
        learning_rate=3e-3,
        weight_decay=1e-2,
    )
)
