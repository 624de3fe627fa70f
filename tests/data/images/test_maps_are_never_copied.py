"""Images in a memory map stay there: a set that does not fit into memory can be loaded and drawn from."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from efficienttrust.data.images import RawImages, image_formats, load_images
from efficienttrust.data.images._load import _fingerprint

N, SHAPE = 4000, (3, 64, 64)
MEGABYTES = N * 3 * 64 * 64 / 2**20  # 47


@pytest.fixture
def mapped(tmp_path) -> np.memmap:
    path = tmp_path / "images.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (N, *SHAPE))
    array[:] = np.random.default_rng(0).integers(0, 256, (N, 1, 1, 64), dtype=np.uint8)
    array.flush()
    return np.load(path, mmap_mode="r")


@pytest.fixture
def source(mapped, tmp_path, monkeypatch) -> str:
    def read(path, wanted):
        return RawImages("mapped", wanted.part, mapped, np.arange(N) % 4)

    monkeypatch.setattr(image_formats, "get", lambda word: read)
    return f"npz:{tmp_path}"


@pytest.mark.parametrize("limit", [None, 50])
def test_loading_allocates_no_second_copy(source, mapped, limit):
    load_images(source, limit=2)  # what is imported on the way is no part of it
    tracemalloc.start()
    try:
        images = load_images(source, limit=limit, seed=2)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / 2**20 < MEGABYTES / 10
    if limit is None:
        assert images.x is mapped
    else:
        rows = np.sort(np.random.default_rng(2).permutation(N)[:limit])
        assert np.array_equal(images.x, mapped[rows])
        assert images.notes == (f"{limit} of {N} images, drawn with seed 2",)


def test_a_map_and_an_array_have_the_same_fingerprint(mapped):
    labels = np.arange(N)
    assert _fingerprint(("a",), mapped, labels) == _fingerprint(("a",), np.array(mapped), labels)
    assert _fingerprint(("a",), mapped, labels) != _fingerprint(("a",), mapped, labels[::-1])
