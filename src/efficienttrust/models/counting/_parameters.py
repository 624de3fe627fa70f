"""How many numbers a module has learned, and what they take on disk."""

from __future__ import annotations

import io

import torch
from torch import nn

from efficienttrust.resources.parameters import ByteCounter, ParameterCount


def count_parameters(module: nn.Module) -> ParameterCount:
    """Count the parameters of a module; shared ones count once, running statistics of batch norm do not count.

    Those of lazy layers and of modules on the meta device have no values: `nonzero` is then None.
    """
    parameters = list(module.parameters())
    if any(isinstance(parameter, nn.UninitializedParameter) for parameter in parameters):
        return ParameterCount(0, None, "parameters are unknown: lazy layers get theirs at the first batch")
    total = sum(parameter.numel() for parameter in parameters)
    if any(parameter.is_meta for parameter in parameters):
        return ParameterCount(total, None, "nonzero parameters are unknown: the module is on the meta device")
    return ParameterCount(total, sum(int(torch.count_nonzero(parameter.detach())) for parameter in parameters))


def state_size(module: nn.Module) -> int:
    """Return the bytes of the state dict as `torch.save` writes it: parameters and buffers, no code."""
    counter = ByteCounter()
    with io.BufferedWriter(counter) as sink:
        torch.save(module.state_dict(), sink)
    return counter.size
