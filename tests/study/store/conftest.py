"""Stores of both kinds, by a function that opens one and the same store again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres_server import Server, missing, server

Where = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    if reason := missing():
        pytest.skip(reason)
    with server() as one:
        yield one


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "study.db")
    return request.getfixturevalue("postgres").database(f"study_{next(_numbers)}")
