"""What a fresh process runs to measure the memory of steps taken in parts."""

from __future__ import annotations

import torch

from efficienttrust.models import Inputs, make_network
from efficienttrust.training._microbatch import slices


def steps(parts: int) -> float:
    """Take two steps of ResNet-8 on 256 images of 64x64 pixels in so many parts."""
    torch.set_num_threads(1)
    network = make_network("resnet8", Inputs("image", (3, 64, 64), sample=torch.rand(8, 3, 64, 64).numpy()), 10, seed=0)
    images, y = torch.rand(256, 3, 64, 64), torch.randint(10, (256,))
    for _ in range(2):
        network.zero_grad()
        for part in slices(256, parts):
            torch.nn.functional.cross_entropy(network(images[part]), y[part], reduction="sum").backward()
    return float(next(network.parameters()).grad.abs().sum())
