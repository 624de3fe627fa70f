"""A trial is run by one holder of a lease at a time, and only the last one can write."""

from __future__ import annotations

import math
import struct

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.store import open_store
from tests.study.store.planned import IDENTITY, plan

DONE = Outcome("done", {"metric.accuracy": 0.8}, details={"verdicts": {"x": "met"}})


@pytest.fixture
def store(where):
    with open_store(where) as one:
        yield one


def state(store, key):
    return next(one for one in store.trials() if one.trial.key == key)


def test_a_trial_is_claimed_run_and_finished(store):
    trials = plan(2)
    store.begin(IDENTITY, trials)
    [lease] = store.claim("worker 1", seconds=60)
    assert (lease.key, lease.attempt, lease.token) == (trials[0].key, 1, 1)
    assert (lease.settings, lease.factors) == (trials[0].settings, trials[0].factors)
    assert store.counts() == {"waiting": 1, "running": 1, "done": 0, "failed": 0, "infeasible": 0}
    assert store.finish(lease, DONE)
    stored = state(store, lease.key)
    assert (stored.state, stored.attempts, stored.worker, stored.identity) == ("done", 1, "worker 1", 1)
    assert (stored.outcome.figures, stored.outcome.details) == (DONE.figures, DONE.details)
    assert 0 <= stored.finished - stored.started < 60


def test_the_longest_predicted_cost_comes_first(store):
    store.begin(IDENTITY, plan(4, costs=[1.0, 3.0, 2.0, 3.0], exclusive=[2]))
    assert [lease.cost for lease in store.claim("w", seconds=60, limit=3, exclusive=False)] == [3.0, 3.0, 1.0]
    assert [lease.exclusive for lease in store.claim("w", seconds=60, limit=9)] == [True]
    assert store.claim("w", seconds=60) == []


def test_exclusive_trials_can_be_asked_for_alone(store):
    store.begin(IDENTITY, plan(4, exclusive=[1, 3]))
    assert [lease.seed for lease in store.claim("w", seconds=60, limit=9, exclusive=True)] == [0, 1]


def test_single_trials_can_be_asked_for(store):
    trials = plan(4, costs=[4.0, 3.0, 2.0, 1.0], exclusive=[3])
    store.begin(IDENTITY, trials)
    wanted = {trials[2].key, trials[3].key, "f" * 64}
    assert store.claim("w", seconds=60, keys=[]) == []
    leases = store.claim("w", seconds=60, limit=9, keys=wanted)
    assert [lease.key for lease in leases] == [trials[2].key, trials[3].key]
    assert store.claim("w", seconds=60, limit=9, keys=wanted) == []
    assert store.counts()["waiting"] == 2


def test_an_expired_lease_is_claimable_again_and_its_late_writer_is_fenced(store):
    store.begin(IDENTITY, plan(1))
    [late] = store.claim("slow", seconds=0)
    [lease] = store.claim("quick", seconds=60)
    assert (lease.attempt, lease.token) == (2, late.token + 1)
    assert store.finish(late, Outcome("done", {"metric.accuracy": 0.1})) is False
    assert store.renew([late, lease], seconds=60) == [False, True]
    assert store.release(late) is False
    assert store.finish(lease, DONE)
    assert store.finish(late, Outcome("done", {"metric.accuracy": 0.1})) is False
    assert state(store, lease.key).outcome.figures == DONE.figures
    assert [(one.state, one.worker) for one in store.attempts(lease.key)] == [("lost", "slow"), ("done", "quick")]
    assert [event["kind"] for event in store.events()] == ["began", "lost", "fenced", "fenced"]


def test_an_expired_lease_that_nobody_claimed_can_still_be_renewed_and_finished(store):
    store.begin(IDENTITY, plan(1))
    [lease] = store.claim("w", seconds=0)
    assert store.renew([lease], seconds=60) == [True]
    assert store.claim("x", seconds=60) == []
    assert store.finish(lease, DONE)


def test_to_finish_twice_writes_once(store):
    """The acknowledgement may have been lost with the connection, and then the driver asks again."""
    store.begin(IDENTITY, plan(1))
    [lease] = store.claim("w", seconds=60)
    assert store.finish(lease, DONE)
    assert store.finish(lease, Outcome("done", {"metric.accuracy": 0.0}))
    assert state(store, lease.key).outcome.figures == DONE.figures


