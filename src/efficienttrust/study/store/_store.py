"""The store of a study: each method one transaction."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome, Trial
from efficienttrust.study.store import _leasing, _planning, _reading
from efficienttrust.study.store._address import parse_address
from efficienttrust.study.store._clock import Clock, Instant
from efficienttrust.study.store._database import PATIENCE, Database
from efficienttrust.study.store._identity import StudyIdentity
from efficienttrust.study.store._values import ENDED, STATES, Attempt, CellCount, Lease, State, StoredTrial

MAX_ATTEMPTS = 3
SHORTEST_KEY = 4  # digits by which a trial may be named


def open_store(
    where: str | Path, *, read_only: bool = False, clock: Clock | None = None, patience: float = PATIENCE
) -> Store:
    """Open the store at a path or URL; a new one is created, an older one brought to the newest version.

    Args:
        where: Path of a SQLite file, or `postgresql://USER@HOST/DATABASE`.
        read_only: Write nothing; a file that cannot be written is opened so anyway.
        clock: Of leases; by default that of PostgreSQL's server, or of the machine.
        patience: Seconds for which a transaction waits for a server that went away after the store was opened.

    Raises:
        UsageError: It is no store, is of a newer version, or cannot be opened; the line never shows a password.
    """
    return Store(Database(parse_address(where), read_only=read_only, clock=clock, patience=patience))


class Store:
    """The state of all trials of one study, and what they came to; a context manager. Threads may share it.

    Every method is one transaction: what it returns is on disk. It raises `UsageError`, one line, where the disk is
    full, the store can only be read, or its server stayed away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun: _planning.Begun | None = None

    def __repr__(self) -> str:
        return f"Store({self.address!r})"

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    @property
    def address(self) -> str:
        """Where it is, for messages; without password."""
        return self._database.address.shown

    @property
    def notes(self) -> tuple[str, ...]:
        """What is legal but odd about where it is, for the user to read."""
        return self._database.notes

    def begin(self, identity: StudyIdentity, trials: Sequence[Trial], *, accept_change: bool = False) -> None:
        """Enter a study and its trials; those that are there already stay as they are.

        Args:
            identity: Of the study now. Another environment or command is recorded beside the first ones.
            trials: The plan, or a part of it.
            accept_change: Go on although spec, data or code changed: `trials` becomes the plan, a result with the same
                settings stands for the trial of the new plan, and each trial keeps the identity under which it ran.

        Raises:
            UsageError: The store is of another study; or spec, data or code changed, with what differs.
        """
        self._begun = self._database.write(
            partial(
                _planning.begin, identity=identity, planned=trials, accept_change=accept_change, address=self.address
            )
        )

    def claim(
        self, worker: str, *, seconds: float, limit: int = 1, exclusive: bool | None = None,
        keys: Collection[str] | None = None, max_attempts: int = MAX_ATTEMPTS,
    ) -> list[Lease]:  # fmt: skip
        """Lease waiting trials, the longest predicted cost first.

        A trial whose lease expired waits again; after `max_attempts` lost leases it has failed.

        Args:
            worker: Who claims, for people.
            seconds: Until the leases expire, unless they are renewed.
            limit: At most so many trials.
            exclusive: Only trials that must run alone, or only others; None: any.
            keys: Only these trials.
            max_attempts: Lost leases after which a trial is given up.

        Raises:
            UsageError: `begin` was not called, or another driver accepted a change of the study since.
        """
        if self._begun is None:
            raise UsageError(f"{self.address}: begin the study before trials are claimed")
        number, content = self._begun
        name, tries = secrets.token_hex(8), itertools.count()

        def work(connection: Connection, now: Instant) -> list[Lease]:
            leases = _leasing.claim(
                connection, now, worker=worker, identity=number, content=content, name=name, seconds=seconds,
                limit=limit, exclusive=exclusive, keys=keys, max_attempts=max_attempts, again=next(tries) > 0,
            )  # fmt: skip
            if not leases:
                _planning.refuse_changed_plan(connection, now, content)
            return leases

        return self._database.write(work)

    def renew(self, leases: Sequence[Lease], *, seconds: float) -> list[bool]:
        """Let leases last so many seconds from now; false for each that is lost, whose trial should be stopped."""
        return self._database.write(partial(_leasing.renew, leases=leases, seconds=seconds)) if leases else []

    def finish(self, lease: Lease, outcome: Outcome) -> bool:
        """Write what a trial came to; false where the lease is lost, and then nothing of it is written."""
        return self._database.write(partial(_leasing.finish, lease=lease, outcome=outcome))

    def release(self, lease: Lease) -> bool:
        """Give a trial back, so that it waits again and no attempt is counted; false where the lease is lost."""
        return self._database.write(partial(_leasing.release, lease=lease))

    def retry(self, *states: State, keys: Collection[str] | None = None) -> int:
        """Let ended trials wait again, and return how many; their attempts stay on record.

        Args:
            states: `done`, `failed`, `infeasible`; none: all three.
            keys: Only these trials.
        """
        if not set(states) <= set(ENDED):
            raise UsageError(f"only trials that have ended can be tried again: {', '.join(ENDED)}")
        return self._database.write(partial(_planning.retry, states=states or ENDED, keys=keys))

    def counts(self) -> dict[str, int]:
        """Return how many trials are waiting, running, done, failed and infeasible."""
        return self._database.read(_reading.counts)

    def trials(self, *states: State) -> Iterator[StoredTrial]:
        """Yield trials in the order of the plan; all, or those in these states.

        Trials are read in pages, so that a slow reader holds no transaction open.
        """
        after: _reading.Cursor | None = None
        while found := self._database.read(partial(_reading.page, states=states or STATES, after=after)):
            yield from found
            if len(found) < _reading.PAGE:
                return
            after = self._database.read(partial(_reading.cursor, key=found[-1].trial.key))

    def attempts(self, key: str) -> list[Attempt]:
        """Return all attempts at a trial, the first one first."""
        return self._database.read(partial(_reading.attempts_at, key=key))

    def costs(self) -> Mapping[str, float]:
        """Return the mean seconds from claim to result, by cell, of trials that came to one."""
        return self._database.read(_reading.costs)

    def cells(self) -> list[CellCount]:
        """Return how many trials of each cell are in each state, in the order of the plan."""
        return self._database.read(_reading.cells)

    def full_key(self, beginning: str) -> str:
        """Return the key that begins so; raises `UsageError` where none does, or several do."""
        keys = self._database.read(partial(_reading.keys_like, beginning=beginning)) if beginning else []
        if len(beginning) < SHORTEST_KEY or len(keys) != 1:
            found = f"{len(keys)} trials" if len(beginning) >= SHORTEST_KEY else "too few digits"
            raise UsageError(
                f"trial {beginning!r}: {found}; name one trial by at least {SHORTEST_KEY} digits of its key, as "
                "`study status` shows them"
            )
        return keys[0]

    def identity(self) -> StudyIdentity:
        """Return the identity of the study that the plan is of; raises `UsageError` where none has begun."""
        return self._database.read(partial(_reading.current_identity, address=self.address))

    def identities(self) -> dict[int, StudyIdentity]:
        """Return all identities under which trials were claimed, by number, the first one first."""
        return self._database.read(_reading.all_identities)

    def events(self) -> list[dict[str, Any]]:
        """Return the log: studies begun and changed, leases lost, late writers turned away, retries."""
        return self._database.read(_reading.all_events)
