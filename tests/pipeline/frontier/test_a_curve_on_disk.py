"""A curve on disk: the same when loaded, whole or not there at all, and refused where it was changed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from efficienttrust import frontier, load_frontier
from efficienttrust.errors import RunInterrupted, UsageError
from efficienttrust.pipeline.frontier import FILES, _store
from efficienttrust.training import request_stop
from tests.small_problems import german, loans

FULL = OSError(errno.ENOSPC, "No space left on device")


def raising(error: BaseException):
    def fail(*args, **kwargs):
        raise error

    return fail


def refusal(call) -> str:
    with pytest.raises(UsageError) as refused:
        call()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_curve_that_is_loaded_is_the_one_that_was_saved(made, tmp_path):
    before, folder = made
    assert set(contents(folder)) == set(FILES.values())
    after = load_frontier(folder)
    assert after.axes == before.axes
    pd.testing.assert_frame_equal(after.table(), before.table())
    assert {k: v for k, v in after.document.items() if k != "hashes"} == json.loads(json.dumps(before.document))
    for name, weights in before.candidates.network_state.items():
        np.testing.assert_array_equal(after.candidates.network_state[name], weights)
    after.save(tmp_path / "again")
    for name in (FILES["network"], FILES["points"], FILES["frontier"]):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_table_on_disk_is_the_table(made):
    pd.testing.assert_frame_equal(pd.read_csv(made[1] / FILES["points"]), made[0].table())


@pytest.mark.parametrize("where", ["bytes", "text", "csv", "rename", "page"])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "killed"])
def test_a_write_that_fails_leaves_nothing(made, tmp_path, monkeypatch, where, error):
    target = {
        "bytes": (Path, "write_bytes"),
        "text": (Path, "write_text"),
        "csv": (pd.DataFrame, "to_csv"),
        "rename": (_store.os, "replace"),
        "page": ("efficienttrust.report.render_frontier",),
    }[where]
    with monkeypatch.context() as patch:
        patch.setattr(*target, raising(error))
        if error is FULL:
            assert "No space left on device" in refusal(lambda: made[0].save(tmp_path / "f"))
        else:
            with pytest.raises(KeyboardInterrupt):
                made[0].save(tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert load_frontier(made[0].save(tmp_path / "f"))


def test_the_curve_that_was_to_be_replaced_survives_a_failure(made, folder, monkeypatch):
    before, rename, calls = contents(folder), os.replace, []

    def fail_second(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise FULL
        rename(source, target)

    monkeypatch.setattr(_store.os, "replace", fail_second)
    refusal(lambda: made[0].save(folder, overwrite=True))
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_folder_that_is_there_is_refused_before_anything_is_spent(folder, tmp_path):
    told = []
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("five years", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")

    def make(out: Path, overwrite: bool = False):
        return frontier(german(), budget="time=20 steps", out=out, overwrite=overwrite, progress=told.append)

    assert "--overwrite" in refusal(lambda: make(folder))
    assert "holds no curve" in refusal(lambda: make(tmp_path / "thesis", overwrite=True))
    assert "is a file" in refusal(lambda: make(tmp_path / "file"))
    assert told == []
    assert (tmp_path / "thesis" / "thesis.txt").exists()


def test_overwrite_replaces_a_curve(made, folder):
    (folder / FILES["frontier"]).write_text("{}", encoding="utf-8")
    made[0].save(folder, overwrite=True)
    assert load_frontier(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_an_interrupted_training_leaves_nothing(tmp_path):
    with pytest.raises(RunInterrupted):
        frontier(loans(), budget="time=40 steps", out=tmp_path / "f", progress=lambda _: request_stop())
    assert list(tmp_path.iterdir()) == []


def test_an_edited_network_is_refused(folder):
    path = folder / FILES["network"]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert "sha256 differs" in refusal(lambda: load_frontier(folder))
    path.unlink()
    assert "cannot be read" in refusal(lambda: load_frontier(folder))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ('{"frontier_schema": 99}', "frontier schema 99; this version reads 1"),
        ('{"frontier_schema": 1}', "is damaged"),
    ],
)
def test_another_document_is_refused(folder, content, says):
    (folder / FILES["frontier"]).write_text(content, encoding="utf-8")
    assert says in refusal(lambda: load_frontier(folder))


def test_a_folder_without_a_curve_is_refused(tmp_path):
    assert "holds no curve" in refusal(lambda: load_frontier(tmp_path))
