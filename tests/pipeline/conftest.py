"""One finished run that the tests of the pipeline look at from all sides."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from efficienttrust import fit
from efficienttrust.training import clear_stop
from tests.small_problems import german

TARGETS = (
    "accuracy >= 0.6",
    "dpd <= 0.2",
    "eod <= 0.3",
    "worst_group_accuracy >= 0.5",
    "robust_accuracy(pgd, eps=0.1) >= 0.5",
    "worst_group_robust_accuracy(pgd, eps=0.1) >= 0.4",
)


@pytest.fixture(autouse=True)
def no_stop_left_over():
    clear_stop()
    yield
    clear_stop()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The run in memory and its folder, which is not to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "german"
    return fit(german(), budget="time=60 steps, size=1MB", targets=TARGETS, out=folder), folder


@pytest.fixture
def folder(finished_run, tmp_path) -> Path:
    """A copy of the run's folder, to be tampered with."""
    return Path(shutil.copytree(finished_run[1], tmp_path / "copy"))
