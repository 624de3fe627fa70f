"""A small vision Transformer."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.errors import UsageError
from efficienttrust.models._encoder_block import EncoderBlock, heads_and_width, waves
from efficienttrust.models._image_layers import Head, Standardise, image_size, scaled
from efficienttrust.models._network import Inputs, Network, networks

_TOKENS = 8  # wanted along the shorter side of the image
_LARGEST_PATCH = 16


class VisionTransformer(nn.Module):
    """Patches as tokens, pre-norm blocks, the mean of all tokens, one linear layer.

    Differs from Dosovitskiy et al. 2021 as Beyer et al. 2022 do, which trains faster from scratch: the mean of the
    tokens in place of a class token, fixed sines and cosines of both axes as positions. Images whose sides the patch
    does not divide are extended by their mean colour at the right and at the bottom.

    Args:
        inputs: Images.
        outputs: Number of logits.
        width: Factor of the 192 units of a token ("Ti").
        depth: Number of blocks.
        patch: Pixels along a side of a patch.
    """

    positions: Tensor

    def __init__(self, inputs: Inputs, outputs: int, *, width: float, depth: int, patch: int) -> None:
        super().__init__()
        channels, height, across = image_size(inputs, "vit")
        scaled(192, width)  # refuses what is no factor
        heads, units = heads_and_width(192, width)
        self.padding = (0, -across % patch, 0, -height % patch)
        self.standardise = Standardise(inputs)
        self.embed = nn.Conv2d(channels, units, patch, patch)
        rows, columns = -(-height // patch), -(-across // patch)
        down, along = waves(rows, units // 2), waves(columns, units // 2)
        grid = down.new_empty(rows, columns, units)
        grid[:, :, : units // 2] = down[:, None]
        grid[:, :, units // 2 :] = along
        self.register_buffer("positions", grid.view(rows * columns, units))
        self.blocks = nn.ModuleList(EncoderBlock(units, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(units)
        self.head = Head(units, outputs)
        nn.init.xavier_uniform_(self.embed.weight.view(units, -1))
        nn.init.trunc_normal_(self.head.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Map pixels [n, C, H, W] in [0, 1] to logits [n, outputs], or [n] for one output."""
        x = functional.pad(self.standardise(x), self.padding)
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        logits: Tensor = self.head(self.norm(tokens).mean(1))
        return logits


def patch_for(height: int, width: int) -> int:
    """Return the patch that cuts the shorter side into about 8: 2 to 16 pixels (4 for 32 pixels, 16 for 224)."""
    return min(_LARGEST_PATCH, max(2, round(min(height, width) / _TOKENS)))


def _make(inputs: Inputs, outputs: int, *, width: float, depth: int, patch: int) -> nn.Module:
    if depth < 1 or patch < 0:
        raise UsageError(f"vit needs depth >= 1 and patch >= 0 (0: from the image size), not {depth} and {patch}")
    patch = patch or patch_for(*inputs.shape[1:])
    return VisionTransformer(inputs, outputs, width=width, depth=depth, patch=patch)


networks.register("vit")(
    Network(
        name="vit",
        kinds=("image",),
        title="Small vision Transformer with mean pooling and fixed positions (Beyer et al. 2022).",
        make=_make,
        options={"width": 1.0, "depth": 6, "patch": 0},
        most={"width": 1000, "depth": 64, "patch": 1024},
        learning_rate=1e-3,
        weight_decay=5e-2,
    )
)
