"""Numbers as text, scales and sentences: the small pure functions under the page."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.report._format import amount, count, number, percent, signed
from efficienttrust.report._read import read_target
from efficienttrust.report._scale import scale_over

finite = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "near", "text"),
    [
        (0.0418, 0.05, "0.042"),
        (0.0502, 0.05, "0.0502"),
        (0.05, 0.05, "0.050"),
        (0.049_999_9, 0.05, "0.050000"),
        (-0.25, math.nan, "−0.250"),
        (math.nan, math.nan, "not estimable"),
        (math.inf, math.nan, "∞"),
        (2.5e-7, math.nan, "2.50e−7"),
        (81e12, math.nan, "8.10e13"),
    ],
)
def test_number(value: float, near: float, text: str) -> None:
    assert number(value, near=near) == text


@pytest.mark.parametrize(
    ("resource", "value", "clock", "text"),
    [
        ("time", 20.0, "cpu", "20 s cpu"),
        ("time", 19.714, "wall", "19.7 s wall"),
        ("time", 0.0062, "cpu", "0.0062 s cpu"),
        ("time", 3120, "steps", "3,120 steps"),
        ("time", 8.1e11, "flops", "810 G flops"),
        ("size", 248_310, "wall", "248 kB"),
        ("size", 300_000, "wall", "300 kB"),
        ("size", 512, "wall", "512 B"),
        ("memory", 8_318_029_824, "wall", "8.32 GB"),
        ("latency", 0.0873, "wall", "0.0873 ms"),
        ("throughput", 125_000, "wall", "125,000 rows/s"),
        ("parameters", 60_417, "wall", "60,417"),
        ("time", math.nan, "wall", "unknown"),
    ],
)
def test_amount(resource: str, value: float, clock: str, text: str) -> None:
    assert amount(resource, value, clock) == text


def test_shares_never_round_to_none_or_all() -> None:
    assert [percent(share) for share in (0, 0.0004, 0.05, 0.1, 0.9855, 0.996, 1, 1.005, 1.2)] == [
        "0 %", "0.0 %", "5.0 %", "10 %", "99 %", "99.6 %", "100 %", "100.5 %", "120 %"]  # fmt: skip
    assert signed(-0.0114) == "−0.011"
    assert signed(0.0001) == "±0"
    assert count(None) == "unknown"


@pytest.mark.parametrize(
    ("text", "key", "wording"),
    [
        ("dpd <= 0.05", "dpd", "≤ 0.05"),
        ("robust_accuracy(pgd, eps=0.25, norm=linf) >= 0.8", "robust_accuracy(pgd, eps=0.25, norm=linf)", "≥ 0.8"),
        ("nonsense", "nonsense", ""),
    ],
)
def test_targets_are_taken_apart(text: str, key: str, wording: str) -> None:
    target = read_target(text)
    assert (target.key, target.wording) == (key, wording)


@given(st.lists(finite, max_size=8), st.integers(2, 6))
def test_a_scale_holds_its_values_and_has_round_ticks_in_order(values: list[float], ticks: int) -> None:
    scale = scale_over(values, ticks=ticks)
    for value in values:
        assert scale.low <= value <= scale.high
        assert 0 <= scale.at(value) <= 100
    found = scale.ticks()
    assert 1 <= len(found) <= ticks + 1
    assert [tick.at for tick in found] == sorted(tick.at for tick in found)
    assert len({tick.text for tick in found}) == len(found)


def test_a_scale_of_rates_does_not_leave_their_range() -> None:
    scale = scale_over([0.0, 0.02, 1.0], floor=0.0, ceiling=1.0)
    assert (scale.low, scale.high) == (0.0, 1.0)
