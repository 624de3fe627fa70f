"""Two measurements do not run at once, and one that cannot have the lock says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from efficienttrust.resources.exclusive import exclusive

HOLD = """
import sys
from pathlib import Path
from efficienttrust.resources.exclusive import exclusive
with exclusive(0, path=Path(sys.argv[1])) as note:
    print(note or "held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_lock_is_had_again_and_again(tmp_path):
    for _ in range(2):
        with exclusive(0, path=tmp_path / "lock") as note:
            assert note == ""


def test_a_holder_is_waited_for(tmp_path, other):
    pauses = []

    def end_the_other(seconds):
        pauses.append(seconds)
        other.communicate("\n")

    with exclusive(60, path=tmp_path / "lock", sleep=end_the_other) as note:
        assert note == ""
    assert len(pauses) == 1


def test_waiting_ends_and_is_noted(tmp_path, other):
    with exclusive(0.1, path=tmp_path / "lock") as note:
        assert "another measurement was still running after 0.1 s" in note
    assert other.poll() is None


def test_a_dead_holder_holds_nothing(tmp_path, other):
    other.kill()
    other.wait()
    with exclusive(0, path=tmp_path / "lock") as note:
        assert note == ""


def test_it_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), exclusive(0, path=tmp_path / "lock"):
        raise RuntimeError
    with exclusive(0, path=tmp_path / "lock") as note:
        assert note == ""


def test_links_are_not_followed_and_missing_folders_are_noted(tmp_path):
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    for path in (tmp_path / "link", tmp_path / "none" / "lock"):
        with exclusive(0, path=path) as note:
            assert "without the lock" in note
    assert not (tmp_path / "elsewhere").exists()
