"""The units of our own networks: hidden units, channels, heads, units of a recurrent state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import nn

from efficienttrust.compression.pruning._groups import Group, Member, places
from efficienttrust.compression.pruning._residual import groups_of_residual
from efficienttrust.models._encoder_block import EncoderBlock
from efficienttrust.models._image_layers import ResidualNetwork
from efficienttrust.models._own import OwnNetwork
from efficienttrust.models._sequences import RecurrentNetwork
from efficienttrust.models.catalogue.ft_transformer import Block
from efficienttrust.models.catalogue.linear import Linear
from efficienttrust.models.catalogue.mlp import MLP
from efficienttrust.models.catalogue.tabular import Tabular
from efficienttrust.models.catalogue.time_transformer import TimeTransformer
from efficienttrust.models.catalogue.vit import VisionTransformer

PLAIN = (nn.Linear, nn.ReLU, nn.Dropout)


def own_groups(module: nn.Module) -> list[Group] | None:
    """Return the groups of units of one of our networks; None of any other module."""
    if isinstance(module, MLP):
        return _groups_of_chain([f"linears.{k}" for k in range(len(module.linears))], module)
    if isinstance(module, nn.Sequential) and all(isinstance(layer, PLAIN) for layer in module):
        return _groups_of_chain([str(k) for k, one in enumerate(module) if isinstance(one, nn.Linear)], module)
    if isinstance(module, ResidualNetwork):
        return groups_of_residual(module)
    if isinstance(module, RecurrentNetwork):
        return _groups_of_recurrent(module)
    if isinstance(module, Tabular):
        layers = [f"hidden.{k}" for k, one in enumerate(module.hidden) if isinstance(one, nn.Linear)]
        return [*_groups_of_chain(layers, module), _last_of_tabular(module, layers[-1])]
    if isinstance(module, VisionTransformer | TimeTransformer) or any(isinstance(one, Block) for one in module.modules()):
        return list(_groups_of_blocks(module))
    return [] if isinstance(module, Linear) else None


def _groups_of_chain(layers: Sequence[str], module: nn.Module) -> list[Group]:
    """Return the hidden units between linear layers that follow each other."""
    return [_hidden(module, before, after) for before, after in pairwise(layers)]


def _hidden(module: nn.Module, before: str, after: str, gates: int = 1) -> Group:
    """Return the units that one linear layer writes, `gates` outputs for each, and another one reads."""
    layer = module.get_submodule(after)
    assert isinstance(layer, nn.Linear)
    units = layer.in_features
    written, read = places(units, outer=gates), places(units)
    members = [Member(f"{before}.{leaf}", 0, written, "writes") for leaf in ("weight", "bias")]
    return Group(units, (*members, Member(f"{after}.weight", 1, read, "reads")))


def _last_of_tabular(module: Tabular, last: str) -> Group:
    layer = module.get_submodule(last)
    assert isinstance(layer, nn.Linear)
    units = layer.out_features
    members = [Member(f"{last}.{leaf}", 0, places(units), "writes") for leaf in ("weight", "bias")]
    read = places(units, outer=module.head.in_features // units)  # a copy for each member of the network
    return Group(units, (*members, Member("head.weight", 1, read, "reads")))


def _groups_of_blocks(module: nn.Module) -> Iterator[Group]:
    """Yield heads and hidden units of blocks of a Transformer; the width of a token stays."""
    for path, block in module.named_modules():
        if isinstance(block, EncoderBlock):
            yield _hidden(module, f"{path}.up", f"{path}.down")
            inner = block.out.in_features // block.heads
            yield _heads(path, block.heads, inner, {"project": 3})
        elif isinstance(block, Block):
            yield _hidden(module, f"{path}.widen", f"{path}.narrow", gates=2)


def _heads(path: str, heads: int, inner: int, layers: dict[str, int]) -> Group:
    """Return the heads of an attention whose layers write queries, keys and values, so many of them each."""
    members = [
        Member(f"{path}.{name}.{leaf}", 0, places(heads, outer=kinds, inner=inner), "writes")
        for name, kinds in layers.items()
        for leaf in ("weight", "bias")
    ]
    read = Member(f"{path}.out.weight", 1, places(heads, inner=inner), "reads")
    return Group(heads, (*members, read), whole=False)


def _groups_of_recurrent(module: RecurrentNetwork) -> list[Group]:
    """Return the units of each recurrent layer, which all keep as many, and those of the layer that reads the last."""
    recurrent = module.recurrent
    hidden, gates = recurrent.hidden_size, 4 if isinstance(recurrent, nn.LSTM) else 3
    written, read = places(hidden, outer=gates), places(hidden)
    groups = []
    for layer in range(recurrent.num_layers):
        leaves = (f"weight_ih_l{layer}", f"weight_hh_l{layer}", f"bias_ih_l{layer}", f"bias_hh_l{layer}")
        writes = [Member(f"recurrent.{leaf}", 0, written, "writes") for leaf in leaves]
        within = Member(f"recurrent.weight_hh_l{layer}", 1, read)
        last = layer == recurrent.num_layers - 1
        reader = "joint.weight" if last else f"recurrent.weight_ih_l{layer + 1}"
        groups.append(Group(hidden, (*writes, within, Member(reader, 1, read, "reads"))))
    return [*groups, _hidden(module, "joint", "head")]


def own_network(module: nn.Module) -> OwnNetwork | None:
    """Return the wrapper of a user's network, None of ours."""
    return module if isinstance(module, OwnNetwork) else None
