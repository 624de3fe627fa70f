"""A study that changed since it began is refused with what differs; if accepted, each trial knows where it is from."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.store import differences, open_store
from tests.study.store.planned import IDENTITY, changed, plan


@pytest.fixture
def store(where):
    with open_store(where) as one:
        one.begin(IDENTITY, plan(3))
        yield one


def run(store, *values):
    leases = store.claim("w", seconds=60, limit=len(values))
    for lease, value in zip(leases, values, strict=True):
        assert store.finish(lease, Outcome("done", {"metric.accuracy": value}))


def test_to_begin_again_changes_nothing(store):
    run(store, 0.5)
    store.begin(IDENTITY, plan(3))
    assert store.counts() == {"waiting": 2, "running": 0, "done": 1, "failed": 0, "infeasible": 0}
    assert list(store.identities()) == [1]
    assert store.identity().as_plain() == IDENTITY.as_plain()


def test_a_part_of_the_plan_may_begin_first(store):
    run(store, 0.5)
    store.begin(IDENTITY, plan(6))
    store.begin(IDENTITY, plan(2))
    assert [one.trial.key for one in store.trials()] == [trial.key for trial in plan(6)]
    assert store.counts()["done"] == 1


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (
            changed(spec_text="name: small\nseeds: [0, 1]\n", design={"name": "small", "seeds": [0, 1]}),
            "-seeds: [0, 1, 2]",
        ),
        (changed(design={"name": "small", "seeds": [0]}), "design of seeds: [0, 1, 2] is now [0]"),
        (changed(data={"bundled:adult": "e" * 64}), "data of bundled:adult: dddddddddddd is now eeeeeeeeeeee"),
        (changed(data={}), "data of bundled:adult: is gone"),
        (changed(code={"training": "c" * 64, "losses": "f" * 64}), "code of losses: was not there"),
    ],
)
def test_a_change_is_refused_with_what_differs(store, now, line):
    with pytest.raises(UsageError, match="the study changed since it began") as caught:
        store.begin(now, plan(3))
    assert line in [one.strip() for one in str(caught.value).splitlines()]
    assert store.identity().as_plain() == IDENTITY.as_plain()
    assert store.claim("w", seconds=60), "who began before goes on"


def test_a_long_difference_is_cut(store):
    many = {f"file {number}": "e" * 64 for number in range(500)}
    with pytest.raises(UsageError, match="and 461 more lines"):
        store.begin(changed(data=many), plan(3))


def test_the_store_of_another_study_is_refused_whatever_is_accepted(store):
    with pytest.raises(UsageError, match="the store of the study 'small', not of 'large'"):
        store.begin(changed(name="large"), plan(3), accept_change=True)


def test_a_comment_in_the_file_another_machine_or_command_are_no_change(store):
    run(store, 0.5)
    other = changed(spec_text="# why\n" + IDENTITY.spec_text, environment={"torch": "2.14.0"}, command="again")
    assert differences(IDENTITY, other) == []
    store.begin(other, plan(3))
    run(store, 0.6)
    assert [one.identity for one in store.trials()] == [1, 2, None]
    assert [one.environment["torch"] for one in store.identities().values()] == ["2.13.0", "2.14.0"]


def test_accepted_results_stand_beside_new_ones_and_know_their_identity(store):
    run(store, 0.5, 0.6)
    new_code = plan(4, code="f" * 64)
    store.begin(changed(code={"training": "f" * 64}), new_code, accept_change=True)
    assert store.counts() == {"waiting": 2, "running": 0, "done": 2, "failed": 0, "infeasible": 0}
    run(store, 0.7, 0.8)
    found = list(store.trials())
    assert [one.trial.key for one in found] == [one.key for one in [*plan(2), *new_code[2:]]]
    assert [one.trial.settings for one in found] == [trial.settings for trial in new_code]
    assert [one.identity for one in found] == [1, 1, 2, 2]
    assert [one.code["training"][0] for one in store.identities().values()] == ["c", "f"]
    [change] = [event for event in store.events() if event["kind"] == "changed"]
    assert "code of training" in change["text"]


def test_failed_trials_are_not_taken_over(store):
    [lease] = store.claim("w", seconds=60)
    store.finish(lease, Outcome("failed", reason="a bug that is mended now"))
    store.begin(changed(code={"training": "f" * 64}), plan(3, code="f" * 64), accept_change=True)
    assert store.counts()["waiting"] == 3


def test_a_plan_that_shrinks_and_grows_again_keeps_its_results(store):
    run(store, 0.5, 0.6, 0.7)
    smaller = changed(design={"name": "small", "seeds": [0]})
    store.begin(smaller, plan(1), accept_change=True)
    assert sum(store.counts().values()) == 1
    assert store.retry("done") == 1, "only what is planned"
    store.begin(IDENTITY, plan(3), accept_change=True)
    assert [one.state for one in store.trials()] == ["waiting", "done", "done"]


def test_a_driver_from_before_the_change_claims_nothing_more_but_may_finish(where, store):
    [lease] = store.claim("old", seconds=60)
    with open_store(where) as other:
        other.begin(changed(code={"training": "f" * 64}), plan(3, code="f" * 64), accept_change=True)
        with pytest.raises(UsageError, match="changed by another driver"):
            store.claim("old", seconds=60)
        assert store.finish(lease, Outcome("done"))
        assert len(other.claim("new", seconds=60, limit=9)) == 3


def test_passwords_do_not_enter_an_identity():
    secret = "run s.yaml --store postgresql://me:my@secret:1@host/db --x=password=hidden&y"
    kept = changed(command=secret, environment={"EFFICIENTTRUST_STORE": "postgresql://me:secret@host/db"})
    assert kept.command == "run s.yaml --store postgresql://me:***@host/db --x=password=***&y"
    assert kept.environment["EFFICIENTTRUST_STORE"] == "postgresql://me:***@host/db"
