"""Images at a lower resolution are means over areas, whatever the sizes, and a problem of them loads again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from efficienttrust.data import load_image_problem
from efficienttrust.data.images import _resolution as module
from efficienttrust.data.images import at_resolution, load_images
from efficienttrust.errors import UsageError


@pytest.fixture
def images(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (120, 12, 18, 3), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(120) % 2)
    return load_images(tmp_path / "x.npz")


@pytest.mark.parametrize("side", [1, 5, 6, 7, 11])
def test_a_pixel_is_the_mean_of_the_area_that_it_covers(images, side):
    found = at_resolution(images, side).x[:20]
    height, width = found.shape[2:]
    assert (height, width) == (side, round(side * 1.5))
    fine = images.x[:20].repeat(height, axis=2).repeat(width, axis=3)  # so that both grids divide it
    means = fine.reshape(20, 3, height, 12, width, 18).mean(axis=(3, 5))
    assert np.abs(means - found).max() <= 0.5 + 1e-3


def test_halves_are_means_of_four(images):
    blocks = images.x.reshape(120, 3, 6, 2, 9, 2).mean(axis=(3, 5))
    np.testing.assert_array_equal(at_resolution(images, 6).x, np.floor(blocks + 0.5))


def test_the_same_resolution_is_the_same_set(images):
    assert at_resolution(images, 12) is images
    even = at_resolution(replace(images, x=np.full_like(images.x, 200)), 5)
    assert np.unique(even.x).tolist() == [200]


@pytest.mark.parametrize("side", [0, -1, 13])
def test_a_side_that_averaging_cannot_give(images, side):
    with pytest.raises(UsageError, match="a side of 1 to 12"):
        at_resolution(images, side)


def test_a_large_set_goes_to_a_file_that_vanishes(images, monkeypatch):
    small = at_resolution(images, 6).x
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 100)
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 5000)
    mapped = at_resolution(images, 6).x
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, small)


def test_a_problem_of_them_loads_again(images):
    whole = load_image_problem(images.source)
    problem = load_image_problem(images.source, resolution=6)
    assert problem.splits["train"].pixels.shape == (3, 6, 9)
    assert "resolution" not in whole.settings
    again = load_image_problem(problem.source, **problem.settings)
    assert again.fingerprint == problem.fingerprint != whole.fingerprint
