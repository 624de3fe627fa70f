"""What is too large to be made: options beyond their largest values, weights beyond what one file holds.

Both are refused before anything is allocated: the weights are counted on torch's meta device, where tensors have shapes
and no numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError, in_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn

    from efficienttrust.models._network import Inputs, Network

LARGEST_FILE = 2**31  # bytes of an ONNX file: a limit of protobuf, in which it is written
BYTES_PER_WEIGHT = 4
TRAINING_COPIES = 4  # a weight, its gradient, and the two averages that AdamW keeps of it
LONGEST = 64  # numbers in an option such as `widths=64-32`


def refuse_extremes(network: Network, options: Mapping[str, Any]) -> None:
    """Raise `UsageError` for an option beyond its largest value."""
    for name, value in options.items():
        values = value if isinstance(value, tuple | list) else (value,)  # a list where options were read from a file
        if len(values) > LONGEST:
            raise UsageError(f"model option {name} of {network.name} has {len(values)} numbers; give at most {LONGEST}")
        most = network.most.get(name)
        if most is not None and max(values, default=0) > most:
            raise UsageError(f"model option {name}={max(values):g} of {network.name}: give at most {most:g}")


def refuse_too_large(network: Network, inputs: Inputs, outputs: int, options: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a network whose weights one exported file cannot hold; says how many there would be.

    A network is counted where an option is beyond its default, as the meta device takes a second to load.
    """
    import psutil

    if not any(_is_beyond(value, network.options[name]) for name, value in options.items()):
        return
    n = count_unmade(network, inputs, outputs, options)
    if n * BYTES_PER_WEIGHT < LARGEST_FILE:
        return
    has = psutil.virtual_memory().total
    raise UsageError(
        f"{network.name} would have {n:.2g} parameters ({in_bytes(BYTES_PER_WEIGHT * n)}; this machine has "
        f"{in_bytes(has)}), and a model file holds at most {LARGEST_FILE // BYTES_PER_WEIGHT:.2g}: give a smaller "
        f"{' or '.join(network.most)}"
    )


def _is_beyond(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return len(value) > len(default) or max(value, default=0) > max(default)
    return bool(value > default)


def refuse_beyond_memory(name: str, module: nn.Module, device: torch.device) -> None:
    """Raise `UsageError` for a network whose weights and optimiser do not fit onto a device."""
    import psutil
    import torch

    n = sum(parameter.numel() for parameter in module.parameters())
    on_gpu = device.type == "cuda"
    has = torch.cuda.mem_get_info(device)[1] if on_gpu else psutil.virtual_memory().total
    if (needed := TRAINING_COPIES * BYTES_PER_WEIGHT * n) > has:
        raise UsageError(
            f"{name} has {n:.2g} parameters: its training holds at least {in_bytes(needed)}, this "
            f"{'GPU' if on_gpu else 'machine'} has {in_bytes(has)}; choose a smaller network"
        )


def count_unmade(network: Network, inputs: Inputs, outputs: int, options: Mapping[str, Any]) -> int:
    """Return the parameters that a registered network would have, without making it.

    What follows from the sample of rows, the number of bins of each column, is left out: it is little, and takes long.
    """
    import torch

    few = inputs if inputs.sample is None else dataclasses.replace(inputs, sample=inputs.sample[:1])
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        module = network.make(few, outputs, **options)
    return sum(parameter.numel() for parameter in module.parameters())
