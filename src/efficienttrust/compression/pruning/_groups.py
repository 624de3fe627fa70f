"""Units that are removed together: where each of them is written and read, which matter least, and the cut itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Indices = NDArray[np.int64]

STEPS = (8, 4, 2)  # odd numbers of units are slow
TOLERATED = 1 / 16  # of the units: how far a rounded number of units may be from the wanted one


@dataclass(frozen=True, eq=False)
class Member:
    """One tensor in which the units of a group have their place.

    Attributes:
        name: Dotted name of the parameter or buffer.
        axis: Axis along which the units lie.
        places: int64 [units, k], indices along that axis of each unit.
        role: `writes` where the unit comes from this tensor, `reads` where it goes into it, empty for statistics and
            scales, which count through the weights that they scale.
        scale: Batch norm that scales what is written, by dotted name; empty for none.
    """

    name: str
    axis: int
    places: Indices
    role: str = ""
    scale: str = ""


@dataclass(frozen=True, eq=False)
class Group:
    """Units of which the least important are removed.

    Attributes:
        units: How many there are.
        members: Where they have their place.
        whole: Whether their number may be rounded to a multiple of 8, 4 or 2.
    """

    units: int
    members: tuple[Member, ...]
    whole: bool = True


def places(units: int, *, start: int = 0, outer: int = 1, inner: int = 1) -> Indices:
    """Return the indices of units along an axis that is laid out as [outer, units, inner], from an index on."""
    o, u, i = np.meshgrid(np.arange(outer), np.arange(units), np.arange(inner), indexing="ij")
    index = start + (o * units + u) * inner + i
    return np.asarray(index.transpose(1, 0, 2).reshape(units, outer * inner), dtype=np.int64)


def kept_units(units: int, amount: float, whole: bool = True) -> int:
    """Return how many units stay: about `units` times 1 − `amount`, at least one, an even number where that is near."""
    wanted = units * (1.0 - amount)
    for step in STEPS if whole else ():
        rounded = step * round(wanted / step)
        if 0 < rounded <= units and abs(rounded - wanted) <= TOLERATED * units:
            return rounded
    return min(max(1, round(wanted)), units)


def importance(module: nn.Module, group: Group) -> Tensor:
    """Return the importance of each unit, float64 [units].

    It is the L2 norm of all weights that write a unit, times the norm of all that read it. The norm of a filter is that
    of Li et al. 2017, "Pruning Filters for Efficient ConvNets", over all coupled layers as in Fang et al. 2023,
    "DepGraph", with the scale of a batch norm folded in. Differs in the product, which does not change when a unit is
    scaled up before its ReLU and down after it, and is 0 for what is written or read by nobody.
    """
    squares = {"writes": torch.zeros(group.units, dtype=torch.float64), "reads": torch.zeros(group.units).double()}
    tensors = tensors_of(module)
    for member in group.members:
        if not member.role:
            continue
        value = tensors[member.name].detach().double().square()
        index = torch.from_numpy(member.places)
        per_place = value.sum(dim=[axis for axis in range(value.ndim) if axis != member.axis])
        if member.scale:
            norm = module.get_submodule(member.scale)
            assert isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.running_var is not None
            shrunk = norm.running_var.double() + norm.eps
            per_place = per_place * norm.weight.detach().double().square() / shrunk
        squares[member.role] += per_place[index].sum(1)
    return (squares["writes"] * squares["reads"]).sqrt()


def choose(module: nn.Module, groups: Sequence[Group], amount: float) -> list[NDArray[np.bool_]]:
    """Return which units of each group stay, bool [units]: those of highest importance."""
    kept = []
    for group in groups:
        order = torch.argsort(importance(module, group), descending=True, stable=True)
        stays = np.zeros(group.units, dtype=bool)
        stays[order[: kept_units(group.units, amount, group.whole)].numpy()] = True
        kept.append(stays)
    return kept


def cut(module: nn.Module, groups: Sequence[Group], kept: Sequence[NDArray[np.bool_]]) -> None:
    """Remove the units of each group that do not stay, from all tensors, in place."""
    gone: dict[tuple[str, int], list[Indices]] = {}
    for group, stays in zip(groups, kept, strict=True):
        for member in group.members:
            gone.setdefault((member.name, member.axis), []).append(member.places[~stays].ravel())
    for (name, axis), parts in gone.items():
        owner, _, leaf = name.rpartition(".")
        layer = module.get_submodule(owner)
        value = getattr(layer, leaf)
        rest = np.setdiff1d(np.arange(value.shape[axis]), np.concatenate(parts))
        smaller = value.detach().index_select(axis, torch.from_numpy(rest)).contiguous()
        if leaf in layer._parameters:
            setattr(layer, leaf, nn.Parameter(smaller, requires_grad=value.requires_grad))
        else:
            layer._buffers[leaf] = smaller
    adjust_sizes(module)


def adjust_sizes(module: nn.Module) -> None:
    """Let layers say the sizes that their weights have."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            layer.out_features, layer.in_features = layer.weight.shape
        elif isinstance(layer, nn.modules.conv._ConvNd) and layer.groups == 1 and not layer.transposed:
            layer.out_channels, layer.in_channels = layer.weight.shape[:2]
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.running_mean is not None:
            layer.num_features = len(layer.running_mean)
        elif isinstance(layer, nn.LSTM | nn.GRU):
            layer.hidden_size, layer.input_size = layer.weight_hh_l0.shape[1], layer.weight_ih_l0.shape[1]


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by dotted name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
