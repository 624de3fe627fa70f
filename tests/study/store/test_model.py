"""Whatever is done to a store in whatever order, it says what a simple model of it in memory says."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from efficienttrust.study import Outcome
from efficienttrust.study.store import MAX_ATTEMPTS, Lease, open_store
from tests.study.store.planned import IDENTITY, HandClock, plan

TRIALS = plan(5, costs=[2.0, 1.0, 2.0, 0.0, 3.0])


@dataclass
class Known:
    """What the model knows of a trial."""

    key: str
    cost: float
    state: str = "waiting"
    token: int = 0
    attempts: int = 0
    losses: int = 0
    ends: float = 0.0
    figure: float | None = None


class StoreMachine(RuleBasedStateMachine):
    def new_address(self) -> str:
        self.folder = Path(tempfile.mkdtemp())
        return str(self.folder / "study.db")

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.figures = HandClock(), itertools.count()
        self.where = self.new_address()
        self.store = open_store(self.where, clock=self.clock)
        self.model = {trial.key: Known(trial.key, trial.cost) for trial in TRIALS}
        self.leases: list[Lease] = []

    @initialize()
    def begin(self) -> None:
        self.store.begin(IDENTITY, TRIALS)

    @rule(limit=st.integers(1, 3), seconds=st.sampled_from([0.0, 10.0, 60.0]))
    def claim(self, limit: int, seconds: float) -> None:
        leases = self.store.claim("w", seconds=seconds, limit=limit)
        for one in self.model.values():
            if one.state == "running" and one.ends <= self.clock.since_boot:
                one.losses += 1
                one.state = "failed" if one.losses == MAX_ATTEMPTS else "waiting"
                one.figure = None
        waiting = sorted((one for one in self.model.values() if one.state == "waiting"), key=lambda one: -one.cost)
        for one in waiting[:limit]:
            one.state, one.ends, one.figure = "running", self.clock.since_boot + seconds, None
            one.token, one.attempts = one.token + 1, one.attempts + 1
        expected = [(one.key, one.token, one.attempts) for one in waiting[:limit]]
        assert [(lease.key, lease.token, lease.attempt) for lease in leases] == expected
        self.leases += leases

    def holds(self, lease: Lease) -> bool:
        one = self.model[lease.key]
        return one.state == "running" and one.token == lease.token

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), status=st.sampled_from(["done", "failed", "infeasible"]))
    def finish(self, data: st.DataObject, status: str) -> None:
        lease, one = self.any_lease(data)
        figure = float(next(self.figures))
        mine = one.token == lease.token and one.figure is not None and one.state in ("done", "failed", "infeasible")
        written = self.store.finish(lease, Outcome(status, {"metric.x": figure}))
        assert written == (self.holds(lease) or mine)
        if self.holds(lease):
            one.state, one.figure, one.losses = status, figure, 0

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        lease, one = self.any_lease(data)
        assert self.store.release(lease) == self.holds(lease)
        if self.holds(lease):
            one.state, one.attempts = "waiting", one.attempts - 1

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), seconds=st.sampled_from([5.0, 60.0]))
    def renew(self, data: st.DataObject, seconds: float) -> None:
        lease, one = self.any_lease(data)
        assert self.store.renew([lease], seconds=seconds) == [self.holds(lease)]
        if self.holds(lease):
            one.ends = self.clock.since_boot + seconds

    @rule(states=st.sets(st.sampled_from(["done", "failed", "infeasible"]), min_size=1))
    def retry(self, states: set[str]) -> None:
        chosen = [one for one in self.model.values() if one.state in states]
        assert self.store.retry(*states) == len(chosen)
        for one in chosen:
            one.state, one.losses, one.figure = "waiting", 0, None

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]), jump=st.sampled_from([0.0, 0.0, -7200.0, 7200.0]))
    def time_passes(self, seconds: float, jump: float) -> None:
        self.clock.pass_by(seconds)
        self.clock.wall += jump

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = open_store(self.where, clock=self.clock)
        self.store.begin(IDENTITY, TRIALS)

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found = {one.trial.key: one for one in self.store.trials()}
        assert found.keys() <= self.model.keys()
        for key, stored in found.items():
            one = self.model[key]
            assert (stored.state, stored.attempts) == (one.state, one.attempts)
            figure = stored.outcome.figures.get("metric.x") if stored.outcome else None
            assert figure == one.figure
            assert len(self.store.attempts(key)) == one.attempts

    def any_lease(self, data: st.DataObject) -> tuple[Lease, Known]:
        lease = data.draw(st.sampled_from(self.leases))
        return lease, self.model[lease.key]

    def teardown(self) -> None:
        self.store.close()
        if (folder := getattr(self, "folder", None)) is not None:
            shutil.rmtree(folder)


SETTINGS = settings(max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))


def test_sqlite_says_what_the_model_says():
    run_state_machine_as_test(StoreMachine, settings=SETTINGS)


@pytest.mark.slow
def test_sqlite_says_what_the_model_says_in_long_histories():
    run_state_machine_as_test(StoreMachine, settings=settings(SETTINGS, max_examples=60, stateful_step_count=50))


def test_postgresql_says_what_the_model_says(postgres):
    numbers = itertools.count()

    class PostgresMachine(StoreMachine):
        def new_address(self) -> str:
            return postgres.database(f"machine_{next(numbers)}")

    run_state_machine_as_test(PostgresMachine, settings=settings(SETTINGS, max_examples=3))
