"""Residual networks for large images: the ImageNet family of He et al. 2016."""

from __future__ import annotations

from torch import nn

from efficienttrust.models._image_layers import (
    BasicBlock,
    Bottleneck,
    ResidualNetwork,
    convolution,
    image_size,
    projected_shortcut,
    scaled,
)
from efficienttrust.models._network import Inputs, Network, networks

BLOCKS: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
}
"""Kind and number of the blocks of each stage, by depth."""
SMALL = 64
"""Images with a side below so many pixels are not reduced by the stem: a 3 x 3 convolution and no pooling."""


def make_resnet(inputs: Inputs, outputs: int, *, depth: int, width: float, zero_gamma: bool) -> nn.Module:
    """Make a network of four stages with 64, 128, 256 and 512 (times 4 for 50 layers) channels times `width`.

    The stem is a 7 x 7 convolution of stride 2 and max-pooling, a 3 x 3 convolution below 64 pixels a side.

    Raises:
        UsageError: The images are smaller than 8 x 8, or `width` is not positive.
    """
    channels, height, across = image_size(inputs, f"resnet{depth}")
    first, (block, counts) = scaled(64, width), BLOCKS[depth]
    if min(height, across) < SMALL:
        stem = nn.Sequential(convolution(channels, first, 3), nn.BatchNorm2d(first), nn.ReLU())
    else:
        stem = nn.Sequential(
            *(convolution(channels, first, 7, 2), nn.BatchNorm2d(first), nn.ReLU()),
            nn.MaxPool2d(3, 2, 1),
        )
    return ResidualNetwork(
        inputs,
        outputs,
        stem=stem,
        channels=first,
        block=block,
        stages=[(counts[i], scaled(64 * 2**i, width), 1 if i == 0 else 2) for i in range(4)],
        shortcut=projected_shortcut,
        zero_gamma=zero_gamma,
    )


def _register(depth: int) -> None:
    def make(inputs: Inputs, outputs: int, *, width: float, zero_gamma: bool) -> nn.Module:
        return make_resnet(inputs, outputs, depth=depth, width=width, zero_gamma=zero_gamma)

    networks.register(f"resnet{depth}")(
        Network(
            name=f"resnet{depth}",
            kinds=("image",),
            title=f"Residual network of {depth} layers (He et al. 2016), blocks that start as the identity.",
            make=make,
            options={"width": 1.0, "zero_gamma": True},
            most={"width": 1000},
            learning_rate=2e-3,
            weight_decay=5e-2,
        )
    )


for _depth in BLOCKS:
    _register(_depth)
