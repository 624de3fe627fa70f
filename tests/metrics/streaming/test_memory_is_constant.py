"""What is held does not grow with the rows, and counting makes no temporary of all rows."""

from __future__ import annotations

import tracemalloc

import numpy as np

from efficienttrust.metrics.streaming import Accumulator


def peak_of(million: int) -> int:
    rng = np.random.default_rng(0)
    n = 1_000_000
    y, prediction, group = (rng.integers(0, top, n, dtype=np.int8) for top in (2, 2, 20))
    accumulator = Accumulator({"group": tuple(str(code) for code in range(20))})
    tracemalloc.start()
    for _ in range(million):
        accumulator.update(y, prediction, groups=group)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert accumulator.n == million * n
    return peak


def test_memory_is_constant_and_small() -> None:
    few, many = peak_of(1), peak_of(5)
    assert many <= 1.05 * few
    assert many < 4_000_000  # bytes: half of one int64 column of the chunk
