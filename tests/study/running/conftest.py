"""An executor whose trials are stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.forkserver import _forkserver

import pytest

from efficienttrust.study.running.executors import _process
from tests.study.running import stand_in


@pytest.fixture(scope="package")
def _server_of_stand_ins() -> Iterator[None]:
    _forkserver._stop()  # another test may have started one with all libraries
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_process, "PRELOADED", stand_in.PRELOADED)
        _process.start_server()
        yield
    _forkserver._stop()


@pytest.fixture
def light(_server_of_stand_ins: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trials be stand-ins (see `stand_in.py`)."""
    monkeypatch.setattr(_process, "PRELOADED", stand_in.PRELOADED)
    monkeypatch.setattr(_process, "run_trial", stand_in.run)