def test_a_trial_that_is_lost_too_often_has_failed(store):
    store.begin(IDENTITY, plan(1))
    for attempt in (1, 2, 3):
        [lease] = store.claim(f"w{attempt}", seconds=0)
    assert store.claim("w4", seconds=0) == []
    stored = state(store, lease.key)
    assert (stored.state, stored.attempts, stored.outcome.reason) == ("failed", 3, "lost 3 times")
    assert store.finish(lease, DONE) is False
    assert store.retry("failed") == 1
    assert store.claim("w5", seconds=60)[0].attempt == 4


def test_a_failure_is_a_row_with_its_traceback_and_is_not_tried_again_by_itself(store):
    store.begin(IDENTITY, plan(1))
    [lease] = store.claim("w", seconds=60)
    odd = "Traceback\n\0 \udc80 Zeile ü 😀"
    assert store.finish(lease, Outcome("failed", reason="ValueError: no\0", traceback=odd))
    assert store.claim("w", seconds=60) == []
    [stored] = store.trials("failed")
    assert stored.outcome.traceback == "Traceback\n\\x00 \\udc80 Zeile ü 😀"
    assert stored.outcome.reason == "ValueError: no\\x00"


def test_infeasible_is_a_result(store):
    store.begin(IDENTITY, plan(2))
    [lease] = store.claim("w", seconds=60)
    assert store.finish(lease, Outcome("infeasible", reason="60 steps are fewer than one epoch"))
    assert store.counts()["infeasible"] == 1
    assert list(store.costs()) == [lease.cell]
    assert [one.outcome.reason for one in store.trials("infeasible")] == ["60 steps are fewer than one epoch"]


def test_a_released_trial_waits_again_and_no_attempt_is_counted(store):
    store.begin(IDENTITY, plan(1))
    [first] = store.claim("w", seconds=60)
    assert store.release(first)
    assert store.release(first) is False
    assert (state(store, first.key).attempts, store.attempts(first.key)) == (0, [])
    assert (state(store, first.key).worker, state(store, first.key).started) == ("", None)
    [second] = store.claim("w", seconds=60)
    assert (second.attempt, second.token) == (1, 2)
    assert store.finish(first, DONE) is False


def test_figures_survive_bit_for_bit(store):
    values = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 1.7976931348623157e308, 2.0**53 + 2]
    figures = {f"metric.robust_accuracy(pgd, eps=0.{n})": value for n, value in enumerate(values)}
    store.begin(IDENTITY, plan(1))
    [lease] = store.claim("w", seconds=60)
    store.finish(lease, Outcome("done", figures, details={"gap": math.nan}))
    kept = state(store, lease.key).outcome
    assert list(kept.figures) == list(figures)
    assert [struct.pack("d", kept.figures[name]) for name in figures] == [struct.pack("d", one) for one in values]
    assert math.isnan(kept.details["gap"])


def test_retry_can_be_of_single_trials(store):
    trials = plan(3)
    store.begin(IDENTITY, trials)
    for lease in store.claim("w", seconds=60, limit=3):
        store.finish(lease, DONE)
    assert store.retry("failed") == 0
    assert store.retry(keys=[trials[1].key]) == 1
    assert [one.trial.key for one in store.trials("waiting")] == [trials[1].key]
    [lease] = store.claim("w", seconds=60)
    assert store.finish(lease, Outcome("failed", reason="worse"))
    assert [one.state for one in store.attempts(lease.key)] == ["done", "failed"]
    with pytest.raises(UsageError, match="only trials that have ended"):
        store.retry("running")


def test_nothing_is_claimed_before_the_study_has_begun(store):
    with pytest.raises(UsageError, match="begin the study"):
        store.claim("w", seconds=60)
    with pytest.raises(UsageError, match="no study has begun"):
        store.identity()


def test_trials_are_read_in_pages_in_the_order_of_the_plan(store):
    trials = plan(2100)
    store.begin(IDENTITY, trials)
    assert [one.trial.key for one in store.trials()] == [trial.key for trial in trials]
    assert [one.trial.key for one in store.trials("done")] == []


def test_a_trial_is_named_by_the_beginning_of_its_key(store):
    trials = plan(3)
    store.begin(IDENTITY, trials)
    assert store.full_key(trials[0].key[:12]) == trials[0].key
    for wrong in ("", "ab", "zzzz", "%%%%"):
        with pytest.raises(UsageError, match="name one trial"):
            store.full_key(wrong)
