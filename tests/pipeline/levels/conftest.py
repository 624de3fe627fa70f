"""Baselines that the tests of levels are shares of."""

from __future__ import annotations

from pathlib import Path

import pytest

from efficienttrust import fit
from efficienttrust.pipeline._run import load_run
from efficienttrust.pipeline.levels._baseline import Baseline, arguments_of, sha256_of
from tests.small_problems import german

SAMPLES = 4096


@pytest.fixture(scope="session")
def baseline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, which is not to be changed."""
    folder = tmp_path_factory.mktemp("baselines") / "german"
    fit(german(), budget=f"time={SAMPLES} samples, size=1MB", targets=["dpd <= 0.3"], out=folder)
    return folder


@pytest.fixture(scope="session")
def baseline(baseline_folder: Path) -> Baseline:
    run = load_run(baseline_folder)
    return Baseline(run, german(), str(baseline_folder), sha256_of(run, baseline_folder))


@pytest.fixture
def arguments(baseline: Baseline) -> dict[str, object]:
    return arguments_of(baseline.run.document)
