"""Activation checkpointing: a block keeps its input alone, and the backward pass computes the rest again.

Chen et al. 2016, through `torch.utils.checkpoint` without reentrance. A step is the same to the bit: random numbers are
drawn again as they were, and buffers (the running means of batch norms) move once, with the first pass.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from efficienttrust.models.counting import count_flops

SHORT = 4  # layers of a plain sequence that are one block; a longer one is cut into about the root of its length

Forward = Callable[..., Any]


def block_forwards(network: nn.Module) -> list[tuple[nn.Module, list[Forward]]]:
    """Return the blocks of a network: modules, and the pieces that their forward pass consists of, in order.

    Blocks are the composite members of an outermost `nn.Sequential` or `nn.ModuleList`; a plain `nn.Sequential` of
    single layers is taken in pieces. A single layer is no block, as it keeps little but its input.
    """
    found: list[tuple[nn.Module, list[Forward]]] = []
    for child in [network] if _holds_blocks(network) else list(network.children()):
        if not _holds_blocks(child):
            found += block_forwards(child)
            continue
        members = list(child.children())
        composite = [one for one in members if any(True for _ in one.children())]
        if composite:
            found += [(one, [one.forward]) for one in composite if "forward" not in vars(one)]
        elif type(child).forward is nn.Sequential.forward and len(members) > 1 and "forward" not in vars(child):
            size = len(members) if len(members) <= SHORT else math.ceil(math.sqrt(len(members)))
            pieces = [members[start : start + size] for start in range(0, len(members), size)]
            found.append((child, [_in_turn(piece) for piece in pieces]))
    return found


@contextlib.contextmanager
def checkpointed(network: nn.Module, wanted: bool = True) -> Iterator[None]:
    """Let the blocks of a network compute again in the body what the backward pass needs.

    Args:
        network: The network.
        wanted: False changes nothing.
    """
    replaced = []
    for module, pieces in block_forwards(network) if wanted else ():
        module.forward = _checkpointing(module, pieces)
        replaced.append(module)
    try:
        yield
    finally:
        for module in replaced:
            del module.forward


@contextlib.contextmanager
def watched(network: nn.Module, around: Callable[[], contextlib.AbstractContextManager[Any]]) -> Iterator[None]:
    """Enter `around()` for the time of every piece of every block while the body runs."""
    replaced = []

    def within(pieces: list[Forward]) -> Forward:
        def forward(*given: Any, **named: Any) -> Any:
            for piece in pieces:
                with around():
                    given, named = (piece(*given, **named),), {}
            return given[0]

        return forward

    for module, pieces in block_forwards(network):
        module.forward = within(pieces)
        replaced.append(module)
    try:
        yield
    finally:
        for module in replaced:
            del module.forward


def recomputed_flops(network: nn.Module, row: Tensor) -> float:
    """Return the operations that checkpointing adds to a backward pass for each row: the forward pass of all blocks.

    Args:
        network: The network; is not changed.
        row: One row, [1, *shape], where the network is.
    """
    seen: list[tuple[nn.Module, tuple[Any, ...], dict[str, Any]]] = []
    hooks = [
        module.register_forward_pre_hook(lambda one, given, named: seen.append((one, given, named)), with_kwargs=True)
        for module, _ in block_forwards(network)
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(row)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return sum(count_flops(module, given, keywords=named).per_row for module, given, named in seen)


def _holds_blocks(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential | nn.ModuleList)


def _in_turn(layers: list[nn.Module]) -> Forward:
    def forward(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return forward


def _checkpointing(module: nn.Module, pieces: list[Forward]) -> Forward:
    def forward(*given: Any, **named: Any) -> Any:
        for piece in pieces:
            contexts = _BuffersMoveOnce(module).contexts
            given, named = (checkpoint(piece, *given, use_reentrant=False, context_fn=contexts, **named),), {}
        return given[0]

    return forward


class _BuffersMoveOnce:
    """Lets the second pass of a block see the buffers that the first one saw, and leave no trace in them."""

    def __init__(self, module: nn.Module) -> None:
        self._buffers = list(module.buffers())
        self._seen: list[Tensor] = []

    def contexts(self) -> tuple[contextlib.AbstractContextManager[None], contextlib.AbstractContextManager[None]]:
        """Return what surrounds the first pass, and what the second."""
        return self._first(), self._again()

    @contextlib.contextmanager
    def _first(self) -> Iterator[None]:
        self._seen = [one.detach().clone() for one in self._buffers]
        yield

    @contextlib.contextmanager
    def _again(self) -> Iterator[None]:
        present = [one.detach().clone() for one in self._buffers]
        self._write(self._seen)
        try:
            yield
        finally:
            self._write(present)

    def _write(self, values: list[Tensor]) -> None:
        for one, value in zip(self._buffers, values, strict=True):
            one.data.copy_(value)  # `data`: a backward pass that waits must not see this as a change
