"""In a process that had held more before, a limit on memory is judged by a fresh one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json
import numpy as np
np.ones(200_000_000)  # 1.6 GB, and gone
from efficienttrust import compress, fit
from tests.small_problems import german
run = fit(german(), budget="time=60 steps, memory=900MB", targets=())
small = compress(run, [("prune", "magnitude:0.5")], budget="memory=900MB", problem=german())
memory = dict(run.ledger["memory"])
print(json.dumps([run.failed, memory, small.document["failed"], small.document["fallbacks"]]))
"""


@pytest.mark.slow
def test_what_was_held_before_does_not_count(root):
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    failed, memory, of_compression, notes = json.loads(ended.stdout.splitlines()[-1])
    assert failed == []
    assert memory["how"].startswith("a fresh process")
    assert memory["floor"] < memory["used"] < 900e6 < memory["evaluation_peak"]
    assert of_compression == []
    assert any("had held more before" in note for note in notes)
