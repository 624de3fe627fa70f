"""Which parameters of a network are weights that can be pruned or rounded, and the layer that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
WITHOUT_WEIGHTS = (
    nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Embedding, nn.modules.dropout._DropoutNd,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Weight:
    """A weight matrix or a filter bank.

    Attributes:
        name: Dotted name of the parameter.
        value: The parameter; its first axis counts outputs.
        layer: The layer that it belongs to.
    """

    name: str
    value: Tensor
    layer: nn.Module


def weights_of(module: nn.Module) -> list[Weight]:
    """Return the weights of linear, convolutional and recurrent layers, in the order of the network.

    Biases, norms, embeddings and what a module holds besides its layers (curves, scales, positions) are left alone:
    they are few, and each stands for much.
    """
    found: list[Weight] = []
    seen: set[int] = set()
    for path, layer in module.named_modules():
        if not isinstance(layer, LAYERS):
            continue
        for leaf, value in layer.named_parameters(recurse=False):
            if value.ndim > 1 and id(value) not in seen:
                seen.add(id(value))
                found.append(Weight(f"{path}.{leaf}" if path else leaf, value, layer))
    return found


def unknown_layers(module: nn.Module) -> list[str]:
    """Return the types of layers that hold matrices of their own and are of no kind known here, as `Bilinear`."""
    names = {
        type(layer).__name__
        for layer in module.modules()
        if not isinstance(layer, (*LAYERS, *WITHOUT_WEIGHTS))
        and next(layer.children(), None) is None
        and any(one.ndim > 1 for one in layer.parameters(recurse=False))
    }
    return sorted(names)
