"""The block of the Transformers for images and for time series."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SPREAD = 0.02  # standard deviation of the weights at the start, as in Dosovitskiy et al. 2021 and before


def heads_and_width(units: int, width: float) -> tuple[int, int]:
    """Return the number of heads and the width of a token for `units` times `width`: heads of 64 or a little less.

    The width of a token is a multiple of 4, which sine and cosine along two axes need.
    """
    wanted = units * width
    heads = max(1, round(wanted / 64))
    return heads, heads * max(4, 4 * round(wanted / heads / 4))


class EncoderBlock(nn.Module):
    """Self-attention, then two layers per token, each added to its input and normalised before (Xiong et al. 2020).

    Args:
        width: Width of a token.
        heads: Number of heads; they divide the width.
        ratio: Hidden units of the two layers per unit of width.
    """

    def __init__(self, width: int, heads: int, ratio: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.layers_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, ratio * width)
        self.down = nn.Linear(ratio * width, width)
        for layer in (self.project, self.out, self.up, self.down):
            nn.init.trunc_normal_(layer.weight, std=_SPREAD)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Map tokens [n, L, width] to the same shape; `visible` [n, 1, 1, L] says which of them can be attended to."""
        tokens = tokens + self._attend(self.attention_norm(tokens), visible)
        inner: Tensor = self.down(functional.gelu(self.up(self.layers_norm(tokens))))
        return tokens + inner

    def _attend(self, tokens: Tensor, visible: Tensor | None) -> Tensor:
        query, key, value = self.project(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended


def waves(positions: int, width: int) -> Tensor:
    """Return sines and cosines of falling frequency [positions, width] (Vaswani et al. 2017); `width` is even."""
    frequencies = torch.pow(10_000.0, -torch.arange(width // 2) / (width / 2))
    angles: Tensor = torch.arange(positions)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)
