"""Runs of networks that the tests compress."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from efficienttrust import fit
from tests.small_problems import german, loans


@pytest.fixture(scope="session")
def dense_run(tmp_path_factory):
    """A run of a small network and its folder, which is not to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "loans"
    targets = ("dpd <= 0.3", "robust_accuracy(pgd, eps=0.05) >= 0.4")
    made = fit(
        loans(), budget="time=80 steps", targets=targets, model="mlp(widths=64-32)", trainer="network", out=folder
    )
    return made, folder


@pytest.fixture
def dense_folder(dense_run, tmp_path) -> Path:
    """A copy of the run's folder, to be tampered with."""
    return Path(shutil.copytree(dense_run[1], tmp_path / "copy"))


@pytest.fixture(scope="session")
def german_folder(tmp_path_factory) -> Path:
    """A run whose data can be found again by its folder alone."""
    folder = tmp_path_factory.mktemp("runs") / "german"
    fit(
        german(),
        budget="time=40 steps",
        targets=("dpd <= 0.3",),
        model="mlp(widths=16)",
        out=folder,
    )
    return folder
