"""One small curve of a data set by name, on disk, that the tests look at from all sides."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from efficienttrust import Frontier, frontier
from efficienttrust.pipeline.frontier import _frontier
from tests.small_problems import german

BUDGET = "time=40 steps"


@pytest.fixture(scope="session", autouse=True)
def few_settings() -> Iterator[None]:
    """Try few settings of the network, so that a curve takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_frontier, "SETTINGS", 4)
        yield


@pytest.fixture(scope="session")
def made(few_settings: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Frontier, Path]:
    """The curve in memory and its folder, which is not to be changed."""
    folder = tmp_path_factory.mktemp("curves") / "german"
    return frontier(german(), budget=BUDGET, points=4, out=folder), folder


@pytest.fixture
def folder(made: tuple[Frontier, Path], tmp_path: Path) -> Path:
    """A copy of the curve's folder, to be tampered with."""
    return Path(shutil.copytree(made[1], tmp_path / "copy"))
