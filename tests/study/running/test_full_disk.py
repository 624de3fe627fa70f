"""A disk that fills up while a study runs: one line, a store that is whole, and the same call goes on."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.running import run_study
from efficienttrust.study.store import open_store
from tests.study.running.fakes import FakeExecutor
from tests.study.running.planned import of_stand_ins

LARGE = Outcome("done", {"metric.x": 1.0}, details={"long": "".join(map(str, range(60_000)))})


@contextmanager
def _files_end_at(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_run_in_one_line_and_loses_nothing(tmp_path):
    file = tmp_path / "study.db"
    written: list[int] = []

    with open_store(file) as store:
        executor = FakeExecutor(1, lambda: written.append(_size(file)), LARGE)
        with _files_end_at(1_000_000), pytest.raises(UsageError, match="disk is full") as caught:
            run_study(of_stand_ins(50), store, executor)
        assert "\n" not in str(caught.value)
    assert len(written) > 1, "something fitted"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with open_store(file) as store:
        kept = store.counts()["done"]
        assert 0 < kept < 50
        # The trial that could not be written could not be given back either: its lease expires.
        driven = run_study(of_stand_ins(50), store, FakeExecutor(8, outcome=LARGE), limit=49 - kept)
        assert driven.ended == {"done": 49 - kept}
        assert all(one.outcome.details == LARGE.details for one in store.trials("done"))


def _size(file: Path) -> int:
    return sum(one.stat().st_size for one in file.parent.iterdir())
