"""The driver: claims trials, lets an executor run them, and writes what they came to."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome, Trial
from efficienttrust.study.running._estimate import Estimate
from efficienttrust.study.running._host import HostLock
from efficienttrust.study.running._interruption import Interruption, interruption
from efficienttrust.study.running.executors import Executor
from efficienttrust.study.store import Lease, Store, StudyIdentity

LEASE_SECONDS = 60.0
RENEWALS = 4  # in the time of a lease
BEGINNINGS = 3
"""How often a trial is begun whose process is killed by somebody else, before it has failed."""
BREATH = 0.2  # seconds for which a result is waited for
TELLING = 1.0  # seconds between two reports of progress
IDLE = 1.0  # seconds until the store is asked again when it had nothing


class Planned(Protocol):
    """What is run: a study."""

    def trials(self) -> Sequence[Trial]:
        """Return all trials."""
        ...

    def identity(self) -> StudyIdentity:
        """Return its identity."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a study is.

    Attributes:
        counts: Trials by state, of all drivers together.
        running: Levels of the trials that this driver runs, and the seconds since each was begun.
        ended: Trials that ended since the last telling, with what they came to.
        left: Seconds until all are over; None where nothing is known.
        stopping: No more trials are started.
    """

    counts: Mapping[str, int]
    running: Sequence[tuple[Mapping[str, str], float]]
    ended: Sequence[tuple[Lease, Outcome]]
    left: float | None
    stopping: bool = False


@dataclass(frozen=True)
class Driven:
    """What a call of `run_study` came to.

    Attributes:
        counts: Trials by state, of all drivers together.
        ended: Trials that this call ran, by how they ended.
        fenced: Results that were not written, as another driver had been given the trial.
        interrupted: It was asked to stop.
    """

    counts: Mapping[str, int]
    ended: Mapping[str, int]
    fenced: int
    interrupted: bool


def run_study(
    study: Planned,
    store: Store,
    executor: Executor,
    *,
    accept_change: bool = False,
    limit: int | None = None,
    seconds: float = LEASE_SECONDS,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Driven:
    """Run what is left of a study, and return when all trials have ended.

    Called again it goes on, so that it is also how a study is resumed. Several drivers on one store help each other,
    and one whose trials another driver runs waits for them: if that one dies, it takes them over.

    Args:
        study: Trials and identity.
        store: Owns the state of the trials.
        executor: Runs them.
        accept_change: Go on although the study, its data or its code changed since it began.
        limit: Begin at most so many trials.
        seconds: For which trials are leased; after a crash of this process they wait so long.
        tell: Called with the progress.

    Raises:
        UsageError: The study changed since it began, or the store cannot be written.
    """
    trials = study.trials()
    store.begin(study.identity(), trials, accept_change=accept_change)
    estimate = Estimate(store, trials)
    with HostLock() as host, interruption() as asked:
        drive = _Drive(store, executor, host, asked, estimate, limit, seconds, tell)
        try:
            while drive.goes_on():
                drive.begin_trials()
                drive.take_results()
                drive.keep_leases()
                drive.tell()
        finally:
            drive.give_back()
        drive.tell(at_once=True)
    return Driven(store.counts(), dict(drive.ended), drive.fenced, asked.stop)


@dataclass(eq=False)
class _Running:
    lease: Lease
    since: float
    beginnings: int = 1


@dataclass(eq=False)
class _Drive:
    store: Store
    executor: Executor
    host: HostLock
    asked: Interruption
    estimate: Estimate
    limit: int | None
    seconds: float
    report: Callable[[Progress], None]
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    running: dict[str, _Running] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    fenced: int = 0
    _news: list[tuple[Lease, Outcome]] = field(default_factory=list)
    _begun: int = 0
    _ask_at: float = 0.0
    _renew_at: float = 0.0
    _tell_at: float = 0.0

    def goes_on(self) -> bool:
        """Return whether something runs or may still be begun, here or by another driver that may die."""
        if self.asked.now:
            return False
        if self.running:
            return True
        if self.asked.stop or self._room() == 0:
            return False
        counts = self.store.counts()
        return counts["waiting"] + counts["running"] > 0

    def begin_trials(self) -> None:
        """Claim as many trials as there is room for; one that must run alone when nothing else is left."""
        room = self._room()
        if self.asked.stop or room == 0 or time.monotonic() < self._ask_at:
            return
        if any(one.lease.exclusive for one in self.running.values()):
            return
        leases: list[Lease] = []
        if self.host.share():
            leases = self.store.claim(self.worker, seconds=self.seconds, limit=room, exclusive=False)
        if not leases and not self.running:
            self.host.free()
            if self.host.alone():
                leases = self.store.claim(self.worker, seconds=self.seconds, limit=1, exclusive=True)
                if not leases:
                    self.host.free()
        for lease in leases:
            self.running[_name(lease)] = _Running(lease, time.monotonic())
        for lease in leases:
            self.executor.submit(_name(lease), lease.settings, exclusive=lease.exclusive)
        self._begun += len(leases)
        self._ask_at = 0.0 if leases else time.monotonic() + IDLE

    def take_results(self) -> None:
        """Write what trials came to; begin those again whose process somebody else killed."""
        if not self.running:
            time.sleep(BREATH)
            return
        # The executor knows them no more; where the store cannot be written, their leases expire.
        over = [(end, self.running.pop(end.name)) for end in self.executor.wait(BREATH)]
        for end, one in over:
            outcome = end.outcome
            if outcome is None and one.beginnings < BEGINNINGS:
                one.beginnings += 1
                self.executor.submit(end.name, one.lease.settings, exclusive=one.lease.exclusive)
                self.running[end.name] = one
                continue
            if outcome is None:
                outcome = Outcome("failed", reason=f"lost {one.beginnings} times: {end.reason}")
            if self.store.finish(one.lease, outcome):
                self.ended[outcome.status] += 1
                self.estimate.ended(one.lease.key)
                self._news.append((one.lease, outcome))
            else:
                self.fenced += 1

    def keep_leases(self) -> None:
        """Renew the leases of all that runs; a trial whose lease is lost is another driver's, and stopped here."""
        if not self.running or time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + self.seconds / RENEWALS
        leases = [one.lease for one in self.running.values()]
        for lease, held in zip(leases, self.store.renew(leases, seconds=self.seconds), strict=True):
            if not held:
                self._stop(_name(lease))
                self.fenced += 1

    def give_back(self) -> None:
        """Stop what still runs, and let it wait again."""
        reachable = True
        for name in list(self.running):
            lease = self._stop(name)
            if reachable:
                try:
                    self.store.release(lease)
                except UsageError:  # a store that cannot be written: this lease and the others expire
                    reachable = False
        self.host.free()

    def tell(self, *, at_once: bool = False) -> None:
        """Report the progress, once in a while."""
        now = time.monotonic()
        if now < self._tell_at and not at_once:
            return
        self._tell_at = now + TELLING
        running = [(one.lease.factors, now - one.since) for one in self.running.values()]
        left = self.estimate.seconds(self.executor.slots)
        self.report(Progress(self.store.counts(), running, tuple(self._news), left, self.asked.stop))
        self._news.clear()

    def _room(self) -> int:
        free = self.executor.slots - len(self.running)
        return free if self.limit is None else min(free, self.limit - self._begun)

    def _stop(self, name: str) -> Lease:
        lease = self.running.pop(name).lease
        self.executor.cancel(name)
        return lease


def _name(lease: Lease) -> str:
    return f"{lease.key[:16]}-{lease.token}"
