"""Pixels are read when a batch is asked for: a set may be larger than memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.data import Pixels

SOURCE = np.random.default_rng(0).integers(0, 256, (11, 2, 3, 4), dtype=np.uint8)
ROWS = np.array([9, 0, 4, 4, 7])


class Counted(np.ndarray):
    """An array that remembers how many of its images were asked for."""

    asked: list[int]

    def __getitem__(self, key):
        found = super().__getitem__(key)
        if self.base is not None and hasattr(self, "asked"):
            self.asked.append(len(np.atleast_1d(np.arange(len(self))[key])))
        return found

    def __array__(self, *arguments, **options):
        self.asked.append(len(self))
        return super().__array__(*arguments, **options)

    def __array_ufunc__(self, *arguments, **options):
        raise AssertionError("arithmetic on the whole source")


def counted() -> Counted:
    source = SOURCE.view(Counted)
    source.asked = []
    return source


def test_nothing_is_read_before_it_is_asked_for():
    source = counted()
    pixels = Pixels(source, np.arange(11))
    assert pixels.shape == (2, 3, 4)
    assert len(pixels.take(ROWS)) == 5
    assert source.asked == []
    pixels.take(ROWS).levels(slice(1, 3))
    assert source.asked == [2]


def test_a_memory_map_is_never_copied_whole(tmp_path):
    file = tmp_path / "pixels"
    n, cells = 100_000, 3 * 32 * 32
    with file.open("wb") as sparse:
        sparse.truncate(n * cells)
    source = np.memmap(file, dtype=np.uint8, mode="r", shape=(n, 3, 32, 32))
    import tracemalloc

    tracemalloc.start()
    try:
        part = Pixels(source, np.arange(n)).take(np.arange(0, n, 2))
        found = part[slice(0, 64)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.shape == (64, 3, 32, 32)
    assert peak < 4e6, f"{peak / 1e6:.1f} MB for 64 of {n} images of 3 kB"


@pytest.mark.parametrize("key", [slice(1, 4), np.array([3, 0]), slice(0, 0), np.array([], dtype=np.int64)], ids=str)
def test_batches_are_the_levels_divided_by_255(key):
    pixels = Pixels(SOURCE, ROWS)
    expected = SOURCE[ROWS[key]]
    assert pixels.levels(key).dtype == np.uint8
    np.testing.assert_array_equal(pixels.levels(key), expected)
    assert pixels[key].dtype == np.float32
    np.testing.assert_array_equal(pixels[key], (expected / 255).astype(np.float32))


def test_every_level_is_its_nearest_number():
    levels = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1, 1)
    found = Pixels(levels, np.arange(256))[:].ravel()
    np.testing.assert_array_equal(found, np.arange(256, dtype=np.float32) / np.float32(255))
    assert (found.min(), found.max()) == (0.0, 1.0)


@given(st.lists(st.integers(0, 4), max_size=8), st.data())
def test_a_selection_of_a_selection_is_a_selection(first, data):
    once = Pixels(SOURCE, ROWS).take(np.array(first, dtype=np.int64))
    assert len(once) == len(first)
    second = data.draw(st.lists(st.integers(0, len(first) - 1), max_size=4) if first else st.just([]))
    rows = np.array(second, dtype=np.int64)
    np.testing.assert_array_equal(once.take(rows).levels(slice(None)), SOURCE[ROWS[np.array(first, int)][rows]])


def test_what_is_returned_may_be_written_to():
    pixels = Pixels(SOURCE, ROWS)
    pixels[:][:] = 0.5
    pixels.levels(np.array([0]))[:] = 7
    np.testing.assert_array_equal(pixels.levels(slice(None)), SOURCE[ROWS])
