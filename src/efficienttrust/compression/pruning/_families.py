"""The units of the networks that we make: which of their tensors belong together."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from efficienttrust.compression.pruning._atoms import FIXED, Atoms, counted
from efficienttrust.models import MLP
from efficienttrust.models._encoder_block import EncoderBlock
from efficienttrust.models._image_layers import (
    BasicBlock,
    Bottleneck,
    ResidualNetwork,
    SubsampledShortcut,
)
from efficienttrust.models._sequences import RecurrentNetwork
from efficienttrust.models.catalogue.ft_transformer import Block as FTBlock
from efficienttrust.models.catalogue.tabular import Tabular

BETWEEN = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.LeakyReLU, nn.Dropout, nn.Identity)
"""Modules that treat each unit alone and hold nothing of it."""


def atoms_of(module: nn.Module) -> Atoms | None:
    """Return the units of a network of ours; None of others, whose structure has to be traced."""
    atoms = Atoms(module)
    if isinstance(module, MLP):
        _mlp(atoms, module)
    elif isinstance(module, ResidualNetwork):
        if not all(isinstance(block, BasicBlock | Bottleneck) for block in module.blocks):
            return None
        _residual(atoms, module)
    elif isinstance(module, RecurrentNetwork):
        _recurrent(atoms, module)
    elif isinstance(module, Tabular):
        _tabular(atoms, module)
    elif any(isinstance(one, EncoderBlock | FTBlock) for one in module.modules()):
        for path, one in module.named_modules():
            if isinstance(one, EncoderBlock):
                _encoder_block(atoms, path, one)
            elif isinstance(one, FTBlock):
                _ft_block(atoms, path, one)
    elif isinstance(module, nn.Sequential) and all(isinstance(one, (nn.Linear, *BETWEEN)) for one in module):
        _chain(atoms, "", module)
    else:
        return None
    return atoms


def _mlp(atoms: Atoms, module: MLP) -> None:
    hidden: list[Tensor] = []
    for k in range(len(module.linears) - 1):
        hidden.append(atoms.new(module.widths[k]))
        atoms.layer(f"linears.{k}", hidden[-1])
        atoms.reads(f"linears.{k + 1}", hidden[-1])

    def follow(kept: Tensor) -> None:
        module.widths = tuple(counted(kept, one.tolist()) for one in hidden)

    atoms.after.append(follow)


def _chain(atoms: Atoms, path: str, layers: nn.Sequential) -> None:
    """Add the units between the linear layers of a sequence."""
    prefix = f"{path}." if path else ""
    linears = [f"{prefix}{k}" for k, one in enumerate(layers) if isinstance(one, nn.Linear)]
    for writer, reader in pairwise(linears):
        units = atoms.new(atoms.module.get_submodule(writer).out_features)  # type: ignore[arg-type]
        atoms.layer(writer, units)
        atoms.reads(reader, units)


def _tabular(atoms: Atoms, module: Tabular) -> None:
    _chain(atoms, "hidden", module.hidden)
    last = max(k for k, one in enumerate(module.hidden) if isinstance(one, nn.Linear))
    writer = module.hidden[last]
    assert isinstance(writer, nn.Linear)
    units = atoms.new(writer.out_features)
    atoms.layer(f"hidden.{last}", units)
    atoms.reads("head", units.repeat(module.head.in_features // writer.out_features))  # members side by side


def _residual(atoms: Atoms, module: ResidualNetwork) -> None:
    stem = [path for path, one in module.named_modules() if path.startswith("stem")]
    filters = [path for path in stem if isinstance(module.get_submodule(path), nn.Conv2d)]
    first = module.get_submodule(filters[-1])
    assert isinstance(first, nn.Conv2d)
    stream = atoms.new(first.out_channels)
    norms = [path for path in stem if isinstance(module.get_submodule(path), nn.BatchNorm2d)]
    atoms.layer(filters[-1], stream, norms[-1])
    for k, block in enumerate(module.blocks):
        path = f"blocks.{k}"
        names = ("first", "last") if isinstance(block, BasicBlock) else ("first", "second", "last")
        inner = stream
        for name in names[:-1]:
            atoms.reads(f"{path}.{name}", inner)
            layer = getattr(block, name)
            inner = atoms.new(layer.out_channels)
            atoms.layer(f"{path}.{name}", inner, f"{path}.{name}_norm")
        atoms.reads(f"{path}.last", inner)
        stream = _after_shortcut(atoms, path, block.shortcut, stream)  # type: ignore[arg-type]
        atoms.layer(f"{path}.last", stream, f"{path}.last_norm")
    atoms.reads("head", stream)


def _after_shortcut(atoms: Atoms, path: str, shortcut: nn.Module, stream: Tensor) -> Tensor:
    """Return the channels of the stream behind a block: as before, padded by new ones, or projected to new ones."""
    if isinstance(shortcut, nn.Identity):
        return stream
    if isinstance(shortcut, SubsampledShortcut):
        front, back = shortcut.padding[4:]
        fresh = atoms.new(front + back)
        before, behind = fresh[:front].tolist(), fresh[front:].tolist()

        def follow(kept: Tensor) -> None:
            shortcut.padding = (0, 0, 0, 0, counted(kept, before), counted(kept, behind))

        atoms.after.append(follow)
        return torch.cat([fresh[:front], stream, fresh[front:]])
    assert isinstance(shortcut, nn.Sequential)
    convolution = shortcut[0]
    assert isinstance(convolution, nn.Conv2d)
    atoms.reads(f"{path}.shortcut.0", stream)
    projected = atoms.new(convolution.out_channels)
    atoms.layer(f"{path}.shortcut.0", projected, f"{path}.shortcut.1")
    return projected


def _encoder_block(atoms: Atoms, path: str, block: EncoderBlock) -> None:
    hidden = atoms.new(block.up.out_features)
    atoms.layer(f"{path}.up", hidden)
    atoms.reads(f"{path}.down", hidden)
    if block.heads > 1:
        heads = atoms.new(block.heads)
        columns = heads.repeat_interleave(block.out.in_features // block.heads)
        atoms.layer(f"{path}.project", columns.repeat(3))  # query, key and value
        atoms.reads(f"{path}.out", columns)

        def follow(kept: Tensor) -> None:
            block.heads = counted(kept, heads.tolist())

        atoms.after.append(follow)


def _ft_block(atoms: Atoms, path: str, block: FTBlock) -> None:
    hidden = atoms.new(block.narrow.in_features)
    atoms.layer(f"{path}.widen", hidden.repeat(2))  # values and gates
    atoms.reads(f"{path}.narrow", hidden)
    heads = atoms.new(block.heads)
    columns = heads.repeat_interleave(block.query.out_features // block.heads)
    atoms.layer(f"{path}.query", columns)
    atoms.layer(f"{path}.key_and_value", columns.repeat(2))
    atoms.reads(f"{path}.out", columns)

    def follow(kept: Tensor) -> None:
        block.heads = counted(kept, heads.tolist())

    atoms.after.append(follow)


def _recurrent(atoms: Atoms, module: RecurrentNetwork) -> None:
    cells = module.recurrent
    gates = 4 if isinstance(cells, nn.LSTM) else 3
    state: Tensor | None = None
    # One width for all layers: units of the same number leave together.
    shared = atoms.new(cells.hidden_size)
    for k in range(cells.num_layers):
        if state is not None:
            atoms.put("recurrent", 1, state, f"weight_ih_l{k}")
        state = shared
        atoms.put("recurrent", 0, state.repeat(gates), f"weight_ih_l{k}", f"weight_hh_l{k}")
        atoms.put("recurrent", 0, state.repeat(gates), f"bias_ih_l{k}", f"bias_hh_l{k}")
        atoms.put("recurrent", 1, state, f"weight_hh_l{k}")
    joint = module.joint
    known = torch.full((joint.in_features - cells.hidden_size,), FIXED)
    atoms.reads("joint", torch.cat([shared, known]))
    units = atoms.new(joint.out_features)
    atoms.layer("joint", units)
    atoms.reads("head", units)

    def follow(kept: Tensor) -> None:
        cells.hidden_size = counted(kept, shared.tolist())

    atoms.after.append(follow)
