"""Blocks double, cover all rows, and stop where the time left would not suffice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.threats import next_block


@given(n=st.integers(0, 10**7), fewest=st.integers(1, 500))
def test_without_a_limit_all_rows_are_covered_in_few_blocks(n: int, fewest: int) -> None:
    done, blocks = 0, 0
    while done < n:
        size = next_block(done, n, fewest)
        assert size > 0
        done, blocks = done + size, blocks + 1
    assert done == n
    assert blocks <= 26


@given(n=st.integers(100, 10**6), seconds=st.floats(0.0, 100.0), cost=st.floats(1e-5, 1.0))
def test_a_steady_cost_stays_within_the_seconds_after_the_first_block(n: int, seconds: float, cost: float) -> None:
    done = 0
    while size := next_block(done, n, 50, elapsed=done * cost, seconds=seconds):
        done += size
        if done >= n:
            break
    assert done >= 50
    assert done == min(n, 50) or done * cost <= seconds * (1 + 1e-9)
    assert done == n or (seconds - done * cost) / cost < max(done, 13)  # what was left would not have bought a block
