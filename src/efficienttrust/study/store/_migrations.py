"""Versions of the tables: a new store runs all migrations, an older one those it lacks, in one transaction.

The statements of a migration are never changed once a release had them: a store of any age takes the same way.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from efficienttrust.errors import UsageError

MIGRATIONS: dict[int, str] = {
    1: """
        CREATE TABLE study_store (
            one INTEGER NOT NULL PRIMARY KEY,
            version INTEGER NOT NULL,
            content TEXT,
            identity INTEGER
        );
        INSERT INTO study_store (one, version) VALUES (1, 1);
        CREATE TABLE identities (
            number INTEGER NOT NULL PRIMARY KEY,
            address TEXT NOT NULL UNIQUE,
            began DOUBLE PRECISION NOT NULL,
            plain TEXT NOT NULL
        );
        CREATE TABLE trials (
            key TEXT NOT NULL PRIMARY KEY,
            position INTEGER NOT NULL,
            planned BOOLEAN NOT NULL,
            cell TEXT NOT NULL,
            factors TEXT NOT NULL,
            settings TEXT NOT NULL,
            settings_address TEXT NOT NULL,
            seed BIGINT NOT NULL,
            exclusive BOOLEAN NOT NULL,
            cost DOUBLE PRECISION NOT NULL,
            state TEXT NOT NULL,
            token BIGINT NOT NULL,
            attempts INTEGER NOT NULL,
            losses INTEGER NOT NULL,
            claim TEXT NOT NULL,
            granted DOUBLE PRECISION NOT NULL,
            expires DOUBLE PRECISION NOT NULL,
            boot TEXT NOT NULL,
            boot_expires DOUBLE PRECISION NOT NULL
        );
        CREATE INDEX trials_by_state ON trials (state, cost, position);
        CREATE INDEX trials_by_position ON trials (position, key);
        CREATE INDEX trials_by_settings ON trials (settings_address);
        CREATE TABLE attempts (
            key TEXT NOT NULL REFERENCES trials (key),
            token BIGINT NOT NULL,
            number INTEGER NOT NULL,
            worker TEXT NOT NULL,
            identity INTEGER NOT NULL REFERENCES identities (number),
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            traceback TEXT NOT NULL,
            started DOUBLE PRECISION NOT NULL,
            finished DOUBLE PRECISION,
            PRIMARY KEY (key, token)
        );
        CREATE TABLE outcomes (
            key TEXT NOT NULL,
            token BIGINT NOT NULL,
            figures TEXT NOT NULL,
            details TEXT NOT NULL,
            PRIMARY KEY (key, token),
            FOREIGN KEY (key, token) REFERENCES attempts (key, token)
        );
        CREATE TABLE events (
            number {serial} NOT NULL PRIMARY KEY,
            at DOUBLE PRECISION NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            worker TEXT NOT NULL,
            text TEXT NOT NULL
        )
    """,
}
"""Statements, divided by semicolons, by the version that they lead to."""

_SERIAL = {"sqlite": "INTEGER", "postgresql": "SERIAL"}


def migrate(connection: Connection, version: int, address: str, migrations: Mapping[int, str]) -> None:
    """Bring the tables of a store from a version (0: there are none) to the newest.

    Raises:
        UsageError: The store is of a newer version than this program knows.
    """
    newest = max(migrations)
    if version > newest:
        raise UsageError(
            f"{address}: the store has version {version} and this program knows versions up to {newest}; "
            "update efficienttrust"
        )
    for step in range(version + 1, newest + 1):
        for statement in migrations[step].split(";"):
            connection.execute(text(statement.replace("{serial}", _SERIAL[connection.dialect.name])))
        connection.execute(text("UPDATE study_store SET version = :version"), {"version": step})
