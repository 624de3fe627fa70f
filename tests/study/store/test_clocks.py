"""A clock that is set back or forward neither takes a living lease from its holder nor keeps a dead one for ever."""

from __future__ import annotations

import time

import pytest

from efficienttrust.study import Outcome
from efficienttrust.study.store import open_store
from efficienttrust.study.store._clock import machine_clock
from tests.study.store.planned import IDENTITY, HandClock, plan

HOUR = 3600.0


def opened(where, clock):
    store = open_store(where, clock=clock)
    store.begin(IDENTITY, plan(1))
    return store


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_the_clock_since_boot_decides_whatever_the_wall_clock_says(where, jump):
    clock = HandClock()
    with opened(where, clock) as store:
        [lease] = store.claim("holder", seconds=60)
        clock.wall += jump
        assert store.claim("thief", seconds=60) == []
        clock.pass_by(59)
        assert store.claim("thief", seconds=60) == []
        clock.pass_by(2)
        assert [one.attempt for one in store.claim("heir", seconds=60)] == [lease.attempt + 1]


def test_after_another_boot_a_lease_ends_by_the_wall_clock(where):
    clock = HandClock()
    with opened(where, clock) as store:
        store.claim("holder", seconds=60)
        clock.boot, clock.since_boot = "boot 2", 0.0
        assert store.claim("early", seconds=60) == []
        clock.pass_by(61)
        assert len(store.claim("heir", seconds=60)) == 1


@pytest.mark.parametrize("boot", ["", "boot 2"])
def test_a_lease_from_the_future_begins_now_and_ends(where, boot):
    clock = HandClock()
    with opened(where, clock) as store:
        store.claim("holder", seconds=60)
        clock.wall -= HOUR
        clock.boot = boot
        assert store.claim("thief", seconds=60) == []
        clock.pass_by(59)
        assert store.claim("thief", seconds=60) == []
        clock.pass_by(2)
        assert len(store.claim("heir", seconds=60)) == 1


def test_a_holder_who_renews_keeps_its_lease_though_the_clock_is_set_back(where):
    clock = HandClock(boot="")
    with opened(where, clock) as store:
        [lease] = store.claim("holder", seconds=60)
        clock.wall -= HOUR
        for _ in range(10):
            assert store.claim("thief", seconds=60) == []
            clock.pass_by(30)
            assert store.renew([lease], seconds=60) == [True]
        assert store.finish(lease, Outcome("done"))


def test_the_machine_tells_boot_and_time():
    before = machine_clock()
    assert abs(before.wall.value - time.time()) < 5
    time.sleep(0.01)
    after = machine_clock()
    assert after.boot == before.boot
    if after.boot:
        assert after.since_boot > before.since_boot > 0


def test_the_clock_of_a_store_runs(where):
    with open_store(where) as store:
        store.begin(IDENTITY, plan(1))
        [lease] = store.claim("w", seconds=60)
        assert abs(lease.expires - time.time() - 60) < 5
        store.release(lease)
        store.claim("w", seconds=0.05)
        time.sleep(0.1)
        assert len(store.claim("x", seconds=1)) == 1
