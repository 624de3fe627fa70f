"""A checkpoint that is damaged, foreign or cannot be written is refused in one line that says what to do."""

from __future__ import annotations

import errno
import zipfile

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.training import _checkpoint
from efficienttrust.training._checkpoint import load_checkpoint, save_checkpoint
from tests.small_problems import loans, train


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    train(loans(), "steps=40", checkpoint=path)
    return path


def refusal(path, identity="this run") -> str:
    with pytest.raises(UsageError) as refused:
        train(loans(), "steps=40", checkpoint=path, identity=identity)
    message = str(refused.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_foreign_one(checkpoint):
    assert "other data or settings" in refusal(checkpoint, identity="another run")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None], ids=["empty", "text", "half"])
def test_a_damaged_one(checkpoint, content):
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert "damaged" in refusal(checkpoint)


@pytest.mark.parametrize("thing", [[1, 2], {"weights": torch.zeros(2)}], ids=["list", "dict"])
def test_a_file_of_torch_that_is_something_else(checkpoint, thing):
    torch.save(thing, checkpoint)
    assert "other data or settings" in refusal(checkpoint)


def test_none_at_all_is_a_fresh_start(tmp_path):
    assert load_checkpoint(tmp_path / "nothing.pt", "this run") is None


def test_a_full_disk_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"identity": "a", "step": 1})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_checkpoint.os, "fsync", full)
    with pytest.raises(UsageError, match=r"No space left on device.*free some space"):
        save_checkpoint(path, {"identity": "a", "step": 2})
    assert load_checkpoint(path, "a") == {"identity": "a", "step": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_one_flipped_bit_anywhere_in_the_tensors(checkpoint):
    whole = bytearray(checkpoint.read_bytes())
    with zipfile.ZipFile(checkpoint) as records:
        places = [
            one.header_offset + 200 for one in records.infolist() if "/data/" in one.filename and one.file_size > 400
        ]
    assert len(places) > 3
    for place in places:
        damaged = whole.copy()
        damaged[place] ^= 1
        checkpoint.write_bytes(damaged)
        assert "damaged" in refusal(checkpoint)
