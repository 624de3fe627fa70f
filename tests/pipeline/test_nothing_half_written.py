"""A folder that cannot be written is refused at the start; one that fills up leaves no half of a run behind."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from efficienttrust import fit, load_run
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import _run
from tests.small_problems import FAIR, german

FULL = OSError(errno.ENOSPC, "No space left on device")


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def refusal(call) -> str:
    with pytest.raises(UsageError) as refused:
        call()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def raising(error: OSError):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.fixture
def mounted(tmp_path):
    """Mount a small real file system, where that is permitted."""
    places = []

    def mount(options: str) -> Path:
        place = tmp_path / f"mount{len(places)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        places.append(place)
        return place

    try:
        yield mount
    finally:
        for place in places:
            subprocess.run(["umount", str(place)], check=True)


def test_an_existing_folder_is_refused_and_overwritten_on_demand(finished_run, folder):
    run, _ = finished_run
    (folder / "run.json").write_text("{}", encoding="utf-8")
    asked = {"budget": "time=30 steps", "targets": [FAIR], "out": folder}
    assert "--overwrite" in refusal(lambda: fit(german(), **asked))
    assert (folder / "run.json").read_text(encoding="utf-8") == "{}"
    fit(german(), **asked, overwrite=True)
    assert len(load_run(folder).verdicts) == 1
    assert files_under(folder.parent) == files_under(folder), "neither the old run nor the working folder is left"
    run.save(folder, overwrite=True)
    assert len(load_run(folder).verdicts) == 6


def test_an_empty_folder_is_used(tmp_path, finished_run):
    (tmp_path / "empty").mkdir()
    finished_run[0].save(tmp_path / "empty")
    assert load_run(tmp_path / "empty")


def test_overwrite_replaces_runs_only(tmp_path, finished_run):
    (tmp_path / "thesis.txt").write_text("five years", encoding="utf-8")
    assert "is not a run" in refusal(lambda: finished_run[0].save(tmp_path, overwrite=True))
    assert (tmp_path / "thesis.txt").exists()


def test_a_file_in_the_way_is_refused_before_anything_is_spent(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    told = []
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        refusal(lambda out=out: fit(german(), budget="time=30 steps", targets=[], out=out, progress=told.append))
    assert told == []
    assert files_under(tmp_path) == ["file"]


def test_a_read_only_place_is_refused_before_anything_is_spent(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", raising(PermissionError(errno.EACCES, "Permission denied")))
    told = []
    message = refusal(
        lambda: fit(german(), budget="time=30 steps", targets=[], out=tmp_path / "run", progress=told.append)
    )
    assert "Permission denied" in message
    assert "choose another --out" in message
    assert told == []


def test_a_read_only_mount_is_refused(mounted):
    place = mounted("ro,size=100k")
    message = refusal(lambda: fit(german(), budget="time=30 steps", targets=[], out=place / "run"))
    assert "Read-only file system" in message


@pytest.mark.parametrize("where", ["bytes", "text", "parquet", "rename"])
def test_a_disk_that_fills_up_while_saving(tmp_path, monkeypatch, finished_run, where):
    with monkeypatch.context() as patch:
        if where == "bytes":
            patch.setattr(Path, "write_bytes", raising(FULL))
        elif where == "text":
            patch.setattr(Path, "write_text", raising(FULL))
        elif where == "parquet":
            patch.setattr(pd.DataFrame, "to_parquet", raising(FULL))
        else:
            patch.setattr(_run.os, "replace", raising(FULL))
        message = refusal(lambda: finished_run[0].save(tmp_path / "run"))
    assert "No space left on device" in message
    assert list(tmp_path.iterdir()) == [], "nothing half-written"
    finished_run[0].save(tmp_path / "run")
    assert load_run(tmp_path / "run")


def test_the_run_that_was_to_be_replaced_survives_a_failure(folder, monkeypatch, finished_run):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rename, calls = os.replace, []

    def fail_second(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise FULL
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(_run.os, "replace", fail_second)
        refusal(lambda: finished_run[0].save(folder, overwrite=True))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_a_kill_between_the_renames_left_is_in_nobodys_way(folder, finished_run):
    leftover = folder.with_name(folder.name + ".replaced")
    leftover.mkdir()
    (leftover / "run.json").write_text("{}", encoding="utf-8")
    finished_run[0].save(folder, overwrite=True)
    assert load_run(folder)
    assert not leftover.exists()


def test_a_full_file_system_while_saving(mounted, finished_run):
    place = mounted("size=100k")
    assert "No space left on device" in refusal(lambda: finished_run[0].save(place / "run"))
    assert list(place.iterdir()) == []


def test_a_full_file_system_while_training(mounted):
    place = mounted("size=20k")
    message = refusal(lambda: fit(german(), budget="time=60 steps", targets=[FAIR], out=place / "run"))
    assert "checkpoint" in message
    assert files_under(place) == []


def test_a_run_that_is_infeasible_leaves_nothing(tmp_path):
    from efficienttrust.errors import InfeasibleError

    with pytest.raises(InfeasibleError):
        fit(german(), budget="size=1kB", targets=[], out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
