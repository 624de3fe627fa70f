from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.resources import RESOURCES, Budget, TimeLimit, overrun

_clocks = st.sampled_from(("wall", "cpu", "flops", "epochs"))
_amounts = st.floats(min_value=1e-12, max_value=1e30, allow_nan=False)
_counts = st.integers(min_value=1, max_value=2**53)
_limits = st.builds(TimeLimit, _amounts, _clocks) | st.builds(TimeLimit, _counts, st.sampled_from(("steps", "samples")))
_budgets = st.builds(
    Budget,
    time=st.none() | _limits,
    memory=st.none() | _counts,
    parameters=st.none() | _counts,
    size=st.none() | _counts,
    latency=st.none() | _amounts,
    throughput=st.none() | _amounts,
)


@given(_budgets)
def test_text_round_trips(budget):
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time=20s", TimeLimit(20, "wall")),
        ("time=20s wall", TimeLimit(20, "wall")),
        ("time=20 s cpu", TimeLimit(20, "cpu")),
        ("time=2min", TimeLimit(120, "wall")),
        ("time=1.5h cpu", TimeLimit(5400, "cpu")),
        ("time=500ms", TimeLimit(0.5, "wall")),
        ("time=500 steps", TimeLimit(500, "steps")),
        ("time=1 step", TimeLimit(1, "steps")),
        ("time=1e6 samples", TimeLimit(1_000_000, "samples")),
        ("time=20k samples", TimeLimit(20_000, "samples")),
        ("time=2e12 flops", TimeLimit(2e12, "flops")),
        ("time=0.5 epochs", TimeLimit(0.5, "epochs")),
        ("steps=500", TimeLimit(500, "steps")),
        ("samples=1e6", TimeLimit(1_000_000, "samples")),
        ("flops=2e12", TimeLimit(2e12, "flops")),
        ("epochs=5", TimeLimit(5, "epochs")),
    ],
)
def test_time(text, expected):
    assert Budget.parse(text) == Budget(time=expected)


@pytest.mark.parametrize(
    ("text", "resource", "expected"),
    [
        ("size=300kB", "size", 300_000),
        ("size=300KB", "size", 300_000),
        ("size=1MB", "size", 1_000_000),
        ("size=1MiB", "size", 1_048_576),
        ("size=1.1kB", "size", 1100),
        ("memory=2GB", "memory", 2 * 10**9),
        ("parameters=20k", "parameters", 20_000),
        ("parameters=1.5M", "parameters", 1_500_000),
        ("latency=2ms", "latency", 2.0),
        ("latency=150us", "latency", 0.15),
        ("latency=150µs", "latency", 0.15),
        ("latency=1s", "latency", 1000.0),
        ("throughput=10k rows/s", "throughput", 10_000.0),
        ("throughput=10000", "throughput", 10_000.0),
    ],
)
def test_other_resources(text, resource, expected):
    budget = Budget.parse(text)
    assert getattr(budget, resource) == expected
    assert all(getattr(budget, other) is None for other in RESOURCES if other != resource)


def test_python_arguments_are_text_or_base_units():
    parsed = Budget.parse("time=20s cpu, size=300kB, latency=2ms")
    assert Budget(time="20s cpu", size="300kB", latency="2ms") == parsed
    assert Budget(time=TimeLimit(20, "cpu"), size=300_000, latency=2.0) == parsed
    assert Budget(time=20) == Budget.parse("time=20s wall")
    assert str(parsed) == "time=20s cpu, size=300kB, latency=2ms"


def test_nothing_is_limited_by_an_empty_budget():
    assert Budget.parse("") == Budget()
    assert str(Budget()) == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("time=-1s", ["time=-1s", "above zero"]),
        ("time=0s", ["time=0s", "above zero"]),
        ("time=1e-999s", ["time=1e-999s", "above zero"]),
        ("time=nan s", ["time=nan s", "not a finite number"]),
        ("time=inf s", ["not a finite number"]),
        ("size=-1kB", ["above zero"]),
        ("size=nan", ["not a finite number"]),
        ("tim=2s", ["unknown resource 'tim'", "Did you mean 'time'?"]),
        ("step=20", ["Did you mean 'steps'?"]),
        ("time=20ss", ["unknown unit 'ss'", "Did you mean 's'?"]),
        ("size=20kQ", ["unknown unit 'kQ'", "kB"]),
        ("time=20s cpuu", ["unknown clock 'cpuu'", "Did you mean 'cpu'?"]),
        ("time=20", ["the unit is missing", "time=20s"]),
        ("size=300", ["the unit is missing", "size=300kB"]),
        ("size=20s", ["size=20s", "'s' is a unit of time", "size=300kB"]),
        ("time=20kB", ["'kB' is a unit of bytes", "time=20s"]),
        ("parameters=20kB", ["a unit of bytes", "parameters=20k"]),
        ("latency=20kB", ["a unit of bytes", "latency=2ms"]),
        ("steps=2s", ["'s' is a unit of time", "time=500 steps"]),
        ("time=2s, time=3s", ["time is limited twice", "time=3s"]),
        ("time=2s, steps=4", ["time is limited twice", "steps=4"]),
        ("size=1kB, size=1kB", ["size is limited twice"]),
        ("steps=1.5", ["not a whole number"]),
        ("parameters=0.5", ["not a whole number"]),
        ("size=0.5B", ["not a whole number"]),
        ("20s", ["resource=amount"]),
        ("time=", ["resource=amount"]),
        ("time=2s,", ["resource=amount"]),
        ("time=soon", ["does not start with a number"]),
        ("time=1__0s", ["unknown unit"]),
    ],
)
def test_errors_say_what_where_and_what_to_do(text, parts):
    with pytest.raises(UsageError) as caught:
        Budget.parse(text)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("value", [-1, 0, math.nan, math.inf])
@pytest.mark.parametrize("resource", RESOURCES)
def test_numbers_are_checked_too(resource, value):
    with pytest.raises(UsageError):
        Budget(**{resource: value})


def test_time_limits_are_checked_at_construction():
    with pytest.raises(UsageError, match="Did you mean 'wall'"):
        TimeLimit(1, "wal")
    with pytest.raises(UsageError, match="whole number"):
        TimeLimit(1.5, "steps")
    with pytest.raises(UsageError, match="above zero"):
        TimeLimit(-1)


@given(st.text(max_size=20))
def test_any_text_parses_or_is_a_usage_error(text):
    for candidate in (text, f"time={text}", f"size=1{text}"):
        try:
            budget = Budget.parse(candidate)
        except UsageError:
            continue
        assert Budget.parse(str(budget)) == budget


def test_epochs_become_samples():
    budget = Budget.parse("epochs=2.5, size=1kB")
    assert budget.in_samples(1001) == Budget.parse("samples=2503, size=1kB")
    assert budget.in_samples(1000).in_samples(7) == Budget.parse("samples=2500, size=1kB")
    assert Budget(time="2s").in_samples(10) == Budget(time="2s")
    assert Budget(size="1kB").in_samples(10) == Budget(size="1kB")


def test_overrun_is_never_negative():
    assert overrun("size", 100, 130) == 30
    assert overrun("size", 100, 70) == 0
    assert overrun("size", None, 70) == 0
    assert overrun("throughput", 100, 70) == 30
    assert overrun("throughput", 100, 130) == 0
