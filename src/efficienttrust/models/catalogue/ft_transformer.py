"""The FT-Transformer: every column of a row becomes a token, and tokens attend to each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.models._network import Inputs, Network, networks, refuse_less_than_one
from efficienttrust.models._table_layers import BlockEmbedding, columns_outside

HEADS = 8
UNITS_PER_HEAD = 24
FEED_FORWARD = 4 / 3  # hidden units of a feed-forward layer, as a factor on the size of a token
ATTENTION_DROPOUT = 0.2
FEED_FORWARD_DROPOUT = 0.1


class FTTransformer(nn.Module):
    """The FT-Transformer of Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data".

    A token per numeric column (w·x + b) and per one-hot block (the vector of its category), one more of which the
    logits are read ([CLS]), and blocks that normalise before attention and before a ReGLU layer. Differs in that the
    missing indicator of a numeric column adds a vector of its own to the column's token instead of being a token.

    Args:
        inputs: A table.
        outputs: Number of logits.
        width: Factor on the size of a token, 192.
        depth: Number of blocks, ≥ 1.
    """

    def __init__(self, inputs: Inputs, outputs: int, *, width: float = 1.0, depth: int = 3) -> None:
        refuse_less_than_one(depth=depth)
        super().__init__()
        size = HEADS * max(round(UNITS_PER_HEAD * width), 1)
        self.outputs = outputs
        self.tokens = Tokens(inputs, size)
        self.blocks = nn.ModuleList(Block(size, first=k == 0, last=k == depth - 1) for k in range(depth))
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits [n, outputs] of encoded rows [n, d], or [n] where there is one output."""
        tokens = self.tokens(x)
        for block in self.blocks:
            tokens = block(tokens)
        logits: Tensor = self.head(torch.relu(self.norm(tokens[:, 0])))
        return logits.squeeze(1) if self.outputs == 1 else logits


class Tokens(nn.Module):
    """Writes encoded rows [n, d] as tokens [n, 1 + columns, size], the first of which is the same in every row."""

    plain: Tensor
    marked: Tensor
    indicator: Tensor

    def __init__(self, inputs: Inputs, size: int) -> None:
        super().__init__()
        marked = [column for column, feature in enumerate(inputs.indicator) if feature >= 0]
        indicator = [int(inputs.indicator[column]) for column in marked]
        outside = [feature for feature in columns_outside(inputs, inputs.blocks) if feature not in indicator]
        plain = [*range(inputs.n_numeric), *outside]
        for name, features in (("plain", plain), ("marked", marked), ("indicator", indicator)):
            self.register_buffer(name, torch.tensor(features, dtype=torch.int64))
        bound = size**-0.5
        self.scale = nn.Parameter(torch.empty(len(plain), size).uniform_(-bound, bound))
        self.missing = nn.Parameter(torch.empty(len(marked), size).uniform_(-bound, bound))
        self.categories = BlockEmbedding(inputs.blocks, size=size, scale=bound / 3**0.5)
        columns = 1 + len(plain) + len(inputs.blocks)
        self.bias = nn.Parameter(torch.empty(columns, size).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Tokenise rows."""
        numbers = x.index_select(1, self.plain)[:, :, None] * self.scale
        if len(self.marked):
            missing = x.index_select(1, self.indicator)[:, :, None] * self.missing
            numbers = numbers.index_add(1, self.marked, missing)
        # The first token is nothing but its bias.
        return functional.pad(torch.cat([numbers, self.categories(x)], dim=1), (0, 0, 1, 0)) + self.bias


class Block(nn.Module):
    """Attention among tokens and a ReGLU layer, each added to what it read.

    Args:
        size: Size of a token.
        first: Whether it is the first block, which does not normalise before its attention.
        last: Whether it is the last block, of which only the first token is read and computed.
    """

    def __init__(self, size: int, *, first: bool, last: bool) -> None:
        super().__init__()
        hidden = round(FEED_FORWARD * size)
        self.last, self.heads = last, HEADS
        self.before_attention = nn.Identity() if first else nn.LayerNorm(size)
        self.query = nn.Linear(size, size)
        self.key_and_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.before_feed_forward = nn.LayerNorm(size)
        self.widen = nn.Linear(size, 2 * hidden)
        self.dropout = nn.Dropout(FEED_FORWARD_DROPOUT)
        self.narrow = nn.Linear(hidden, size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [n, t, size] to as many, or to the first alone where this is the last block."""
        seen = self.before_attention(tokens)
        asking, tokens = (seen[:, :1], tokens[:, :1]) if self.last else (seen, tokens)
        key, value = self.key_and_value(seen).chunk(2, dim=-1)
        dropout = ATTENTION_DROPOUT if self.training else 0.0
        query, key, value = (_heads(one, self.heads) for one in (self.query(asking), key, value))
        found = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        tokens = tokens + self.out(found.transpose(1, 2).flatten(2))
        values, gates = self.widen(self.before_feed_forward(tokens)).chunk(2, dim=-1)
        added: Tensor = self.narrow(self.dropout(values * torch.relu(gates)))
        return tokens + added


def _heads(values: Tensor, heads: int) -> Tensor:
    """Divide [n, t, size] into heads, [n, heads, t, size / heads]."""
    n, tokens, size = values.shape
    return values.reshape(n, tokens, heads, size // heads).transpose(1, 2)


networks.register("ft_transformer")(
    Network(
        name="ft_transformer",
        kinds=("table",),
        title="FT-Transformer (Gorishniy et al. 2021): a token per column, attention among them",
        make=FTTransformer,
        options={"width": 1.0, "depth": 3},
        most={"width": 1000, "depth": 64},
        learning_rate=1e-4,
        weight_decay=1e-5,
    )
)
