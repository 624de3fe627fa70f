"""Files of predictions are counted in chunks, Parquet and CSV alike, as a run writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streams import assert_same, chunks, empty, make, streamed

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Outcome, measure
from efficienttrust.metrics.streaming import Accumulator, _files, read_groups, read_predictions


def table(outcome: Outcome) -> pd.DataFrame:
    columns = {"row": np.arange(len(outcome.y)), "label": outcome.y}
    for name, (codes, names) in outcome.attributes.items():
        columns[name] = [None if code < 0 else names[code] for code in codes]
    columns |= {"weight": outcome.weight} if outcome.weight is not None else {}
    return pd.DataFrame(columns | {"score": outcome.score, "margin": 0.0, "prediction": outcome.prediction})


def written(outcome: Outcome, path: Path) -> Path:
    frame = table(outcome)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["predictions.parquet", "predictions.csv"])
def test_file_counts_as_its_rows(name: str, weighted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "ROWS", 256)
    outcome = make(weighted=weighted)
    path = written(outcome, tmp_path / name)
    accumulator = empty(outcome)
    accumulator.update_from(read_predictions(path, accumulator.schema))
    whole = empty(outcome).update_from(chunks(outcome))
    for metric in streamed("binary"):
        assert_same(accumulator.measure(metric, 0.9), whole.measure(metric, 0.9))
    assert accumulator.measure("dpd", by="sex").value == pytest.approx(measure("dpd", outcome, {"by": "sex"}).value)


def test_file_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "ROWS", 100)
    outcome = make()
    path = written(outcome, tmp_path / "predictions.parquet")
    assert max(len(chunk["y"]) for chunk in read_predictions(path, empty(outcome).schema)) <= 100


def test_groups_are_found(tmp_path: Path) -> None:
    path = written(make(), tmp_path / "p.csv")
    assert read_groups(path, ["sex", "age"]) == {"sex": ("F", "M"), "age": ("middle", "old", "young")}


def test_only_an_empty_cell_is_unknown(tmp_path: Path) -> None:
    """`None`, `NA` and `nan` may be the names of groups."""
    path = tmp_path / "p.csv"
    path.write_text('label,prediction,home\n1,1,None\n0,1,NA\n1,0,nan\n1,1,""\n0,0,\n')
    names = ("NA", "None", "nan")
    assert read_groups(path, ["home"]) == {"home": names}
    accumulator = Accumulator({"home": names})
    (chunk,) = read_predictions(path, accumulator.schema)
    assert chunk["groups"]["home"].tolist() == [1, 0, 2, -1, -1]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    outcome = make()
    path = written(outcome, tmp_path / "p.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "p.json").write_text("{}")
    for where, attributes, message in (
        (tmp_path / "absent.parquet", {}, "is no file"),
        (tmp_path / "broken.parquet", {}, "cannot be read as Parquet"),
        (tmp_path / "p.json", {}, "must end in .parquet or .csv"),
        (path, {"sexx": ("F", "M")}, "unknown column of .*'sexx'. Did you mean 'sex'"),
        (path, {"sex": ("F", "Male")}, "unknown group of 'sex' 'M'"),
    ):
        accumulator = Accumulator(attributes)
        with pytest.raises(UsageError, match=message):
            accumulator.update_from(read_predictions(where, accumulator.schema))
    with pytest.raises(UsageError, match="one label and one score a row"):
        next(read_predictions(path, empty(make("multilabel")).schema))


def test_missing_labels_are_refused(tmp_path: Path) -> None:
    frame = table(make())
    frame["label"] = frame["label"].astype("Int64")
    frame.loc[5, "label"] = pd.NA
    frame.to_parquet(tmp_path / "p.parquet")
    accumulator = Accumulator({"sex": ("F", "M")})
    with pytest.raises(UsageError, match="y of row 5 is nan"):
        accumulator.update_from(read_predictions(tmp_path / "p.parquet", accumulator.schema))
