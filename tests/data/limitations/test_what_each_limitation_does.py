"""Each limitation does what its definition says: exact counts, rates within binomial bounds, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from limited_problems import content, pictures, tabular
from scipy.stats import binomtest

from efficienttrust.data import Problem
from efficienttrust.data.limitations import LIMITED, limit


def changed(before: Problem, after: Problem, name: str = "train") -> np.ndarray:
    return before.splits[name].y != after.splits[name].y


def assert_rate(hits: np.ndarray, level: float) -> None:
    """The share of hits is the level as far as chance allows: one in a million such tests would fail wrongly."""
    assert binomtest(int(hits.sum()), len(hits), level).pvalue > 1e-6


def in_group(problem: Problem, attribute: str, group: str, name: str = "train") -> np.ndarray:
    return problem.splits[name].codes[attribute] == problem.attribute_names[attribute].index(group)


@pytest.mark.parametrize(("level", "left"), [(0.5, 500), (0.29, 710), (0.9, 100), (0.001, 999)])
def test_fewer_rows_removes_the_share_rounded_down(level, left):
    assert len(limit(tabular(), f"fewer_rows({level})").splits["train"]) == left


def test_fewer_rows_keeps_every_class_in_every_group_at_its_share():
    problem = tabular()
    limited = limit(problem, "fewer_rows(0.6)")
    for name in LIMITED:
        clean, left = problem.splits[name], limited.splits[name]
        for y in (0, 1):
            for group in range(len(problem.group_names)):
                before = np.count_nonzero((clean.y == y) & (clean.groups == group))
                after = np.count_nonzero((left.y == y) & (left.groups == group))
                assert abs(after - 0.4 * before) < 2


def test_rows_that_stay_are_as_they_were():
    problem = tabular()
    for text in ("fewer_rows(0.5)", "biased_sampling(0.7, by=sex, group=F)", "selective_labels(0.5, by=sex, group=F)"):
        limited = limit(problem, text)
        for name in LIMITED:
            clean, left = problem.splits[name], limited.splits[name]
            at = np.searchsorted(clean.rows, left.rows)
            assert np.array_equal(clean.rows[at], left.rows)
            for field in ("x", "y", "groups", "weight"):
                assert np.array_equal(getattr(clean, field)[at], getattr(left, field)), (text, field)
            assert all(np.array_equal(codes[at], left.codes[key]) for key, codes in clean.codes.items())
            assert limited.raw(name).equals(problem.raw(name).iloc[at].reset_index(drop=True))


def test_uniform_noise_hits_both_classes_at_the_level():
    problem = tabular(8000)
    for level in (0.1, 0.45):
        hit = changed(problem, limit(problem, f"label_noise({level})"))
        for y in (0, 1):
            assert_rate(hit[problem.splits["train"].y == y], level)


def test_class_noise_hits_positive_rows_alone():
    problem = tabular(8000)
    hit, y = changed(problem, limit(problem, "label_noise(0.3, kind=class)")), problem.splits["train"].y
    assert not hit[y == 0].any()
    assert_rate(hit[y == 1], 0.3)


def test_group_noise_hits_the_group_alone_at_the_rate_of_others():
    problem = tabular(8000)
    hit = changed(problem, limit(problem, "label_noise(0.3, by=region, group=north)"))
    member = in_group(problem, "region", "north")
    assert not hit[~member].any()
    assert_rate(hit[member], 0.3)
    everywhere = changed(problem, limit(problem, "label_noise(0.3)"))
    assert np.array_equal(hit, everywhere & member), "the draw of a row depends on the row alone"


def test_noise_among_several_classes_is_symmetric_or_flips_pairs():
    problem = pictures(40_000)
    clean = problem.splits["train"].y
    noisy = limit(problem, "label_noise(0.3)").splits["train"]
    assert_rate(clean != noisy.y, 0.3)
    wrong = clean != noisy.y
    for step in (1, 2, 3):
        assert_rate((noisy.y[wrong] - clean[wrong]) % 4 == step, 1 / 3)
    flipped = limit(problem, "label_noise(0.3, kind=class)").splits["train"]
    assert_rate(clean != flipped.y, 0.3)
    assert set(np.unique((flipped.y - clean) % 4)) == {0, 1}
    assert flipped.y.dtype == clean.dtype


def test_where_classes_are_the_groups_the_groups_follow_the_noisy_label():
    problem = pictures()
    limited = limit(problem, "label_noise(0.3)")
    train = limited.splits["train"]
    assert np.array_equal(train.groups, train.y)
    assert np.array_equal(train.codes["class"], train.y)
    assert np.array_equal(limited.splits["test"].codes["class"], problem.splits["test"].y)


def test_biased_sampling_removes_the_share_of_the_group_and_keeps_its_base_rate():
    problem = tabular()
    limited = limit(problem, "biased_sampling(0.8, by=sex, group=F)")
    for name in LIMITED:
        before, after = in_group(problem, "sex", "F", name), in_group(limited, "sex", "F", name)
        assert after.sum() == before.sum() - int(0.8 * before.sum())
        assert len(limited.splits[name]) - after.sum() == len(problem.splits[name]) - before.sum()
        positives = limited.splits[name].y[after].sum()
        assert abs(positives - 0.2 * problem.splits[name].y[before].sum()) < 2


def test_biased_sampling_never_empties_the_group():
    limited = limit(tabular(), "biased_sampling(0.999999, by=region, group=east)")
    assert [int(in_group(limited, "region", "east", name).sum()) for name in LIMITED] == [1, 1, 1]


def test_selective_labels_concern_positive_rows_of_the_group_alone():
    problem = tabular(8000)
    clean, member = problem.splits["train"], in_group(problem, "sex", "F")
    concerned = member & (clean.y == 1)
    removed = limit(problem, "selective_labels(0.5, by=sex, group=F)").splits["train"]
    gone = ~np.isin(clean.rows, removed.rows)
    assert gone.sum() == concerned.sum() // 2
    assert not gone[~concerned].any()
    hit = changed(problem, limit(problem, "selective_labels(0.5, kind=negative, by=sex, group=F)"))
    assert not hit[~concerned].any()
    assert_rate(hit[concerned], 0.5)


def test_missing_sensitive_forgets_the_groups_of_the_share_and_nothing_else():
    problem = tabular()
    limited = limit(problem, "missing_sensitive(0.7)")
    for name in LIMITED:
        clean, left = problem.splits[name], limited.splits[name]
        gone = left.groups == -1
        assert gone.sum() == int(0.7 * len(clean) + 1e-9)
        for attribute, codes in left.codes.items():
            assert np.array_equal(codes == -1, gone)
            assert np.array_equal(codes[~gone], clean.codes[attribute][~gone])
            assert np.array_equal(limited.raw(name)[attribute].isna().to_numpy(), gone)
        assert np.array_equal(clean.x, left.x)
        assert np.array_equal(clean.y, left.y)


def test_missing_sensitive_of_one_attribute_leaves_the_other():
    problem = tabular()
    train = limit(problem, "missing_sensitive(0.4, by=region)").splits["train"]
    assert np.array_equal(train.codes["sex"], problem.splits["train"].codes["sex"])
    assert np.array_equal(train.groups == -1, train.codes["region"] == -1)
    assert np.count_nonzero(train.codes["region"] == -1) == 400


def test_a_sensitive_column_that_is_an_input_goes_missing_there_too():
    problem = tabular(sensitive_is_input=True)
    limited = limit(problem, "missing_sensitive(0.4, by=sex)")
    train, names = limited.splits["train"], limited.encoder.feature_names
    slots = [names.index(name) for name in ("sex=F", "sex=M", "sex=(missing)")]
    assert np.array_equal(train.x[:, slots[2]] == 1, train.codes["sex"] == -1)
    assert not limited.splits["test"].x[:, slots[2]].any()
    assert "sex=(missing)" not in problem.encoder.feature_names


def test_lost_cells_are_encoded_as_missing_and_the_ruler_stays():
    problem = tabular()
    limited = limit(problem, "missing_features(0.3, kind=cells)")
    for old, new in zip(problem.encoder.numeric, limited.encoder.numeric, strict=True):
        assert (old.mean, old.scale, old.lower, old.upper, old.fill) == (
            new.mean, new.scale, new.lower, new.upper, new.fill,
        )  # fmt: skip
        assert new.indicator
    assert all(block.missing_slot for block in limited.encoder.categorical)
    names, before = limited.encoder.feature_names, problem.encoder.feature_names
    for name in LIMITED:
        raw, x = limited.raw(name), limited.splits[name].x
        assert np.array_equal(limited.encoder.transform(raw), x)
        for column in ("income", "age", "gains"):
            gone = raw[column].isna().to_numpy()
            assert np.array_equal(x[:, names.index(f"{column} (missing)")] == 1, gone)
            clean = problem.splits[name].x[:, before.index(column)]
            assert np.array_equal(x[~gone, names.index(column)], clean[~gone])
        assert np.array_equal(x[:, names.index("housing=(missing)")] == 1, raw["housing"].isna().to_numpy())
        lost = raw[["age", "gains", "housing", "employed"]].isna().to_numpy()
        assert_rate(lost.ravel(), 0.3)
    test = limited.splits["test"].x
    for name in before:
        assert np.array_equal(test[:, names.index(name)], problem.splits["test"].x[:, before.index(name)])
    assert not test[:, names.index("age (missing)")].any()
    assert {column.name: column.missing for column in limited.columns} == limited.inputs[
        [column.name for column in limited.columns]
    ].isna().sum().to_dict()


def test_the_domain_fits_the_features_that_are_left():
    problem = tabular()
    assert problem.domain.relations is not None
    assert len(problem.domain.relations[1]) == 2
    seen = set()
    for seed in range(12):
        for text in ("missing_features(0.45)", "missing_features(0.2, kind=cells)"):
            limited = limit(problem, text, seed)
            domain, encoder = limited.domain, limited.encoder
            assert domain.n_features == encoder.n_features == limited.splits["test"].x.shape[1]
            assert domain.blocks == encoder.blocks
            p = len(encoder.numeric)
            assert all(len(getattr(domain, part)) == p for part in ("lower", "upper", "step", "mutable", "indicator"))
            columns = [feature.column for feature in encoder.numeric]
            assert [name for name, mutable in zip(columns, domain.mutable, strict=True) if not mutable] == [
                name for name in columns if name == "age"
            ]
            relations = 0 if domain.relations is None else len(domain.relations[1])
            assert relations == ("income" in columns) + ({"age", "gains"} <= set(columns))
            seen.add(relations)
    assert seen == {0, 1, 2}


def test_missing_columns_are_gone_from_every_split_and_from_the_schema():
    problem = tabular()
    limited = limit(problem, "missing_features(0.45)", 1)
    names = [column.name for column in limited.columns]
    assert len(problem.columns) == 5
    assert len(names) == 3
    assert set(limited.encoder.columns) == set(names)
    assert set(limited.inputs.columns) == {*names, "sex", "region"}
    for split in limited.splits:
        assert np.array_equal(limited.splits[split].x, limited.encoder.transform(limited.raw(split)))


def test_limitations_act_in_the_order_given():
    problem = tabular()
    texts = ["fewer_rows(0.5)", "label_noise(0.2)", "missing_sensitive(0.5)", "missing_features(0.3, kind=cells)"]
    together, one_by_one = limit(problem, texts), problem
    for text in texts:
        one_by_one = limit(one_by_one, text)
    assert content(together) == content(one_by_one)
    other = limit(problem, [texts[1], texts[0], *texts[2:]])
    assert other.fingerprint != together.fingerprint
    assert [note.partition("(")[0] for note in together.notes[-4:]] == [
        f"limited by {name}" for name in ("fewer_rows", "label_noise", "missing_sensitive", "missing_features")
    ]


def test_a_second_one_of_the_same_kind_draws_anew():
    problem = tabular(8000)
    once = changed(problem, limit(problem, "label_noise(0.2)"))
    twice = changed(problem, limit(limit(problem, "label_noise(0.2)"), "label_noise(0.2)"))
    assert twice.sum() > once.sum()
    assert_rate(twice, 2 * 0.2 * 0.8)


def test_patients_lose_rows_and_never_change_their_split():
    from limited_problems import make_table

    from efficienttrust.data import load_problem

    table = make_table(1200, 3).assign(patient=np.arange(1200) // 3)
    problem = load_problem(table, label="approved", sensitive="sex", unit="patient", drop="w,region")
    limited = limit(problem, "fewer_rows(0.5)")
    patients = [set(table["patient"].iloc[split.rows]) for split in limited.splits.values()]
    assert sum(map(len, patients)) == len(set().union(*patients))
