"""Several drivers share one store: each trial is run once, whoever asks."""

from __future__ import annotations

import threading

from efficienttrust.study import Outcome
from efficienttrust.study.store import open_store
from tests.study.store.planned import IDENTITY, plan


def test_drivers_that_begin_at_once_share_the_trials(where):
    trials, ran, failures = plan(120), [], []
    gate = threading.Barrier(6)

    def drive(name: str) -> None:
        try:
            gate.wait()
            with open_store(where) as store:
                store.begin(IDENTITY, trials)
                while leases := store.claim(name, seconds=60, limit=2):
                    for lease in leases:
                        assert store.finish(lease, Outcome("done", {"metric.x": 1.0}))
                        ran.append(lease.key)
        except BaseException as error:
            failures.append(error)

    drivers = [threading.Thread(target=drive, args=(f"driver {number}",)) for number in range(6)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert failures == []
    assert sorted(ran) == sorted(trial.key for trial in trials)
    with open_store(where) as store:
        assert store.counts()["done"] == 120
        assert {one.attempts for one in store.trials()} == {1}
        assert [event["kind"] for event in store.events()] == ["began"]


def test_threads_share_one_store(where):
    """A driver renews in one thread while it claims in another."""
    with open_store(where) as store:
        store.begin(IDENTITY, plan(60))
        stop, held, failures = threading.Event(), [], []

        def beat() -> None:
            try:
                while not stop.is_set():
                    assert all(store.renew(list(held), seconds=60))
            except BaseException as error:
                failures.append(error)

        heart = threading.Thread(target=beat)
        heart.start()
        while leases := store.claim("w", seconds=60):
            held.extend(leases)
        stop.set()
        heart.join()
        assert failures == []
        assert store.counts()["running"] == len(held) == 60
