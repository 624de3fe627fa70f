"""What a killed driver leaves in the folder for temporary files is removed by the next one, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

from efficienttrust.study.running.executors._folder import OwnFolder

HOLD = """
import pathlib, sys
from efficienttrust.study.running.executors._folder import OwnFolder
folder = OwnFolder(pathlib.Path(sys.argv[1]))
(folder.path / "data.pickle").write_text("prepared")
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_the_folder_of_a_killed_driver_is_removed_and_that_of_a_living_one_is_kept(tmp_path):
    (tmp_path / "somebody else's").mkdir()
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        theirs = other.stdout.readline().strip()
        first = OwnFolder(tmp_path)
        assert os.listdir(theirs) == ["data.pickle"], "it lives"
        other.kill()
        other.wait()
        second = OwnFolder(tmp_path)
        assert not os.path.exists(theirs)
        assert first.path.exists()
        assert second.path.exists()
    first.remove()
    second.remove()
    assert os.listdir(tmp_path) == ["somebody else's"]
