"""Residual networks for small images: the CIFAR family of He et al. 2016."""

from __future__ import annotations

from torch import nn

from efficienttrust.models._image_layers import (
    BasicBlock,
    ResidualNetwork,
    convolution,
    image_size,
    scaled,
    subsampled_shortcut,
)
from efficienttrust.models._network import Inputs, Network, networks

DEPTHS = (8, 20, 32, 56, 110)
_DEEP = 56  # from here on, starting as the identity replaces the warm-up of the paper


def make_resnet(inputs: Inputs, outputs: int, *, depth: int, width: float, zero_gamma: bool) -> nn.Module:
    """Make a network of 6 n + 2 layers: three stages of n blocks with 16, 32 and 64 channels times `width`.

    The stem is a 3 x 3 convolution; shortcuts have no parameters (option A).

    Raises:
        UsageError: The images are smaller than 8 x 8, or `width` is not positive.
    """
    channels, _, _ = image_size(inputs, f"resnet{depth}")
    blocks, first = (depth - 2) // 6, scaled(16, width)
    return ResidualNetwork(
        inputs,
        outputs,
        stem=nn.Sequential(convolution(channels, first, 3), nn.BatchNorm2d(first), nn.ReLU()),
        channels=first,
        block=BasicBlock,
        stages=[(blocks, first, 1), (blocks, scaled(32, width), 2), (blocks, scaled(64, width), 2)],
        shortcut=subsampled_shortcut,
        zero_gamma=zero_gamma,
    )


def _register(depth: int) -> None:
    def make(inputs: Inputs, outputs: int, *, width: float, zero_gamma: bool) -> nn.Module:
        return make_resnet(inputs, outputs, depth=depth, width=width, zero_gamma=zero_gamma)

    networks.register(f"resnet{depth}")(
        Network(
            name=f"resnet{depth}",
            kinds=("image",),
            title=f"Residual network of {depth} layers for small images (He et al. 2016).",
            make=make,
            options={"width": 1.0, "zero_gamma": depth >= _DEEP},
            most={"width": 1000},
            learning_rate=5e-3,
            weight_decay=5e-2,
        )
    )


for _depth in DEPTHS:
    _register(_depth)
