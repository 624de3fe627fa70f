"""Units of a network and everywhere that they occur: what has to be cut together.

A unit (a neuron, a channel, a head) is an *atom*. Of every axis of a tensor along which units lie, the atoms are listed
in order; the same atom may stand in many tensors, as a channel of a residual stream does. Removing an atom removes all
its places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

FIXED = -1  # a place that no unit owns, and that stays


@dataclass(eq=False)
class Atoms:
    """The units of a network.

    Attributes:
        module: The network.
        groups: Lists of atoms among which a share is removed.
        places: (dotted path of the owner, name of the tensor, axis) to the atom at each position.
        norms: Dotted path of a layer to that of the batch norm that scales what it writes.
        after: Called with whether each atom is kept, once tensors are cut: sets attributes that follow.
        count: How many atoms there are.
    """

    module: nn.Module
    groups: list[list[int]] = field(default_factory=list)
    places: dict[tuple[str, str, int], Tensor] = field(default_factory=dict)
    norms: dict[str, str] = field(default_factory=dict)
    after: list[Callable[[Tensor], None]] = field(default_factory=list)
    count: int = 0

    def new(self, units: int) -> Tensor:
        """Return so many new atoms, a group of their own."""
        made = torch.arange(self.count, self.count + units)
        self.count += units
        self.groups.append(made.tolist())
        return made

    def put(self, path: str, axis: int, atoms: Tensor, *leaves: str) -> None:
        """Say which atoms lie along an axis of tensors of a module; tensors that are not there are passed over."""
        owner = self.module.get_submodule(path)
        for leaf in leaves:
            value = getattr(owner, leaf, None)
            if isinstance(value, Tensor) and value.ndim > axis:
                assert value.shape[axis] == len(atoms), (path, leaf, axis, tuple(value.shape), len(atoms))
                self.places[path, leaf, axis] = atoms

    def layer(self, path: str, atoms: Tensor, norm: str = "") -> None:
        """Say that the outputs of a linear or convolutional layer, and of the batch norm behind it, are these atoms."""
        self.put(path, 0, atoms, "weight", "bias")
        if norm:
            self.norms[path] = norm
            self.put(norm, 0, atoms, "weight", "bias", "running_mean", "running_var")

    def reads(self, path: str, atoms: Tensor) -> None:
        """Say that the inputs of a linear or convolutional layer are these atoms."""
        self.put(path, 1, atoms, "weight")

    def importance(self) -> Tensor:
        """Return the importance of each atom, float64 [count].

        It is the norm of all weights that write the atom, times the norm of all that read it. The norm of a filter is
        that of Li et al. 2017, "Pruning Filters for Efficient ConvNets", over all coupled layers as in Fang et al.
        2023, "DepGraph", with the scale of a batch norm folded in. Differs in the product, which does not change when a
        unit is scaled up before its ReLU and down after it, and is 0 for what nobody writes or nobody reads.
        """
        written = torch.zeros(self.count, dtype=torch.float64)
        read = torch.zeros_like(written)
        for (path, leaf, axis), atoms in self.places.items():
            value = getattr(self.module.get_submodule(path), leaf).detach().double()
            if value.ndim < 2:
                continue
            squares = value.square().sum([k for k in range(value.ndim) if k != axis])
            if axis == 0 and path in self.norms:
                squares = squares * self._factor(self.norms[path])
            owned = atoms != FIXED
            (written if axis == 0 else read).index_add_(0, atoms[owned], squares[owned])
        return (written * read).sqrt()

    def _factor(self, path: str) -> Tensor:
        """Return the square of what a batch norm multiplies each channel by."""
        norm = self.module.get_submodule(path)
        assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
        assert norm.running_var is not None
        factor: Tensor = norm.weight.detach().double().square() / (norm.running_var.double() + norm.eps)
        return factor

    def cut(self, kept: Tensor) -> None:
        """Remove atoms from every tensor that they lie in.

        Args:
            kept: bool, for each atom.
        """
        stays = torch.cat([kept, torch.ones(1, dtype=torch.bool)])  # the last is FIXED, -1
        for (path, leaf, axis), atoms in self.places.items():
            owner = self.module.get_submodule(path)
            value = getattr(owner, leaf)
            cut = value.detach().index_select(axis, torch.nonzero(stays[atoms])[:, 0].to(value.device)).clone()
            if isinstance(value, nn.Parameter):
                setattr(owner, leaf, nn.Parameter(cut, requires_grad=value.requires_grad))
            else:
                owner._buffers[leaf] = cut
            _tell(owner)
        for follow in self.after:
            follow(kept)


def kept_units(units: int, amount: float) -> int:
    """Return how many of so many units stay: a multiple of 4 where they are many (odd counts are slow), 1 at least."""
    wanted = units * (1.0 - amount)
    return min(units, 4 * round(wanted / 4)) if wanted >= 8 else max(1, round(wanted))


def choose(atoms: Atoms, amount: float) -> Tensor:
    """Return whether each atom is kept: the most important of every group."""
    importance = atoms.importance()
    kept = torch.zeros(atoms.count, dtype=torch.bool)
    for group in atoms.groups:
        members = torch.tensor(group)
        best = torch.argsort(importance[members], descending=True, stable=True)
        kept[members[best[: kept_units(len(group), amount)]]] = True
    return kept


def counted(kept: Tensor, atoms: Iterable[int]) -> int:
    """Return how many of some atoms are kept."""
    return sum(bool(kept[atom]) for atom in atoms)


def _tell(layer: nn.Module) -> None:
    """Let a layer know its sizes, which some read and all print."""
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, nn.modules.conv._ConvNd):
        layer.out_channels, layer.in_channels = layer.weight.shape[:2]
    elif isinstance(layer, nn.modules.batchnorm._NormBase):
        layer.num_features = len(layer.running_mean) if layer.running_mean is not None else len(layer.weight)
