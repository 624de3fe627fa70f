"""Labelled images become a problem: splits, classes and groups follow what the set says, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.data import Problem, load_image_problem
from efficienttrust.errors import UsageError

N = 300
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (N, 4, 4), dtype=np.uint8)
X[:, 0, 0], X[:, 0, 1] = np.arange(N) // 256, np.arange(N) % 256  # every image says which one it is
Y = RNG.integers(0, 2, N)
SEX = RNG.choice(["f", "m"], N)
SHARES = {"train": 0.5, "monitor": 0.05, "calibrate": 0.15, "certify": 0.1, "test": 0.2}


@pytest.fixture
def source(tmp_path):
    def write(**arrays: Any) -> Path:
        path = tmp_path / "set.npz"
        np.savez(path, **({"x": X, "y": Y} | arrays))
        return path

    return write


def which(problem: Problem, split: str) -> np.ndarray:
    """Return the number of every image of a split, as the image itself says it."""
    pixels = problem.splits[split].pixels
    assert pixels is not None
    levels = pixels.levels(slice(None)).astype(int)
    return 256 * levels[:, 0, 0, 0] + levels[:, 0, 0, 1]


def test_every_image_is_in_one_split_with_its_own_label_and_group(source):
    problem = load_image_problem(source(sex=SEX), sensitive="sex")
    assert problem.kind == "image"
    assert problem.attribute_names == {"sex": ("f", "m")}
    assert problem.group_names == ("f", "m")
    for name, split in problem.splits.items():
        numbers = which(problem, name)
        np.testing.assert_array_equal(numbers, split.rows)
        np.testing.assert_array_equal(split.y, Y[numbers])
        np.testing.assert_array_equal(np.array(["f", "m"])[split.groups], SEX[numbers])
        np.testing.assert_array_equal(np.array(["f", "m"])[split.codes["sex"]], SEX[numbers])
        assert split.x.shape == (len(split), 0)
        assert abs(len(split) - SHARES[name] * N) <= 2
    together = np.concatenate([split.rows for split in problem.splits.values()])
    np.testing.assert_array_equal(np.sort(together), np.arange(N))


def test_two_classes_are_binary_and_the_second_is_positive(source):
    problem = load_image_problem(source(y=np.where(Y == 1, "Zebra", "ant")))
    assert (problem.task, problem.negative, problem.positive) == ("binary", "Zebra", "ant"), "in the order of texts"
    assert problem.classes == ("Zebra", "ant")
    named = load_image_problem(source(classes=np.array(["well", "ill"])))
    assert (named.negative, named.positive) == ("well", "ill"), "in the order of codes"
    assert named.splits["train"].y.dtype == np.int8
    np.testing.assert_array_equal(named.splits["test"].y, Y[named.splits["test"].rows])


def test_more_classes_are_multiclass(source):
    y = np.arange(N) % 3
    problem = load_image_problem(source(y=y))
    assert (problem.task, problem.positive, problem.negative) == ("multiclass", "", "")
    assert problem.classes == ("0", "1", "2")
    assert problem.splits["train"].y.dtype == np.int64


def test_classes_without_images_are_left_out(source):
    names = np.array(["cat", "dog", "eel", "fox"])
    y = np.where(Y == 1, 3, 1)
    problem = load_image_problem(source(y=y, classes=names))
    assert problem.classes == ("dog", "fox")
    assert problem.task == "binary"
    assert any("left out: cat, eel" in note for note in problem.notes)
    assert problem.group_names == ("dog", "fox"), "groups by class are those that occur"
    for split in problem.splits.values():
        np.testing.assert_array_equal(split.y, Y[split.rows])
        np.testing.assert_array_equal(split.groups, Y[split.rows])


def test_without_attributes_the_classes_are_the_groups_and_it_is_said(source):
    problem = load_image_problem(source(y=np.arange(N) % 3))
    assert problem.sensitive == ("class",)
    assert any("the groups are the classes" in note for note in problem.notes)
    np.testing.assert_array_equal(problem.splits["test"].groups, problem.splits["test"].y)


def test_official_splits_are_kept(source):
    official = np.repeat(["train", "test"], [200, 100])
    problem = load_image_problem(source(split=official))
    np.testing.assert_array_equal(which(problem, "test"), np.arange(200, 300))
    others = np.concatenate([which(problem, name) for name in SHARES if name != "test"])
    np.testing.assert_array_equal(np.sort(others), np.arange(200)), "what is missing is cut out of train"


def test_an_official_validation_split_gives_what_is_missing(source):
    official = np.repeat(["train", "val", "test"], [150, 80, 70])
    problem = load_image_problem(source(split=official))
    np.testing.assert_array_equal(which(problem, "train"), np.arange(150))
    np.testing.assert_array_equal(which(problem, "test"), np.arange(230, 300))
    cut = np.concatenate([which(problem, name) for name in ("monitor", "calibrate", "certify")])
    np.testing.assert_array_equal(np.sort(cut), np.arange(150, 230))


@pytest.mark.parametrize("official", [None, "two"], ids=["no splits", "official splits"])
def test_patients_are_never_divided(source, official):
    patient = np.repeat(np.arange(60), 5)[np.random.default_rng(1).permutation(N)]
    more = {} if official is None else {"split": np.where(patient < 40, "train", "test")}
    problem = load_image_problem(source(patient=patient, **more))
    owners = [set(patient[which(problem, name)]) for name in SHARES]
    assert sum(map(len, owners)) == 60 == len(set.union(*owners))


def test_a_patient_in_two_official_splits_is_refused(source):
    patient = np.arange(N) // 2
    patient[299] = 0
    with pytest.raises(UsageError, match="1 patients in two official splits"):
        load_image_problem(source(patient=patient, split=np.repeat(["train", "test"], 150)))


def test_a_problem_can_be_loaded_again(source):
    path = source(sex=SEX, age=RNG.integers(20, 80, N))
    problem = load_image_problem(path, sensitive="sex,age", seed=3, limit=250, name="mine")
    again = load_image_problem(problem.source, **problem.settings)
    assert again.fingerprint == problem.fingerprint
    assert (again.name, again.group_names) == (problem.name, problem.group_names)
    for name in SHARES:
        np.testing.assert_array_equal(which(again, name), which(problem, name))


def test_the_fingerprint_tells_what_differs(source):
    original = load_image_problem(source(sex=SEX), sensitive="sex").fingerprint
    assert load_image_problem(source(sex=SEX), sensitive="sex", name="other").fingerprint == original
    x, y, sex = X.copy(), Y.copy(), SEX.copy()
    x[7, 3, 3] ^= 1
    y[7] = 1 - y[7]
    sex[7] = "m" if sex[7] == "f" else "f"
    others = [
        load_image_problem(source(x=x, sex=SEX), sensitive="sex"),
        load_image_problem(source(y=y, sex=SEX), sensitive="sex"),
        load_image_problem(source(sex=sex), sensitive="sex"),
        load_image_problem(source(sex=SEX), sensitive="sex", seed=1),
        load_image_problem(source(sex=SEX), sensitive="sex", limit=299),
        load_image_problem(source(sex=SEX)),
    ]
    assert len({original, *(one.fingerprint for one in others)}) == 1 + len(others)


def test_images_of_unknown_group_have_code_minus_one(source):
    sex = SEX.copy()
    sex[::9] = ""
    problem = load_image_problem(source(sex=sex), sensitive="sex")
    for name, split in problem.splits.items():
        np.testing.assert_array_equal(split.groups < 0, which(problem, name) % 9 == 0)
    assert any("sex" in note and "34" in note for note in problem.notes)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": np.zeros(N, int)}, "one class only"),
        ({"y": np.zeros(N, int), "classes": np.array(["a", "b"])}, "one class only"),
        ({"y": (np.arange(N) < 12).astype(int)}, "'class' is '1' in 12"),
        ({"y": np.minimum(np.arange(N), 2)}, "'class' is '0' in 1 rows"),
        ({"x": X[:9], "y": Y[:9]}, "9 rows are too few"),
        ({"split": np.repeat(["train", "exam"], 150)}, "split 'exam'"),
        ({"split": np.repeat(["train", "validate"], 150)}, "never says 'test'"),
        ({"split": np.where(Y == 1, "train", "test")}, "has no row with label"),
        ({"x": np.full((N, 4, 4), np.nan)}, "not numbers"),
        ({"x": np.full((N, 4, 4), np.inf)}, "not numbers"),
        ({"x": np.full((N, 4, 4), 256.0)}, "put the normalisation into the model"),
        ({"x": X[1:]}, "299 images and 300 labels"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused(source, arrays, said):
    with pytest.raises(UsageError) as refused:
        load_image_problem(source(**arrays))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_attribute_is_refused_with_what_is_there(source):
    with pytest.raises(UsageError, match=r"sexx.*Did you mean 'sex'"):
        load_image_problem(source(sex=SEX), sensitive="sexx")


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 4), st.integers(0, 5), st.booleans())
def test_every_class_is_in_every_split(tmp_path_factory, k, seed, grouped):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.repeat(np.arange(k), 20), rng.integers(0, k, 50)])
    path = tmp_path_factory.mktemp("images") / "set.npz"
    np.savez(path, x=X[: len(y)], y=y, sex=SEX[: len(y)])
    problem = load_image_problem(path, sensitive="sex" if grouped else (), seed=seed)
    for split in problem.splits.values():
        assert (np.bincount(split.y, minlength=k) > 0).all()


def test_a_file_of_one_official_part_is_split_like_any_other(source):
    problem = load_image_problem(source(split=np.repeat("train", N)))
    assert all(len(split) for split in problem.splits.values())
    assert any("all images are of the official part train" in note for note in problem.notes)
