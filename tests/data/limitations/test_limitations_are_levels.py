"""A limitation has a level: 0 changes nothing, more of it hits the same rows and others, and what is measured stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_problems import EVERY, content, pictures, tabular
from pandas.testing import assert_frame_equal

from efficienttrust.data import Split
from efficienttrust.data._random import uniforms
from efficienttrust.data.limitations import LIMITED, limit, limitations, parse_limitation
from efficienttrust.data.limitations._draws import drawn, shuffled

FEW = settings(max_examples=8, deadline=None)


def untouched(split: Split) -> list[object]:
    arrays = (split.y, split.groups, *split.codes.values(), split.weight, split.rows)
    return [None if array is None else array.tobytes() for array in arrays]


def test_every_kind_is_listed_here():
    assert {parse_limitation(text.format(0.1)).name for text in EVERY} == set(limitations.names())
    assert all(limitations.get(name).definition and limitations.get(name).level for name in limitations.names())


@pytest.mark.parametrize("text", EVERY)
def test_level_0_is_the_very_same_problem(text):
    problem = tabular()
    before = content(problem)
    assert limit(problem, [text.format(0), text.format("0.0")]) is problem
    assert content(problem) == before


@pytest.mark.parametrize("text", EVERY)
@given(level=st.floats(0.01, 0.6), seed=st.integers(0, 2**40))
@FEW
def test_certify_and_test_keep_rows_labels_and_groups(text, level, seed):
    problem = tabular(600)
    before = content(problem)
    limited = limit(problem, text.format(level), seed)
    for name in ("certify", "test"):
        assert untouched(limited.splits[name]) == untouched(problem.splits[name])
        kept = [column for column in problem.inputs.columns if column in limited.inputs.columns]
        assert_frame_equal(limited.raw(name)[kept], problem.raw(name)[kept], check_dtype=False)
    assert content(problem) == before, "the problem that was given has changed"


@pytest.mark.parametrize("text", EVERY)
def test_the_same_seed_gives_the_same_problem_and_another_one_another(text):
    problem, text = tabular(), text.format(0.4)
    once, again, other = (content(limit(problem, text, seed)) for seed in (3, 3, 4))
    assert once == again
    assert once[0] != other[0] or once[-1] != other[-1]


@pytest.mark.parametrize("text", EVERY)
def test_fingerprints_tell_levels_and_seeds_apart(text):
    problem = tabular()
    found = [limit(problem, text.format(level), seed).fingerprint for level in (0.2, 0.3) for seed in (0, 1)]
    assert len({problem.fingerprint, *found}) == 5
    assert limit(problem, text.format("0.20")).fingerprint == found[0]


@pytest.mark.parametrize("text", EVERY)
def test_notes_say_what_was_done_and_settings_stay_loadable(text):
    problem = tabular()
    limited = limit(problem, text.format(0.25), 7)
    assert limited.settings == problem.settings
    (note,) = limited.notes[len(problem.notes) :]
    assert note.startswith(f"limited by {parse_limitation(text.format(0.25))} with seed 7: ")


@pytest.mark.parametrize("text", EVERY)
@given(levels=st.tuples(st.floats(0.0, 0.6), st.floats(0.0, 0.6)), seed=st.integers(0, 1000))
@FEW
def test_a_higher_level_hits_what_a_lower_one_hits(text, levels, seed):
    problem = tabular(600)
    low, high = (limit(problem, text.format(level), seed) for level in sorted(levels))
    assert {column.name for column in high.columns} <= {column.name for column in low.columns}
    for name in LIMITED:
        weak, strong, clean = low.splits[name], high.splits[name], problem.splits[name]
        assert set(strong.rows) <= set(weak.rows) <= set(clean.rows)
        at_weak, at_clean = (np.searchsorted(split.rows, strong.rows) for split in (weak, clean))
        changed_low = weak.y[at_weak] != clean.y[at_clean]
        assert not np.any(changed_low & (strong.y == clean.y[at_clean]))
        for attribute, codes in strong.codes.items():
            lost_low = (weak.codes[attribute][at_weak] == -1) & (clean.codes[attribute][at_clean] != -1)
            assert not np.any(lost_low & (codes != -1))
        shared = list(high.inputs.columns)
        assert not (low.raw(name)[shared].iloc[at_weak].isna().to_numpy() & high.raw(name).notna().to_numpy()).any()


def test_a_row_keeps_its_draw_when_others_have_left():
    problem = tabular()
    alone = limit(problem, "label_noise(0.3)").splits["train"]
    after = limit(problem, ["fewer_rows(0.5)", "label_noise(0.3)"]).splits["train"]
    assert np.array_equal(after.y, alone.y[np.searchsorted(alone.rows, after.rows)])


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=6), level=st.floats(0, 0.999), seed=st.integers(0, 10**6)
)
@settings(max_examples=200, deadline=None)
def test_draws_are_exact_in_all_and_even_over_the_strata(counts, level, seed):
    strata = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = np.random.default_rng(seed).choice(10**6, len(strata), replace=False)
    chosen = drawn(rows, strata, level, seed)
    n = len(rows)
    assert chosen.sum() == np.floor(level * n + 1e-9) < n
    share = chosen.sum() / n
    for stratum, count in enumerate(counts):
        # a threshold on evenly spaced places is off by less than a place per stratum
        assert abs(chosen[strata == stratum].sum() - share * count) <= 1 + count * len(counts) / n


def test_uniforms_are_uniform_and_independent_of_each_other():
    from scipy.stats import kstest, pearsonr

    rows = np.arange(20_000)
    first, second = uniforms(rows, 0, "a"), uniforms(rows, 0, "b")
    assert kstest(first, "uniform").pvalue > 0.001
    assert abs(pearsonr(first, second).statistic) < 4 / np.sqrt(len(rows))
    assert np.array_equal(uniforms(rows[5000:5010], 0, "a"), first[5000:5010])


def test_shuffled_is_no_order_of_names():
    names = [f"column {k}" for k in range(30)]
    assert sorted(shuffled(names, 1)) == sorted(names)
    assert shuffled(names, 1) == shuffled(names[::-1], 1) != shuffled(names, 2)


def test_images_lose_rows_labels_and_groups_but_no_columns():
    problem = pictures()
    limited = limit(problem, ["fewer_rows(0.5)", "missing_sensitive(0.2)"])
    train, clean = limited.splits["train"], problem.splits["train"]
    assert len(train) == len(train.pixels) == 100
    assert np.array_equal(
        train.pixels.levels(slice(None)), clean.pixels.levels(np.searchsorted(clean.rows, train.rows))
    )
    assert np.count_nonzero(train.groups == -1) == 20
