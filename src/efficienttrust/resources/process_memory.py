"""What a process holds, what it held at most, and what its libraries alone hold."""

from __future__ import annotations

import functools

from efficienttrust.errors import UsageError
from efficienttrust.resources._peak_child import memory_of_process

LIBRARIES = "efficienttrust.pipeline._memory_check:libraries"
"""Loads what a fit needs; a name, as what lies above is not imported from here."""


def resident_bytes() -> int:
    """Return the resident memory of this process now, in bytes."""
    return memory_of_process("VmRSS")


def peak_bytes() -> int:
    """Return the most that was resident in this process since it began, in bytes.

    Not `ru_maxrss` where the system says more: that is inherited from the process that started this one.
    """
    return memory_of_process("VmHWM")


@functools.cache
def memory_floor(*, exporter: bool = True, trees: bool = False) -> int:
    """Return what a fresh process holds after importing the libraries that a fit needs, in bytes.

    Measured once per process, by one of its own that takes some seconds.

    Args:
        exporter: Whether a torch module will be exported: all networks but the `mlp` of a table of two classes.
        trees: Whether LightGBM will grow trees.

    Raises:
        UsageError: It could not be measured.
    """
    from efficienttrust.resources.peak_memory import peak_memory

    found = peak_memory(LIBRARIES, {"exporter": exporter, "trees": trees})
    if found.state != "ok" or not isinstance(found.result, int):
        raise UsageError(f"the memory of the libraries could not be measured ({found.state}): {found.note}")
    return found.result


def scaled_limit(floor: float, peak: float, level: float) -> float:
    """Return the limit that leaves a share `level` of what lies above the floor: floor + level x (peak - floor).

    Args:
        floor: Bytes of the libraries alone.
        peak: Bytes at the peak of a baseline, at least the floor.
        level: In (0, 1].

    Raises:
        ValueError: The peak lies below the floor, or the level outside (0, 1].
    """
    if not 0 < level <= 1:
        raise ValueError(f"a level lies in (0, 1], not at {level}")
    if peak < floor:
        raise ValueError(f"a peak of {peak:.0f} bytes lies below the floor of {floor:.0f}")
    return floor + level * (peak - floor)
