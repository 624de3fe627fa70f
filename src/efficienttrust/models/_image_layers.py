"""What image networks share: pixels brought to zero mean and unit variance, widths, residual blocks, the output."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.errors import UsageError
from efficienttrust.models._network import Inputs

SMALLEST = 8
"""Pixels along the shorter side of the smallest image that the networks read."""
_LEVEL = 1.0 / 255.0


def image_size(inputs: Inputs, network: str) -> tuple[int, int, int]:
    """Return (channels, height, width); raises `UsageError` where the image is too small for the network."""
    channels, height, width = inputs.shape
    if min(height, width) < SMALLEST:
        raise UsageError(
            f"network {network!r} reads images of at least {SMALLEST} x {SMALLEST} pixels, not {height} x {width}; "
            "enlarge them or choose linear"
        )
    return channels, height, width


def scaled(channels: int, width: float) -> int:
    """Return `channels` times the factor `width`, at least 1; raises `UsageError` for a factor that is not positive."""
    if not width > 0:
        raise UsageError(f"the option width is a factor of the published widths: give a number above 0, not {width}")
    return max(1, round(channels * width))


class Standardise(nn.Module):
    """Shifts and scales the pixels of each channel to zero mean and unit variance over the sample of `inputs`.

    Without a sample, [0, 1] becomes [-1, 1]. A channel that varies by less than one of 255 levels is only shifted.

    Args:
        inputs: Images.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        if inputs.sample is None:
            mean = std = torch.full((inputs.shape[0], 1, 1), 0.5)
        else:
            variance, mean = torch.var_mean(torch.as_tensor(inputs.sample), (0, 2, 3), correction=0, keepdim=True)
            mean, std = mean[0], variance[0].sqrt()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", torch.where(std < _LEVEL, torch.ones_like(std), 1.0 / std.clamp_min(_LEVEL)))

    def forward(self, x: Tensor) -> Tensor:
        """Map pixels [n, C, H, W] in [0, 1] to standardised values."""
        return (x - self.mean) * self.scale


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without bias that divides the size by its stride, rounded up."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016)."""

    expansion = 1

    def __init__(self, inputs: int, middle: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.first, self.first_norm = convolution(inputs, middle, 3, stride), nn.BatchNorm2d(middle)
        self.last, self.last_norm = convolution(middle, middle, 3), nn.BatchNorm2d(middle)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inputs, H, W] to [n, middle, H / stride, W / stride]."""
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.last_norm(self.last(inner)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """A 3 x 3 convolution between two of 1 x 1, beside a shortcut (He et al. 2016).

    Differs in the place of the stride: in the 3 x 3 convolution, as all libraries do by now, not in the first one.
    """

    expansion = 4

    def __init__(self, inputs: int, middle: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        outputs = self.expansion * middle
        self.first, self.first_norm = convolution(inputs, middle, 1), nn.BatchNorm2d(middle)
        self.second, self.second_norm = convolution(middle, middle, 3, stride), nn.BatchNorm2d(middle)
        self.last, self.last_norm = convolution(middle, outputs, 1), nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inputs, H, W] to [n, 4 * middle, H / stride, W / stride]."""
        inner = functional.relu(self.first_norm(self.first(x)))
        inner = functional.relu(self.second_norm(self.second(inner)))
        return functional.relu(self.last_norm(self.last(inner)) + self.shortcut(x))


class SubsampledShortcut(nn.Module):
    """Every `stride`-th pixel, with zeros as the channels that are missing: no parameters (option A of He et al.)."""

    def __init__(self, more: int, stride: int) -> None:
        super().__init__()
        self.padding = (0, 0, 0, 0, more // 2, more - more // 2)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, C, H, W] to [n, C + more, H / stride, W / stride]."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


def projected_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the shortcut of option B of He et al. 2016: a 1 x 1 convolution where size or channels change."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def subsampled_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the shortcut of option A of He et al. 2016, which has no parameters."""
    return nn.Identity() if stride == 1 and inputs == outputs else SubsampledShortcut(outputs - inputs, stride)


class ResidualNetwork(nn.Module):
    """Standardised pixels, a stem, stages of residual blocks, the mean over all positions, one linear layer.

    Convolutions are drawn for ReLU by the fan-out (He et al. 2015).

    Args:
        inputs: Images.
        outputs: Number of logits.
        stem: Maps standardised images to `channels` channels.
        channels: Channels after the stem.
        block: Kind of block.
        stages: (blocks, middle channels, stride of the first block) of each stage.
        shortcut: Called as `shortcut(inputs, outputs, stride)`.
        zero_gamma: Whether each block starts as its shortcut alone, which deep networks learn faster from
            (Goyal et al. 2017): the scale of its last norm starts at 0.
    """

    def __init__(
        self,
        inputs: Inputs,
        outputs: int,
        *,
        stem: nn.Module,
        channels: int,
        block: type[BasicBlock | Bottleneck],
        stages: Iterable[tuple[int, int, int]],
        shortcut: Callable[[int, int, int], nn.Module],
        zero_gamma: bool,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(inputs)
        self.stem = stem
        blocks: list[nn.Module] = []
        for count, middle, first_stride in stages:
            for index in range(count):
                stride, wide = (first_stride if index == 0 else 1), middle * block.expansion
                blocks.append(block(channels, middle, stride, shortcut(channels, wide, stride)))
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = Head(channels, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            elif zero_gamma and isinstance(layer, BasicBlock | Bottleneck):
                nn.init.zeros_(layer.last_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map pixels [n, C, H, W] in [0, 1] to logits [n, outputs], or [n] for one output."""
        features: Tensor = self.blocks(self.stem(self.standardise(x)))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


class Head(nn.Linear):
    """A linear layer whose output is [n] where it has one output."""

    def forward(self, x: Tensor) -> Tensor:
        """Map features [n, d] to logits [n, outputs], or [n]."""
        logits = functional.linear(x, self.weight, self.bias)
        return logits.squeeze(1) if self.out_features == 1 else logits
