"""Random numbers of a row: uniform, independent between keys, the same on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from efficienttrust.data._random import uniforms
from efficienttrust.threats.corruptions.tables._draws import row_labels


def test_uniform_and_independent():
    labels = row_labels(pd.RangeIndex(20_000))
    draws = [uniforms(labels, seed, name) for seed in (0, 1) for name in ("a", "b")]
    for draw in draws:
        assert stats.kstest(draw, "uniform").pvalue > 1e-5
        assert 0 < draw.min() < draw.max() < 1
        assert abs(np.corrcoef(draw[:-1], draw[1:])[0, 1]) < 5 / np.sqrt(20_000)
    between = np.corrcoef(draws) - np.eye(4)
    assert np.abs(between).max() < 5 / np.sqrt(20_000)
    cells, _, _ = np.histogram2d(draws[0], draws[1], bins=10)
    assert stats.chisquare(cells.ravel()).pvalue > 1e-5


def test_parts_of_a_key_do_not_run_together():
    labels = row_labels(pd.RangeIndex(5))
    assert not np.array_equal(uniforms(labels, "ab", "c"), uniforms(labels, "a", "bc"))


def test_one_row_at_a_time_by_whole_number_arithmetic():
    """The oracle is SplitMix64 in Python's own integers."""

    def mix(z: int) -> int:
        z = (z + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    digest = hashlib.sha256(b"7\x1fgaussian_noise\x1fage").digest()
    first, second = (int.from_bytes(digest[at : at + 8], "little") for at in (0, 8))
    labels = row_labels(pd.Index([3, 1, 4, 1_000_000]))
    bits = [mix((mix(int(label) ^ first) + second) % 2**64) for label in labels]
    assert uniforms(labels, 7, "gaussian_noise", "age").tolist() == [((b >> 12) + 0.5) / 2**52 for b in bits]


def test_the_first_step_of_splitmix_is_the_published_one():
    """The first output of SplitMix64 at seed 0 is 0xe220a8397b1dcdaf (Vigna's reference implementation)."""
    from efficienttrust.data._random import _mix

    assert int(_mix(np.array([0], dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF


@pytest.mark.parametrize("seed", range(3))
def test_labels_decide_and_not_positions(seed):
    index = pd.Index(np.random.default_rng(seed).permutation(50))
    whole = pd.Series(uniforms(row_labels(index), "key"), index=index)
    part = index[10:20]
    np.testing.assert_array_equal(uniforms(row_labels(part), "key"), whole[part])
