"""A limit on memory while training, and by which means a step is made to fit into it.

In this order, each only as far as it is needed: a batch in parts; blocks that compute their activations again; bfloat16
where the precision was left open. Parts of fewer than `FEWEST_ROWS` rows come last, as they cost most. They are not
taken where even one row is expected to exceed the limit: then what is measured decides.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import nn

from efficienttrust.errors import in_bytes
from efficienttrust.training._microbatch import StepMemory, parts_for
from efficienttrust.training._module_step import ModuleStepper

FEWEST_ROWS = 16  # of a part, as long as other means are left
HEADROOM = 0.05  # of the limit: fragments of the allocator
COPIES = 9.0  # of the weights: snapshots, the last good ones, candidates while they are exported


@dataclass(frozen=True)
class Means:
    """By what a step fits into the memory.

    Attributes:
        parts: Micro-batches that a batch is taken in.
        checkpointed: Whether blocks compute their activations again in the backward pass.
        precision: Of forward and backward passes.
        predicted: Bytes that the process is expected to hold at the peak of a step; NaN where there is no limit.
    """

    parts: int = 1
    checkpointed: bool = False
    precision: str = "fp32"
    predicted: float = math.nan

    def apply(self, stepper: ModuleStepper) -> None:
        """Let a new stepper use them."""
        stepper.parts = self.parts
        stepper.setup = dataclasses.replace(stepper.setup, precision=self.precision)
        if self.checkpointed:
            stepper.checkpoint()


_given: ContextVar[Means | None] = ContextVar("means that were chosen before", default=None)


@contextlib.contextmanager
def given(means: Means | None) -> Iterator[None]:
    """Let trainings in the body use these means, whatever fits: to repeat a training elsewhere."""
    token = _given.set(means)
    try:
        yield
    finally:
        _given.reset(token)


def fit_memory(
    stepper: ModuleStepper, rows: int, limit: float | None, *, alone: bool = True, may_round: bool = False
) -> tuple[Means, str]:
    """Choose the means from a limit on memory; return them, and what a report should say, if anything.

    On a CPU the limit is on the resident memory of the process; on a GPU on what torch's allocator takes, which is also
    capped there.

    Args:
        stepper: Uses the means afterwards; it takes one step of few rows, so that all that a step needs once is there.
        rows: Rows of a batch.
        limit: In bytes; None is no limit.
        alone: False where several processes share a batch: parts are their only means.
        may_round: Whether the precision was left open.
    """
    if (means := _given.get()) is not None:
        means.apply(stepper)
        return means, ""
    if limit is None:
        return Means(precision=stepper.setup.precision), ""
    device = stepper.setup.device
    if device.type == "cuda":
        cap_allocator(limit, device)
    memory = whole = stepper.measure_memory(rows)
    used = _resident(device) + COPIES * sum(one.nbytes for one in stepper.network.parameters())
    room = limit * (1.0 - HEADROOM) - used
    enough = min(FEWEST_ROWS, rows)
    for take in _further(stepper, may_round=may_round) if alone else ():
        if memory.of(_largest_part(rows, memory, room)) <= room and _largest_part(rows, memory, room) >= enough:
            break
        undo = take()
        better = stepper.measure_memory(rows)
        if better.of(enough) < memory.of(enough):
            memory = better
        else:
            undo()
    in_vain = memory.of(1) > room
    stepper.parts = math.ceil(rows / enough) if in_vain else parts_for(rows, memory, room)
    predicted = used + memory.of(math.ceil(rows / stepper.parts))
    means = Means(stepper.parts, stepper.recomputed > 0, stepper.setup.precision, predicted)
    return means, _said(stepper, means, rows, limit, used + whole.of(rows), in_vain=in_vain)


def cap_allocator(limit: float, device: torch.device) -> None:
    """Let torch's allocator refuse to take more than `limit` bytes of a GPU, and begin to count its peaks."""
    _, total = torch.cuda.mem_get_info(device)
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)
    torch.cuda.reset_peak_memory_stats(device)


def _further(stepper: ModuleStepper, *, may_round: bool) -> list[Callable[[], Callable[[], None]]]:
    """Return the means beside parts, in order: each takes effect when called, and returns what undoes it."""

    def recompute() -> Callable[[], None]:
        stepper.checkpoint()
        return lambda: setattr(stepper, "recomputed", 0.0)

    def round_to_bf16() -> Callable[[], None]:
        before = stepper.setup
        stepper.setup = dataclasses.replace(before, precision="bf16")
        return lambda: setattr(stepper, "setup", before)

    return [recompute, *([round_to_bf16] if may_round and stepper.setup.precision == "fp32" else [])]


def _largest_part(rows: int, memory: StepMemory, room: float) -> int:
    return math.ceil(rows / parts_for(rows, memory, room))


def _said(stepper: ModuleStepper, means: Means, rows: int, limit: float, whole: float, *, in_vain: bool) -> str:
    did = [f"a batch is taken in {means.parts} parts"] if means.parts > 1 else []
    did += ["blocks compute their activations again in the backward pass"] if means.checkpointed else []
    did += ["passes are in bf16"] if whole > limit and means.precision == "bf16" else []
    if not did:
        return ""
    said = (
        f"memory: a step on {rows} rows would hold {in_bytes(whole)} of the {in_bytes(limit)} asked for, so "
        f"{', and '.join(did)}; expected now: {in_bytes(means.predicted)}"
    )
    if means.parts > 1 and any(isinstance(one, nn.modules.batchnorm._BatchNorm) for one in stepper.network.modules()):
        said += "; batch norms see the statistics of a part"
    return said + ("; even one row at a time is expected to exceed the limit" if in_vain else "")


def _resident(device: torch.device) -> float:
    """Return the bytes in use now: of the process, or on the GPU of torch's allocator."""
    if device.type == "cuda":
        return float(torch.cuda.memory_reserved(device))
    import psutil

    return float(psutil.Process().memory_info().rss)
