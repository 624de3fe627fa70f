"""What a label is for: two classes, more, or a number; how each is split, checked, and loaded again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import describe, load_problem, summary
from efficienttrust.errors import UsageError

SPLITS = ("train", "monitor", "calibrate", "certify", "test")


def woods(n: int = 900, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    girth, height = rng.normal(size=n), rng.normal(size=n)
    kind = np.array(["oak", "ash", "fir"])[np.stack([girth, height, -girth - height], axis=1).argmax(axis=1)]
    table = pd.DataFrame({"girth": girth, "height": height, "kind": kind, "owner": rng.choice(["a", "b"], n)})
    return table.assign(price=100 + 7 * girth - 3 * height + rng.normal(size=n))


def load(table: pd.DataFrame, label: str, **arguments: object):
    return load_problem(table, **({"label": label, "sensitive": "owner", "drop": "price"} | arguments))


def priced(table: pd.DataFrame, **arguments: object):
    return load(table, "price", **({"task": "regression", "drop": "kind"} | arguments))


def test_texts_of_three_values_are_classes_and_a_note_says_so() -> None:
    table = woods()
    problem = load(table, "kind")
    assert (problem.task, problem.positive, problem.outputs) == ("multiclass", "", 3)
    assert problem.classes == ("ash", "fir", "oak")
    assert "label 'kind' has 3 values ('ash', 'fir', 'oak'): taken as multiclass" in problem.notes
    for split in problem.splits.values():
        assert split.y.dtype == np.int64
        assert np.array(problem.classes)[split.y].tolist() == table["kind"].to_numpy()[split.rows].tolist()
    asked = load(table, "kind", task="multiclass")
    assert asked.fingerprint == problem.fingerprint


def test_a_positive_value_makes_it_one_against_the_rest() -> None:
    problem = load(woods(), "kind", positive="oak")
    assert (problem.task, problem.classes) == ("binary", ("not oak", "oak"))


def test_classes_that_are_whole_numbers_are_ordered_as_numbers() -> None:
    table = woods().assign(kind=np.resize([2, 10, -1], 900))
    problem = load(table, "kind", task="multiclass")
    assert problem.classes == ("-1", "2", "10")
    test = problem.splits["test"]
    assert np.array([-1, 2, 10])[test.y].tolist() == table["kind"].to_numpy()[test.rows].tolist()


def test_every_class_is_dealt_by_the_shares() -> None:
    problem = load(woods(), "kind")
    y = {name: problem.splits[name].y for name in SPLITS}
    everyone = np.bincount(np.concatenate(list(y.values())))
    for name, share in zip(SPLITS, (0.5, 0.05, 0.15, 0.1, 0.2), strict=True):
        assert np.abs(np.bincount(y[name], minlength=3) - share * everyone).max() <= 2


def test_a_number_is_kept_as_it_is_and_dealt_by_its_tenths() -> None:
    table = woods()
    problem = priced(table)
    assert (problem.task, problem.classes, problem.positive, problem.outputs) == ("regression", (), "", 1)
    means = []
    for split in problem.splits.values():
        assert split.y.dtype == np.float32
        np.testing.assert_array_equal(split.y, table["price"].to_numpy(np.float32)[split.rows])
        means.append(split.y.mean())
    train = problem.splits["train"].y
    assert np.ptp(means) < 0.2 * train.std()  # chance alone would give .15 for the 45 rows of monitor
    edges = np.quantile(table["price"], np.arange(1, 10) / 10)
    assert np.abs(np.bincount(np.searchsorted(edges, train), minlength=10) - len(train) / 10).max() <= 3


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_settings_load_the_same_again(tmp_path, task: str) -> None:
    path = tmp_path / "woods.csv"
    woods().to_csv(path, index=False)
    label = {"multiclass": "kind", "regression": "price"}[task]
    problem = load_problem(path, label=label, task=task, sensitive="owner")
    again = load_problem(problem.source, **problem.settings)
    assert problem.settings["task"] == task
    assert (again.task, again.fingerprint) == (task, problem.fingerprint)
    binary = load_problem(path, label="kind", positive="oak", sensitive="owner")
    assert "task" not in binary.settings
    assert load_problem(path, **binary.settings).fingerprint == binary.fingerprint


def test_rows_without_a_label_are_dropped() -> None:
    table = woods()
    table.loc[[3, 8], "price"] = np.nan
    table.loc[5, "kind"] = None
    problem = priced(table)
    assert "2 rows dropped: their label 'price' is missing" in problem.notes
    assert len(problem.inputs) == 898
    assert len(load(table, "kind").inputs) == 899


def test_a_column_that_gives_the_label_away_is_named() -> None:
    table = woods()
    table["twice"] = 2 * table["price"] + 5
    table["code"] = table["kind"].map({"oak": "x", "ash": "y", "fir": "x"})
    assert any("'twice' alone predicts the label 'price' (R² 1.000)" in note for note in priced(table).notes)
    of_classes = load(table, "kind").notes
    assert any("'code' alone predicts the label 'kind' (AUC 1.000 of 'ash')" in note for note in of_classes)
    assert not any("alone predicts" in note for note in priced(woods()).notes)


def test_a_curved_giveaway_is_seen_too() -> None:
    table = woods(4000)
    table["price"] = np.abs(table["girth"])
    assert any("'girth' alone predicts the label 'price'" in note for note in priced(table).notes)


def test_repeated_rows_across_splits_are_counted_for_numbers() -> None:
    table = pd.concat([woods(300), woods(300)], ignore_index=True)
    assert any("have a row with the same inputs and label in another split" in note for note in priced(table).notes)
    other = table.assign(price=np.arange(600) / 7)
    assert not any("in another split" in note for note in priced(other).notes)


def section(page: str, title: str) -> list[list[str]]:
    """Return the cells of a table of a page, the header first."""
    lines = page.split(f"\n\n{title}\n\n")[1].split("\n\n")[0].splitlines()
    return [line.split() for line in lines]


def test_a_page_shows_means_of_numbers_and_shares_of_classes() -> None:
    table = woods()
    page = describe(load(table, "kind"))
    assert section(page, "Groups")[0] == ["attribute", "group", "rows"]
    assert section(page, "Splits")[0] == ["split", "rows"]
    counts = table["kind"].value_counts().sort_index()
    assert section(page, "Classes") == [
        ["class", "rows", "share"],
        *([name, str(n), f"{n / len(table):.3f}"] for name, n in counts.items()),
    ]
    assert "Classes" not in describe(load(table.assign(same=table["kind"]), "kind", sensitive="same"))
    problem = priced(table)
    page = describe(problem)
    assert section(page, "Groups")[0] == ["attribute", "group", "rows", "mean", "price"]
    for (_name, group, n, mean), (key, prices) in zip(
        section(page, "Groups")[1:], table.groupby("owner")["price"], strict=True
    ):
        assert (group, int(n)) == (key, len(prices))
        assert float(mean) == pytest.approx(prices.mean(), rel=1e-5)
    for name, _n, mean in section(page, "Splits")[1:]:
        assert float(mean) == pytest.approx(problem.splits[name].y.mean(dtype=float), rel=1e-5)


@pytest.mark.parametrize("label", ["kind", "price", "cheap"])
def test_what_may_not_be_told_of_labels_leaves_no_empty_column(label: str) -> None:
    table = woods()
    table["cheap"] = np.where(table["price"] < 100, "yes", "no")
    drop = {"kind": "price,cheap", "price": "kind,cheap", "cheap": "price,kind"}[label]
    problem = load(table, label, drop=drop, task="regression" if label == "price" else None)
    page = describe(problem, summary(problem))
    assert section(page, "Splits")[0] == ["split", "rows"]
    assert ("base rate" in page) == (label == "cheap")
    assert "mean price" not in page
    assert "Classes" not in page


def test_pages_speak_of_classes_and_of_numbers() -> None:
    assert "3 classes" in describe(load(woods(), "kind"))
    page = describe(priced(woods()))
    assert "a number from" in page
    assert "positive" not in page
    assert "nan" not in page
    assert summary(priced(woods()))["task"] == "regression"


@pytest.mark.parametrize(
    ("change", "label", "arguments", "parts"),
    [
        ({}, "kind", {"task": "many"}, ("unknown task 'many'", "multiclass")),
        ({}, "kind", {"task": "multiclass", "positive": "oak"}, ("no positive value", "leave out --positive oak")),
        (
            {},
            "price",
            {"task": "regression", "positive": "1", "drop": ()},
            ("a regression label has no positive value",),
        ),
        ({}, "kind", {"task": "regression", "drop": "price"}, ("column 'kind'", "expected a number")),
        ({}, "price", {"drop": "kind"}, ("has 900 values", "--task regression", "--positive", "--task multiclass")),
        ({"kind": np.resize([1, 2, 3], 900)}, "kind", {}, ("has 3 values", "--task regression", "--task multiclass")),
        ({"kind": [f"k{i % 60}" for i in range(900)]}, "kind", {}, ("has 60 values", "texts", "--task multiclass")),
        ({"kind": np.resize(["a", "b"], 900)}, "kind", {"task": "multiclass"}, ("two values", "leave out --task")),
        ({}, "kind", {"task": "binary"}, ("has 3 values", "--positive ash")),
        ({"price": 4.5}, "price", {"task": "regression", "drop": "kind"}, ("is 4.5 in every row",)),
        ({"price": np.nan}, "price", {"task": "regression", "drop": "kind"}, ("has no values at all",)),
        (
            {"price": np.geomspace(1, 1e20, 900)},
            "price",
            {"task": "regression", "drop": ()},
            ("1e+20", "in a larger unit"),
        ),
        ({"kind": ["rare"] * 5 + ["ash", "oak", "fir"] * 298 + ["ash"]}, "kind", {}, ("'rare' in 5 rows",)),
    ],
)
def test_bad_input_is_one_line(change, label, arguments, parts) -> None:
    with pytest.raises(UsageError) as caught:
        load(woods().assign(**change), label, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def test_too_few_rows_and_a_split_without_variety() -> None:
    with pytest.raises(UsageError, match=r"90 rows with a label 'price' are too few .* at least 100"):
        priced(woods(90))
    table = woods()
    table["part"] = np.resize(["train", "train", "train", "test"], 900)
    table.loc[table["part"] == "test", "price"] = 3.0
    with pytest.raises(
        UsageError, match=r"split 'test' has no two rows of different labels by the split column 'part'"
    ):
        priced(table, split_column="part")


def test_communities_crime_is_a_regression_by_itself(tmp_path) -> None:
    rows = np.random.default_rng(0).random((200, 128)).round(2).astype(str)
    rows[:, 3] = "somewhere"
    (tmp_path / "communities.data").write_text("\n".join(map(",".join, rows)) + "\n")
    problem = load_problem(f"communities_crime:{tmp_path}")
    assert (problem.task, problem.label, problem.settings["task"]) == (
        "regression",
        "ViolentCrimesPerPop",
        "regression",
    )
    assert load_problem(problem.source, **problem.settings).fingerprint == problem.fingerprint
