"""What networks for tables share: embeddings of one-hot blocks, and which columns are in none."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from efficienttrust.models._network import Inputs


class BlockEmbedding(nn.Module):
    """Embeds one-hot blocks by a linear map of their slots, [n, d] to [n, blocks, e].

    On a row with one slot set, this is the look-up of a category's vector; unlike a look-up it has a gradient with
    respect to every slot, which attacks on categories need.

    Args:
        blocks: [start, stop) of each block to embed.
        size: e.
        scale: Standard deviation of the initial vectors.
    """

    def __init__(self, blocks: tuple[tuple[int, int], ...], *, size: int, scale: float) -> None:
        super().__init__()
        self.blocks = blocks
        self.size = size
        self.vectors = nn.ParameterList(scale * torch.randn(stop - start, size) for start, stop in blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Embed the blocks of encoded rows [n, d]."""
        if not self.blocks:
            return x.new_zeros(x.shape[0], 0, self.size)  # `len` would fix the batch in an exported file
        embedded = [x[:, start:stop] @ self.vectors[k] for k, (start, stop) in enumerate(self.blocks)]
        return torch.stack(embedded, dim=1)


def columns_outside(inputs: Inputs, blocks: tuple[tuple[int, int], ...]) -> list[int]:
    """Return the features that are neither numeric columns nor in one of these blocks: indicators, other blocks."""
    inside = {feature for start, stop in blocks for feature in range(start, stop)}
    return [feature for feature in range(inputs.n_numeric, inputs.shape[0]) if feature not in inside]
