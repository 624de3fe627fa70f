"""`load_problem`: groups, weights, notes, settings, files of every kind, and what is shown."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import SPLITS, as_text, describe, load_problem, read_table, summary
from efficienttrust.errors import UsageError


def load(table, **more):
    return load_problem(table, **({"label": "approved", "sensitive": "sex"} | more))


def test_every_row_is_in_one_split_and_matches_the_source(loans):
    problem = load(loans, sensitive="sex,region")
    rows = np.concatenate([problem.splits[name].rows for name in SPLITS])
    assert np.array_equal(np.sort(rows), np.arange(len(loans)))
    for name, split in problem.splits.items():
        source = loans.loc[split.rows]
        assert np.array_equal(split.y == 1, source["approved"] == "yes")
        names = np.array(problem.group_names)[split.groups]
        assert names.tolist() == (source["sex"] + " & " + source["region"]).tolist()
        assert problem.attribute_names["sex"] == ("F", "M")
        assert problem.raw(name)["sex"].tolist() == source["sex"].tolist()
        assert np.all(np.diff(split.rows) > 0)


def test_sensitive_columns_are_inputs_only_when_asked(loans):
    assert "sex" not in load(loans).encoder.columns
    assert "sex" in load(loans, use_sensitive_as_input=True).encoder.columns


def test_rows_without_group_are_kept_and_counted(loans):
    loans.loc[:9, "sex"] = None
    problem = load(loans, sensitive=["sex", "region"])
    groups = np.concatenate([problem.splits[name].groups for name in SPLITS])
    assert (groups == -1).sum() == 10
    assert (
        "sensitive 'sex' is missing in 10 rows: they are used for training and left out of group metrics"
        in problem.notes
    )


def test_rows_without_label_are_dropped_and_counted(loans):
    loans.loc[[3, 5, 399], "approved"] = None
    problem = load(loans)
    assert len(problem.inputs) == 397
    assert "3 rows dropped: their label 'approved' is missing" in problem.notes
    rows = np.concatenate([s.rows for s in problem.splits.values()])
    assert not {3, 5, 399} & set(rows.tolist())
    assert problem.raw("test")["age"].tolist() == loans.loc[problem.splits["test"].rows, "age"].tolist()


def test_numeric_sensitive_column_is_cut_into_bands(loans):
    problem = load(loans, sensitive="age")
    attribute = problem.attributes["age"]
    assert len(attribute.groups) == 4
    codes = attribute.codes(loans["age"])
    for code, group in enumerate(attribute.groups):
        low, high = (int(part) for part in group.split(" to "))
        assert np.array_equal(codes == code, loans["age"].between(low, high))
    assert any("is cut at its quartiles" in note for note in problem.notes)
    assert attribute.codes(pd.Series([None, 5, 500], dtype="Int64")).tolist() == [-1, 0, 3]


def test_few_numbers_are_groups_in_numeric_order(loans):
    loans["children"] = np.random.default_rng(0).choice([0, 2, 10], len(loans))
    assert load(loans, sensitive="children").attribute_names["children"] == ("0", "2", "10")


def test_small_groups_are_noted(loans):
    loans.loc[:4, "region"] = "west"
    problem = load(loans, sensitive="sex,region")
    assert "groups by 'region': too small to certify: 'west' (5 rows)" in problem.notes
    (note,) = (note for note in problem.notes if note.startswith("intersections: too small to certify"))
    both = loans.groupby(["sex", "region"]).size()
    small = {f"{sex} & {region}": n for (sex, region), n in both.items() if n < 30}
    assert all(f"'{name}' ({n} rows)" in note for name, n in small.items())
    assert note.count("rows)") == len(small)


def test_no_sensitive_attribute_is_one_group(loans):
    problem = load(loans, sensitive=())
    assert problem.group_names == ("all rows",)
    assert not problem.splits["train"].groups.any()


def test_weights(loans):
    loans["w"] = np.linspace(0, 2, len(loans))
    problem = load(loans, weight="w")
    split = problem.splits["certify"]
    assert split.weight.dtype == np.float32
    assert np.allclose(split.weight, loans.loc[split.rows, "w"])
    assert "w" not in problem.encoder.columns
    assert load(loans, drop="w").splits["train"].weight is None


def test_dropped_columns_say_why(loans):
    loans["nothing"] = np.nan
    loans["same"] = "x"
    loans["seven"] = 7
    loans["key"] = [f"id-{i}" for i in range(len(loans))]
    loans["line"] = np.arange(len(loans)) + 5
    loans["born"] = pd.Timestamp("1990-01-01")
    loans["wave"] = 1j
    loans["huge"] = np.resize([1e300, -1e300], len(loans))
    loans["signed"] = "2020-05-01"
    problem = load(loans)
    notes = "\n".join(problem.notes)
    assert problem.encoder.columns == load(loans.iloc[:, :7]).encoder.columns
    for name, why in {
        "nothing": "it has no values at all",
        "same": "it is constant in the train split",
        "seven": "it is constant in the train split",
        "key": "an identifier?",
        "line": "it numbers the rows",
        "born": "it holds dates or times",
        "wave": "it holds complex numbers",
        "huge": "its spread cannot be computed",
        "signed": "it holds dates as text",
    }.items():
        assert any(note.startswith(f"column {name!r} dropped") and why in note for note in problem.notes), notes


@pytest.mark.parametrize("kind", ["number", "text", "band", "missing"])
def test_a_planted_leak_is_named(make, kind):
    table = make(2000)
    y, rng = (table["approved"] == "yes").to_numpy(), np.random.default_rng(0)
    table["outcome"] = {
        "number": y + rng.normal(0, 0.1, len(y)),
        "text": np.where(y, rng.choice(["a", "b"], len(y)), rng.choice(["c", "d"], len(y))),
        "band": np.where(y, rng.uniform(1, 2, len(y)), rng.choice([0.0, 3.0], len(y)) + rng.uniform(0, 1, len(y))),
        "missing": np.where(y, np.nan, rng.normal(size=len(y))),
    }[kind]
    named = [note for note in load(table).notes if "alone predicts the label" in note]
    assert len(named) == 1
    assert "'outcome'" in named[0]


def test_honest_columns_are_not_called_leaks(loans):
    assert not [note for note in load(loans).notes if "alone" in note]


def test_a_proxy_of_the_sensitive_attribute_is_named(loans):
    loans["title"] = np.where(loans["sex"] == "F", "Ms", "Mr")
    assert any("'title' alone gives away the sensitive 'sex'" in note for note in load(loans).notes)


def test_rows_repeated_across_splits_are_counted(loans):
    # brute force over the rows of each split
    table = pd.concat([loans, loans.iloc[:40]], ignore_index=True)
    problem = load(table)
    place = {row: name for name in SPLITS for row in problem.splits[name].rows.tolist()}
    inputs = list(problem.encoder.columns)
    seen: dict[tuple, set[str]] = {}
    keys = [tuple(map(str, row)) for row in table[[*inputs, "approved"]].itertuples(index=False)]
    for row, key in enumerate(keys):
        seen.setdefault(key, set()).add(place[row])
    expected = sum(len(seen[key]) > 1 for key in keys)
    assert expected > 0
    assert any(note.startswith(f"{expected} rows have a row with the same inputs") for note in problem.notes)


def test_files_and_frames_give_the_same_problem(loans, tmp_path):
    loans.to_csv(tmp_path / "a.csv", index=False)
    loans.to_csv(tmp_path / "b.csv.gz", index=False, sep=";")
    loans.to_parquet(tmp_path / "c.parquet")
    problems = [load(tmp_path / "a.csv"), load(str(tmp_path / "b.csv.gz")), load(tmp_path / "c.parquet"), load(loans)]
    fingerprints = {problem.fingerprint for problem in problems}
    assert len(fingerprints) == 1
    assert [problem.name for problem in problems] == ["a", "b", "c", "frame"]


def test_settings_load_it_again(loans, tmp_path):
    loans["w"] = 1.0
    loans.to_csv(tmp_path / "loans.csv", index=False)
    problem = load(tmp_path / "loans.csv", sensitive="sex,region", weight="w", seed=3, immutable=["age"], name="mine")
    settings = json.loads(json.dumps(problem.settings))
    again = load_problem(problem.source, **settings)
    assert again.fingerprint == problem.fingerprint
    assert again.name == "mine"
    assert settings["positive"] == "yes"


def test_the_caller_s_frame_is_not_changed(loans):
    before = loans.copy(deep=True)
    load(loans)
    pd.testing.assert_frame_equal(loans, before)


def test_index_and_column_names_of_a_frame_do_not_matter(loans):
    odd = loans.set_index(pd.Index(np.arange(len(loans))[::-1] * 2)).rename(columns={"age": 7})
    problem = load(odd)
    assert "7" in problem.encoder.columns
    assert problem.raw("test")["7"].tolist() == loans.loc[problem.splits["test"].rows, "age"].tolist()


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        ([1, 0], "1"),
        ([1.0, 0.0], "1"),
        ([True, False], "True"),
        (["Yes", "No"], "Yes"),
        ([">50K", "<=50K"], ">50K"),
        ([1, -1], "1"),
    ],
)
def test_obvious_positives(loans, values, positive):
    loans["approved"] = values * 200
    problem = load(loans)
    assert problem.positive == positive
    assert problem.splits["train"].y.mean() == 0.5


def test_one_against_the_rest(loans):
    loans["approved"] = np.resize(["low", "mid", "high"], len(loans))
    problem = load(loans, positive="high")
    assert problem.negative == "not high"
    assert any("'high' against the rest ('low', 'mid')" in note for note in problem.notes)
    numbers = load(loans.assign(approved=np.resize([1, 2, 3], len(loans))), positive=2)
    assert numbers.positive == "2"


def test_text_of_cells():
    odd = pd.Series([1, 1.0, True, "1", " a ", "", "?", None, np.nan, 2.5, pd.NaT], dtype=object)
    assert as_text(odd).tolist() == ["1", "1", "True", "1", "a", None, None, None, None, "2.5", None]
    assert as_text(pd.Series([1, None], dtype="Int64")).tolist() == ["1", None]
    assert as_text(pd.Series([True, None], dtype="boolean")).tolist() == ["True", None]
    assert as_text(pd.Series(["b ", "b", None], dtype="category")).tolist() == ["b", "b", None]
    assert as_text(pd.Series([], dtype=object)).tolist() == []


def test_csv_separators_missing_words_and_bom(tmp_path):
    (tmp_path / "x.csv").write_text("\ufeffa; b;c\n1; ?;x y\n2;4;NA\n", encoding="utf-8")
    table = read_table(tmp_path / "x.csv")
    assert list(table.columns) == ["a", "b", "c"]
    assert table["b"].isna().tolist() == [True, False]
    assert table["c"].isna().tolist() == [False, True]


def test_describe_and_summary(loans):
    problem = load(loans, sensitive="sex,region", immutable="age")
    document = json.loads(json.dumps(summary(problem)))
    assert document["rows"] == 400
    assert document["splits"] == {"train": 200, "monitor": 20, "calibrate": 60, "certify": 40, "test": 80}
    assert {row["attribute"] for row in document["groups"]} == {"sex", "region", "sex & region"}
    for row in document["groups"]:
        if row["attribute"] == "sex":
            member = loans["sex"] == row["group"]
            assert row["n"] == member.sum()
            assert row["base_rate"] == pytest.approx((loans["approved"][member] == "yes").mean())
    text = describe(problem)
    for word in ("income", "numeric", "immutable", "F & north", "certify", problem.fingerprint):
        assert word in text
    assert "CC BY 4.0" in describe(load_problem("german"))


def test_a_million_cells_load_quickly(make):
    table = make(100_000)
    started = time.process_time()
    load(table, sensitive="sex,region")
    assert time.process_time() - started < 5  # about 0.3 s on an idle core


def test_preparation_is_measured(loans):
    preparation = load(loans).preparation
    assert preparation["cpu"] > 0
    assert preparation["wall"] > 0


def test_nothing_left_to_learn_from(loans):
    with pytest.raises(UsageError, match="no input column is left"):
        load(loans[["sex", "approved"]])
