"""Accumulators of several processes become one."""

from __future__ import annotations

from efficienttrust.metrics.streaming._accumulator import Accumulator


def gathered(accumulator: Accumulator) -> Accumulator:
    """Return what all processes of `torch.distributed` have counted, in each of them; a single one's own counts.

    A collective call: every process of the group makes it, with accumulators of one schema. Where rows are spread
    by a `DistributedSampler`, which repeats rows to make shares equal, count each row in one process only.

    Raises:
        UsageError: The schemas differ.
    """
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return accumulator
    states: list[dict[str, object]] = [{}] * distributed.get_world_size()
    distributed.all_gather_object(states, accumulator.state())
    first, *others = (Accumulator.from_state(state) for state in states)
    for other in others:
        first = first.merge(other)
    return first
