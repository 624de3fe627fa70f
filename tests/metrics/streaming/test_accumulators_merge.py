"""Accumulators merge in any order and grouping, travel as JSON, and refuse what does not fit."""

from __future__ import annotations

import doctest
import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import assert_same, chunks, counted, empty, make, streamed

import efficienttrust.metrics.streaming as streaming
from efficienttrust.errors import UsageError
from efficienttrust.metrics import TASKS, measure
from efficienttrust.metrics.streaming import Accumulator


@settings(max_examples=8, deadline=None)
@given(
    task=st.sampled_from(TASKS),
    weighted=st.booleans(),
    size=st.integers(40, 800),
    order=st.randoms(use_true_random=False),
)
def test_order_and_grouping_of_merging_do_not_matter(task: str, weighted: bool, size: int, order) -> None:
    outcome = make(task, n=600, weighted=weighted)
    parts = [empty(outcome, bins=32).update(**chunk) for chunk in chunks(outcome, size)]
    whole = counted(outcome, bins=32)
    order.shuffle(parts)
    while len(parts) > 1:
        place = order.randrange(len(parts) - 1)
        parts[place : place + 2] = [parts[place].merge(parts[place + 1])]
    assert parts[0].n == whole.n
    assert parts[0].schema == whole.schema
    ours, theirs = (accumulator.state()["tables"] for accumulator in (parts[0], whole))
    for name in ours if task != "regression" else ["cells rows"]:  # sums of a regression are about its own centre
        assert np.allclose(ours[name], theirs[name], rtol=1e-9)
    for name in streamed(task)[::4]:
        assert_same(parts[0].measure(name), whole.measure(name), rel=1e-6)


def test_merging_changes_neither_and_empty_is_neutral() -> None:
    outcome = make()
    one, nothing = counted(outcome), empty(outcome)
    before = one.state()
    assert one.merge(nothing).state() == nothing.merge(one).state() == before
    one.merge(one)
    assert one.state() == before


def test_counts_are_exact_whatever_the_chunks() -> None:
    outcome = make()
    assert counted(outcome, 1, bins=0).state() == counted(outcome, 1500, bins=0).state()


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Accumulator({"sex": ("M", "F")}), "attributes"),
        (Accumulator({"sex": ("F", "M"), "age": ("young", "old")}), "attributes"),
        (Accumulator({"sex": ("F", "M")}, weighted=True), "weighted False against True"),
        (Accumulator({"sex": ("F", "M")}, bins=8), "bins 0 against 8"),
        (Accumulator({"sex": ("F", "M")}, "multiclass", ("a", "b")), "task binary against multiclass"),
    ],
)
def test_different_schemas_are_refused(other: Accumulator, difference: str) -> None:
    with pytest.raises(UsageError, match=f"different schemas: .*{difference}"):
        Accumulator({"sex": ("F", "M")}).merge(other)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_state_survives_json(task: str, weighted: bool) -> None:
    accumulator = counted(make(task, weighted=weighted), bins=16)
    back = Accumulator.from_state(json.loads(json.dumps(accumulator.state())))
    assert back.state() == accumulator.state()
    for name in streamed(task)[::4]:
        assert_same(back.measure(name), accumulator.measure(name), rel=0)


def test_damaged_states_are_refused() -> None:
    state = counted(make(), bins=0).state()
    for damage in ({"format": 2}, {"tables": {}}, {"tables": {"cells rows": [[1]]}}, {"schema": {"colour": 1}}):
        with pytest.raises(UsageError):
            Accumulator.from_state(state | damage)
    negative = json.loads(json.dumps(state))
    negative["tables"]["cells rows"][0][0][0][0] = -1
    with pytest.raises(UsageError, match="no count can be"):
        Accumulator.from_state(negative)


def test_labels_far_from_zero_keep_their_variance() -> None:
    rng = np.random.default_rng(0)
    small = rng.normal(0, 1, 4000)
    y = 1e9 + small
    prediction = y + rng.normal(0, 0.5, 4000)
    expected = 1 - np.mean((prediction - y) ** 2) / np.var(y - 1e9)
    parts = [Accumulator({}, "regression").update(y[s::4], prediction[s::4], groups={}) for s in range(4)]
    assert reduce(Accumulator.merge, parts).measure("r2").value == pytest.approx(expected, abs=1e-9)


def test_constant_label_has_no_r2_even_after_merging() -> None:
    one = Accumulator({}, "regression").update([5.0] * 9, np.arange(9.0), groups={})
    two = Accumulator({}, "regression").update([7.0] * 9, np.arange(9.0), groups={})
    assert one.measure("r2").note == "all rows have the same label"
    assert np.isfinite(one.merge(two).measure("r2").value)


def test_the_example_of_workers_runs() -> None:
    assert doctest.testmod(streaming).failed == 0
    assert doctest.testmod(streaming).attempted > 5


def test_merged_parts_answer_for_all_rows() -> None:
    outcome = make()
    parts = (empty(outcome).update(**chunk) for chunk in chunks(outcome, 100))
    assert reduce(Accumulator.merge, parts).measure("eod", by="age") == measure("eod", outcome, {"by": "age"})
