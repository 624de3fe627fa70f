"""Transactions on SQLite and PostgreSQL that either happen as a whole or end in one line."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect, select, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from efficienttrust.errors import UsageError
from efficienttrust.study.store._address import Address, network_file_system
from efficienttrust.study.store._clock import Clock, Instant, machine_clock, server_clock
from efficienttrust.study.store._faults import fault, is_transient
from efficienttrust.study.store._migrations import MIGRATIONS, migrate
from efficienttrust.study.store._schema import store

T = TypeVar("T")
BUSY = 60.0  # seconds to wait for another writer of a SQLite file
PATIENCE = 120.0  # seconds to wait for a server of PostgreSQL that went away
PAUSE, LONGEST_PAUSE = 0.05, 5.0
LOCK = 0x7E57A7A5  # of PostgreSQL: one client at a time creates tables or changes the plan


class Database:
    """A store's database; transactions wait for a server that went away and are tried again.

    Args:
        address: Where it is.
        read_only: Write nothing, not even tables.
        clock: Of leases; by default the server's (PostgreSQL) or the machine's (SQLite).
        patience: Seconds to wait for a server that went away.
        migrations: Statements by the version that they lead to.

    Raises:
        UsageError: It cannot be opened, or is no store.
    """

    def __init__(
        self,
        address: Address,
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        patience: float = PATIENCE,
        migrations: Mapping[int, str] = MIGRATIONS,
    ) -> None:
        self.address = address
        self.notes: tuple[str, ...] = ()
        self._reads = read_only
        self._clock = clock or (machine_clock if address.url is None else server_clock)
        self._patience = 0.0  # until it has been open once, a fault is one of the address
        if address.path is not None:
            self._engine = _sqlite(address, address.path, read_only)
            if (kind := network_file_system(address.path)) is not None:
                advice = "where SQLite may lose data when several machines write; use a local disk, or PostgreSQL"
                self.notes = (f"{address.shown} is on a network file system ({kind}), {advice}",)
        else:
            self._engine = _postgresql(address)
        try:
            self._prepare(read_only, migrations)
        except BaseException:
            self._engine.dispose()
            raise
        self._patience = patience if address.url is not None else 0.0  # SQLite itself waits for other writers

    def write(self, work: Callable[[Connection, Instant], T]) -> T:
        """Run work in one transaction that holds the right to write; it may be run again, so it has no other effect."""
        return self._run(work, reading=False)

    def read(self, work: Callable[[Connection, Instant], T]) -> T:
        """Run work in one transaction that reads."""
        return self._run(work, reading=True)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _run(self, work: Callable[[Connection, Instant], T], *, reading: bool) -> T:
        deadline, pause = time.monotonic() + self._patience, PAUSE
        while True:
            connected = False
            try:
                with self._engine.connect() as connection:
                    connected = True
                    options = {"reading": reading, **({"postgresql_readonly": True} if reading or self._reads else {})}
                    with connection.execution_options(**options).begin():
                        return work(connection, self._clock())
            except DBAPIError as error:
                if (connected and not is_transient(error)) or time.monotonic() >= deadline:
                    raise fault(error, self.address) from None
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)

    def _prepare(self, read_only: bool, migrations: Mapping[int, str]) -> None:
        """Create the tables, or bring them to the newest version."""
        version = self.read(lambda connection, _: _version(connection, self.address))
        if version == max(migrations):
            return
        if read_only and version == 0:
            raise UsageError(f"there is no store {self.address.shown}; `efficienttrust study run` makes one")
        if read_only and version < max(migrations):
            raise UsageError(
                f"{self.address.shown}: the store has version {version} and must be opened once for writing"
            )

        def upgrade(connection: Connection, _: Instant) -> None:
            lock(connection)
            migrate(connection, _version(connection, self.address), self.address.shown, migrations)

        self.write(upgrade)


def lock(connection: Connection) -> None:
    """Wait until no other client creates tables or changes the plan; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _version(connection: Connection, address: Address) -> int:
    """Return the version of the tables, 0 where there are none; raises `UsageError` where there are only others."""
    tables = inspect(connection).get_table_names()  # one query: another client may be creating them
    if store.name in tables:
        version: int = connection.execute(select(store.c.version)).scalar_one()
        return version
    if tables:
        raise UsageError(
            f"{address.shown}: the database holds other tables ({', '.join(sorted(tables)[:3])}) and no store of a "
            "study; name another one"
        )
    return 0


def _postgresql(address: Address) -> Engine:
    assert address.url is not None
    try:
        return create_engine(address.url, hide_parameters=True, connect_args={"connect_timeout": 10})
    except (ImportError, NoSuchModuleError):
        raise UsageError(
            f"{address.shown}: PostgreSQL needs a package that is not installed: pip install 'efficienttrust[postgres]'"
        ) from None


def _sqlite(address: Address, path: Path, read_only: bool) -> Engine:
    read_only = _refuse_other_files(address, path, read_only)
    mode = _reading_mode(path) if read_only else "mode=rwc"

    def connect() -> sqlite3.Connection:
        uri = f"file:{quote(str(path.absolute()))}?{mode}"
        return sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a writing one fails at once when another wrote, whatever the timeout.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; while another connection does so, SQLite says "locked" without waiting."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.0, PAUSE))


def _reading_mode(path: Path) -> str:
    """Return how to open a file for reading; without the right to write beside it, SQLite must not expect a log."""
    try:
        with sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        if not path.with_name(path.name + "-wal").exists():
            return "immutable=1"
    finally:
        connection.close()
    return "mode=ro"


def _refuse_other_files(address: Address, path: Path, read_only: bool) -> bool:
    """Raise `UsageError` where no store can be, before anything is written; return whether it can only be read."""
    if path.is_dir():
        raise UsageError(f"{address.shown} is a folder; name a file in it, as {path / 'study.db'}")
    if not path.exists():
        if read_only:
            raise UsageError(f"there is no store {address.shown}; `efficienttrust study run` makes one")
        if not path.parent.is_dir():
            raise UsageError(f"{address.shown}: there is no folder {path.parent}; make it first")
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise UsageError(f"{address.shown}: {error.strerror}") from None
    if head and head != b"SQLite format 3\0":
        raise UsageError(f"{address.shown} is no store of a study; nothing was written: name another file")
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if head and not read_only:
        _refuse_other_databases(address, path, "mode=rw" if writable else _reading_mode(path))
    return read_only or not writable


def _refuse_other_databases(address: Address, path: Path, mode: str) -> None:
    """Raise `UsageError` for a database of another program, before the write-ahead log is switched on for it."""
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True, timeout=BUSY)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    except sqlite3.DatabaseError as error:
        raise fault(DBAPIError(None, None, error), address) from None
    finally:
        connection.close()
    if tables and store.name not in tables:
        raise UsageError(
            f"{address.shown}: the database holds other tables ({', '.join(sorted(tables)[:3])}) and no store of a "
            "study; name another file"
        )
