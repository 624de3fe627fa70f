"""Micro-batches: a batch is taken in parts whose gradients add up, so that its activations fit into a limit on memory.

What one row costs is counted, not guessed: autograd says which tensors it keeps for the backward pass of a few rows.
The gradient of a step stays that of the whole batch, but for batch norms, which see the statistics of their part.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.training._checkpointing import checkpointed, watched

COUNTED_ROWS = 8  # rows of the larger of two passes whose kept tensors are compared
BACKWARD = 1.5  # on the tensors kept: gradients of activations and the workspaces of kernels come on top


@dataclass(frozen=True)
class StepMemory:
    """What a training step holds at its peak, beyond weights, gradients and the optimiser's state.

    Attributes:
        fixed: Bytes that do not depend on the number of rows.
        per_row: Bytes for each row of a part.
    """

    fixed: float
    per_row: float

    def of(self, rows: int) -> float:
        """Return the bytes of a part of so many rows."""
        return self.fixed + self.per_row * rows


def parts_for(rows: int, memory: StepMemory, room: float) -> int:
    """Return the least number of parts of a batch of `rows` of which each fits into `room` bytes; `rows` if none does.

    Args:
        rows: Rows of the whole batch that this process takes.
        memory: What a part holds.
        room: Bytes that are free for it.
    """
    most = math.floor((room - memory.fixed) / max(memory.per_row, 1.0))  # rows of a part
    return rows if most < 1 else math.ceil(rows / min(rows, most))


def slices(rows: int, parts: int) -> list[slice]:
    """Return the parts of a batch: as equal as can be, none empty."""
    parts = max(1, min(parts, rows))
    edges = [index * rows // parts for index in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def step_memory(
    network: nn.Module, loss_of: Callable[[int], Tensor], rows: int, *, recomputed: bool = False
) -> StepMemory:
    """Count what autograd keeps for the backward pass, from passes of two sizes.

    Args:
        network: The network; its own weights and buffers do not count.
        loss_of: Runs the forward pass of so many rows and returns the loss.
        rows: Rows of a whole batch; at most so many are tried.
        recomputed: Whether blocks keep their inputs alone; while one is computed again it holds all that it needs.
    """
    large = min(COUNTED_ROWS, rows)
    small = max(1, large // 2)
    few, many = (_held(network, partial(loss_of, size), recomputed) for size in (small, large))
    per_row = (many - few) / (large - small) if large > small else float(many)
    return StepMemory(max(few - per_row * small, 0.0) * BACKWARD, per_row * BACKWARD)


def _held(network: nn.Module, loss: Callable[[], Tensor], recomputed: bool) -> int:
    """Return the bytes that a backward pass finds kept, and those of the largest block where blocks are recomputed."""
    own = {one.untyped_storage().data_ptr() for one in (*network.parameters(), *network.buffers())}
    largest = 0

    @contextlib.contextmanager
    def block() -> Iterator[None]:
        nonlocal largest
        with _kept(own) as held:
            yield
        largest = max(largest, sum(held.values()))

    if recomputed:
        with watched(network, block):
            loss()
    with checkpointed(network, recomputed), _kept(own) as kept:
        alive = loss()  # until all is counted: a freed address would be counted once for two tensors
    count = sum(kept.values()) + largest
    del alive
    return count


@contextlib.contextmanager
def _kept(own: set[int]) -> Iterator[dict[int, int]]:
    """Collect the storages that autograd keeps in the body, other than the network's own: address to bytes."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def unpack(tensor: Any) -> Any:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield kept
