"""The part of an audit document that says what a model costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from efficienttrust.resources.energy import EnergyEstimate
from efficienttrust.resources.flops import FlopCount
from efficienttrust.resources.parameters import ParameterCount
from efficienttrust.resources.peak_memory import PeakMemory
from efficienttrust.resources.throughput import BatchLatency


def resource_section(
    *,
    latency: Sequence[BatchLatency] = (),
    parameters: ParameterCount | None = None,
    size_bytes: int | None = None,
    flops: FlopCount | None = None,
    memory: PeakMemory | None = None,
    energy: EnergyEstimate | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Gather what was measured as plain values, null where it was not, with the notes of all of it.

    Memory is given only of a run that ended well: the peak of the whole process, and its floor after the imports.
    """
    said = [*notes, *(entry.note for entry in latency)]
    said += [value.note for value in (parameters, flops, memory) if value is not None]
    if any(entry.latency.contended for entry in latency):
        said.append("latency was contended: other processes were in the way, and p95 says more about them")
    measured = memory if memory is not None and memory.state == "ok" else None
    return {
        "latency": [entry.to_dict() for entry in latency],
        "parameters": None if parameters is None else {"total": parameters.total, "nonzero": parameters.nonzero},
        "size_bytes": size_bytes,
        "flops_per_row": None if flops is None else flops.per_row,
        "multiply_adds_per_row": None if flops is None else flops.multiply_adds,
        "peak_memory_bytes": None if measured is None else measured.peak,
        "memory_floor_bytes": None if measured is None else measured.floor,
        "energy": None if energy is None else energy.to_dict(),
        "notes": list(dict.fromkeys(note for note in said if note)),
    }
