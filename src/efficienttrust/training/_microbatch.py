"""Micro-batches: a batch is taken in parts whose gradients add up, so that its activations fit into a limit on memory.

What one row costs is counted, not guessed: autograd says which tensors it keeps for the backward pass of a few rows.
The gradient of a step stays that of the whole batch, but for batch norms, which see the statistics of their part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from efficienttrust.training._module_step import ModuleStepper

COUNTED_ROWS = 8  # rows of the larger of two passes whose kept tensors are compared
BACKWARD = 1.5  # on the tensors kept: gradients of activations and the workspaces of kernels come on top
HEADROOM = 0.03  # of the limit: copies of the weights for snapshots, fragments of the allocator


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


def step_memory(network: nn.Module, loss_of: Callable[[int], Tensor], rows: int) -> StepMemory:
    """Count what autograd keeps for the backward pass, from passes of two sizes.

    Args:
        network: The network; its own weights and buffers do not count.
        loss_of: Runs the forward pass of so many rows and returns the loss.
        rows: Rows of a whole batch; at most so many are tried.
    """
    large = min(COUNTED_ROWS, rows)
    small = max(1, large // 2)
    few, many = (_kept_bytes(network, loss_of, size) for size in (small, large))
    per_row = (many - few) / (large - small) if large > small else float(many)
    return StepMemory(max(few - per_row * small, 0.0) * BACKWARD, per_row * BACKWARD)


def fit_memory(stepper: ModuleStepper, rows: int, limit: float | None) -> str:
    """Choose the number of parts of a batch from a limit on memory; return what a report should say, if anything.

    On a CPU the limit is on the resident memory of the process; on a GPU on what torch's allocator takes, which is also
    capped there.

    Args:
        stepper: Its `parts` are set; it takes one step of few rows, so that everything that a step needs once is there.
        rows: Rows of a batch.
        limit: In bytes; None is no limit.
    """
    if limit is None:
        return ""
    device = stepper.setup.device
    if device.type == "cuda":  # pragma: no cover - no GPU in the tests
        _, total = torch.cuda.mem_get_info(device)
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)
    memory = stepper.measure_memory(rows)
    used = _resident(device)
    room = limit * (1.0 - HEADROOM) - used
    stepper.parts = parts_for(rows, memory, room)
    if stepper.parts == 1:
        return ""
    said = (
        f"memory: a step on {rows} rows would hold {(used + memory.of(rows)) / 1e6:.0f} MB of the {limit / 1e6:.0f} MB "
        f"asked for, so a batch is taken in {stepper.parts} parts"
    )
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in stepper.network.modules()):
        said += "; batch norms see the statistics of a part"
    if memory.of(math.ceil(rows / stepper.parts)) > room:
        said += "; even one row at a time is expected to exceed the limit"
    return said


def _kept_bytes(network: nn.Module, loss_of: Callable[[int], Tensor], rows: int) -> int:
    own = {one.untyped_storage().data_ptr() for one in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def unpack(tensor: Any) -> Any:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        loss = loss_of(rows)  # alive until all is counted: a freed address would be counted once for two tensors
    count = sum(kept.values())
    del loss
    return count


def _resident(device: torch.device) -> float:
    """Return the bytes in use now: of the process, or on the GPU of torch's allocator."""
    if device.type == "cuda":  # pragma: no cover - no GPU in the tests
        return float(torch.cuda.memory_reserved(device))
    import psutil

    return float(psutil.Process().memory_info().rss)
