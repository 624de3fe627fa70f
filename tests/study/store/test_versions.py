"""A store of any earlier version opens; one of a later version is refused."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text

from efficienttrust.errors import UsageError
from efficienttrust.study.store import _schema, open_store
from efficienttrust.study.store._address import parse_address
from efficienttrust.study.store._database import Database
from efficienttrust.study.store._migrations import MIGRATIONS
from tests.study.store.planned import IDENTITY, plan

FIXTURES = Path(__file__).parent / "fixtures"
NEXT = {**MIGRATIONS, max(MIGRATIONS) + 1: "ALTER TABLE trials ADD COLUMN colour TEXT; UPDATE trials SET colour = key"}


@pytest.fixture
def first_version(tmp_path):
    """A store as version 1 wrote it: `sqlite3 study.db .dump` of a small study in all states."""
    file = tmp_path / "study.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FIXTURES / "version_1.sql").read_text(encoding="utf-8"))
    return file


def test_a_store_of_version_1_opens_with_all_that_it_holds(first_version):
    with open_store(first_version) as store:
        assert store.counts() == {"waiting": 1, "running": 0, "done": 2, "failed": 1, "infeasible": 1}
        [done, _] = store.trials("done")
        assert math.isnan(done.outcome.figures["metric.robust_accuracy"])
        assert next(store.trials("failed")).outcome.traceback.startswith("Traceback")
        assert store.identity().name == "small"
        store.begin(IDENTITY, plan(5))
        assert len(store.claim("w", seconds=60, limit=9)) == 1


def test_the_tables_are_those_that_the_code_knows(where):
    with open_store(where) as store, store._database._engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
    assert found.tables.keys() == _schema.metadata.tables.keys()
    for name, table in _schema.metadata.tables.items():
        real = found.tables[name]
        assert [(c.name, c.nullable, c.primary_key) for c in real.columns] == [
            (c.name, c.nullable, c.primary_key) for c in table.columns
        ]
        assert [c.type.python_type for c in real.columns] == [c.type.python_type for c in table.columns]
        assert {index.name for index in real.indexes} >= {index.name for index in table.indexes}
        assert {key.target_fullname for key in real.foreign_keys} == {key.target_fullname for key in table.foreign_keys}


def test_migrations_run_once_and_keep_what_is_there(where):
    with open_store(where) as store:
        store.begin(IDENTITY, plan(2))
    for _ in range(2):
        database = Database(parse_address(where), migrations=NEXT)
        rows = database.read(lambda connection, _: connection.execute(text("SELECT key, colour FROM trials")).all())
        assert sorted(map(tuple, rows)) == sorted((trial.key, trial.key) for trial in plan(2))
        database.close()


def test_a_migration_that_fails_leaves_the_older_store(where):
    with open_store(where) as store:
        store.begin(IDENTITY, plan(2))
    broken = {**NEXT, max(NEXT): NEXT[max(NEXT)] + "; UPDATE nothing SET x = 1"}
    with pytest.raises(UsageError):
        Database(parse_address(where), migrations=broken)
    with open_store(where) as store:
        assert store.counts()["waiting"] == 2


def test_a_newer_store_is_refused_in_one_line(where):
    Database(parse_address(where), migrations=NEXT).close()
    with pytest.raises(UsageError) as caught:
        open_store(where)
    assert "the store has version 2 and this program knows versions up to 1; update efficienttrust" in str(caught.value)


def test_an_older_store_is_not_changed_by_who_only_reads(where):
    open_store(where).close()
    with pytest.raises(UsageError, match="has version 1 and must be opened once for writing"):
        Database(parse_address(where), read_only=True, migrations=NEXT)
