"""A study whose drivers are killed again and again comes to the same bits as one that nobody disturbed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from efficienttrust.study.store import open_store
from tests.study.running.comparing import lasting
from tests.study.running.planned import ROOT, STUDY

DRIVER = """
import pathlib, sys
from efficienttrust.study.running import ExecutorOptions, executors, run_study
from efficienttrust.study.spec import open_study
from efficienttrust.study.store import open_store
study, store = map(pathlib.Path, sys.argv[1:])
with open_store(store) as kept, executors.get("local")(ExecutorOptions(workers=2)) as executor:
    run_study(open_study(study), kept, executor, seconds=2)
"""
KILLS = 3


def _start(study: Path, store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(study), str(store)], cwd=ROOT)


def _done(store: Path) -> int:
    with open_store(store, read_only=True) as kept:
        return kept.counts()["done"]


@pytest.mark.slow
def test_figures_are_the_same_bits(tmp_path):
    study = tmp_path / "small.yaml"
    study.write_text(STUDY)
    quiet, disturbed = tmp_path / "quiet.db", tmp_path / "disturbed.db"
    assert _start(study, quiet).wait(300) == 0
    for kill in range(KILLS):
        driver = _start(study, disturbed)
        while not disturbed.exists() or _done(disturbed) <= kill:
            assert driver.poll() is None
            time.sleep(0.05)
        driver.kill()
        driver.wait()
    assert _done(disturbed) < 8, "nothing was left to resume"
    assert _start(study, disturbed).wait(300) == 0
    found = []
    for file in (quiet, disturbed):
        with open_store(file, read_only=True) as kept:
            assert kept.counts()["done"] == 8
            found.append({one.trial.key: (lasting(one.outcome.figures), one.outcome.details["rows"])
                          for one in kept.trials()})  # fmt: skip
    assert found[0] == found[1]
