"""Into what blocks the rows of an evaluation are cut that may have to stop early."""

from __future__ import annotations


def next_block(done: int, n: int, fewest: int, *, elapsed: float = 0.0, seconds: float | None = None) -> int:
    """Return how many rows to take next: as many as all blocks before, no more than the time left should buy.

    Args:
        done: Rows done so far.
        n: All rows.
        fewest: Rows of the first block, which is run whatever it takes.
        elapsed: Seconds that the rows so far have taken.
        seconds: Seconds given for all; None for no limit.

    Returns:
        Rows of the next block; 0 to stop.
    """
    if done == 0:
        return min(fewest, n)
    size = min(done, n - done)
    if seconds is None:
        return size
    affordable = int((seconds - elapsed) / max(elapsed, 1e-9) * done)
    return 0 if affordable < max(1, min(size, fewest // 4)) else min(size, affordable)
