"""Whatever is wrong with a chest release is one line that says what, where and what to do."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import read, write_chexpert, write_mimic, write_nih


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def chexpert(tmp_path) -> Path:
    write_chexpert(tmp_path / "c")
    return tmp_path / "c" / "CheXpert-v1.0-small"


@pytest.fixture
def mimic(tmp_path) -> Path:
    write_mimic(tmp_path / "m")
    return tmp_path / "m" / "mimic-cxr-jpg" / "2.0.0"


@pytest.fixture
def nih(tmp_path) -> Path:
    write_nih(tmp_path / "nih")
    return tmp_path / "nih"


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        read(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def edit(file: Path, change) -> None:
    """Rewrite a CSV by a function of its table of texts."""
    change(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)


def test_a_missing_file_is_named_with_its_place(chexpert, mimic, nih, tmp_path):
    (chexpert / "valid.csv").unlink()
    assert f"valid.csv of CheXpert v1.0 is missing: it should be at {chexpert / 'valid.csv'}" in refusal(
        "chexpert", chexpert
    )
    for name, words in {"split": {}, "chexpert": {}, "negbio": {"labels": "negbio"}, "metadata": {}}.items():
        (mimic / f"mimic-cxr-2.0.0-{name}.csv.gz").unlink()
        assert f"it should be at {mimic / f'mimic-cxr-2.0.0-{name}.csv'}" in refusal("mimic_cxr", mimic, **words)
        write_mimic(tmp_path / name)
        mimic = tmp_path / name / "mimic-cxr-jpg" / "2.0.0"
    (nih / "Data_Entry_2017_v2020.csv").unlink()
    assert f"it should be at {nih / 'Data_Entry_2017_v2020.csv'}" in refusal("nih_cxr", nih)


def test_the_table_of_demographics_that_is_missing_is_named(chexpert):
    (chexpert.parent / "CHEXPERT DEMO.csv").unlink()
    said = refusal("chexpert", chexpert, sensitive=["race"])
    assert f"place CHEXPERT DEMO.xlsx at {chexpert / 'CHEXPERT DEMO.xlsx'}, or name it with ?demographics=PATH" in said


@pytest.mark.parametrize("code", ["2.0", "yes", "-2", "nan"])
def test_unknown_label_codes(chexpert, mimic, code):
    def spoil(table):
        return table.assign(Edema=[*table["Edema"][:3], code, *table["Edema"][4:]])

    edit(chexpert / "train.csv", spoil)
    edit(mimic / "mimic-cxr-2.0.0-chexpert.csv.gz", spoil)
    for word, path in (("chexpert", chexpert), ("mimic_cxr", mimic)):
        said = refusal(word, path, label="Edema")
        assert "holds unknown labels for 'Edema' (1 rows); known are 1, 0, -1 (uncertain) and blank" in said
        assert repr(code) not in said
    assert len(read("chexpert", chexpert, label="Fracture").y)  # another column is sound


def test_unknown_findings_in_the_nih_file(nih):
    edit(nih / "Data_Entry_2017_v2020.csv", lambda table: table.assign(**{"Finding Labels": "Edema|Rib"}))
    assert "holds the finding 'Rib', which NIH ChestX-ray14 does not know" in refusal("nih_cxr", nih)


@pytest.mark.parametrize(
    ("word", "asked", "meant"),
    [
        ("chexpert", "Plueral Effusion", "Pleural Effusion"),
        ("mimic_cxr", "cardiomegally", "Cardiomegaly"),
        ("nih_cxr", "Efusion", "Effusion"),
    ],
)
def test_an_unknown_finding_or_attribute_gets_a_suggestion(request, word, asked, meant):
    path = request.getfixturevalue(word.removesuffix("_cxr"))
    assert refusal(word, path, label=asked) == f"unknown finding {asked!r}. Did you mean {meant!r}?"
    assert "unknown sensitive attribute 'sec'. Did you mean 'sex'?" in refusal(word, path, sensitive=["sec"])


def test_a_patient_in_two_splits_is_refused_whatever_part_is_read(chexpert, mimic, nih):
    def same_patient(table):
        return table.assign(Path=table["Path"].str.replace("patient00060", "patient00001"))

    edit(chexpert / "valid.csv", same_patient)
    edit(mimic / "mimic-cxr-2.0.0-split.csv.gz", lambda table: table.assign(split=["test", "train"] * 30))
    train, test = (nih / name for name in ("train_val_list.txt", "test_list.txt"))
    first, *rest = train.read_text().split()
    train.write_text("\n".join(rest))
    test.write_text(test.read_text() + first)
    for part in ("all", "train", "test"):
        said = refusal("chexpert", chexpert, part)
        assert ": 1 patients stand in more than one split" in said
        assert "patient00001" not in said
        assert ": 15 patients stand in more than one split" in refusal("mimic_cxr", mimic, part)
        assert ": 1 patients stand in more than one split" in refusal("nih_cxr", nih, part)


def test_a_film_in_both_lists_or_in_none(nih):
    train, test = (nih / name for name in ("train_val_list.txt", "test_list.txt"))
    whole = train.read_text()
    train.write_text(whole + test.read_text().split()[0])
    assert "1 films are listed twice, or in both lists" in refusal("nih_cxr", nih)
    train.write_text("\n".join(whole.split()[2:]))
    assert "2 films are in neither train_val_list.txt nor test_list.txt" in refusal("nih_cxr", nih)


def test_nothing_left_after_the_filters(chexpert, mimic):
    edit(chexpert / "train.csv", lambda table: table.assign(Edema="-1.0"))
    said = refusal("chexpert", chexpert, "train", label="Edema", uncertain="ignore")
    assert "has 75 films, and none is left (part train, view=frontal, uncertain=ignore): ask for more" in said
    edit(mimic / "mimic-cxr-2.0.0-metadata.csv.gz", lambda table: table.assign(ViewPosition="LL"))
    assert "has 60 films, and none is left" in refusal("mimic_cxr", mimic)


def test_another_release_is_told_from_the_right_one(tmp_path, chexpert, nih):
    edit(chexpert / "train.csv", lambda table: table.drop(columns="Sex"))
    assert "has no column 'Sex': it is not of CheXpert v1.0" in refusal("chexpert", chexpert)
    plus = tmp_path / "plus"
    plus.mkdir()
    (plus / "df_chexpert_plus_240401.csv").touch()
    assert "holds CheXpert Plus; this reads CheXpert v1.0" in refusal("chexpert", plus)
    (plus / "cxr-record-list.csv.gz").touch()
    assert "holds MIMIC-CXR (DICOM files)" in refusal("mimic_cxr", plus)
    (nih / "Data_Entry_2017_v2020.csv").rename(nih / "Data_Entry_2017.csv")
    assert "is of the first release" in refusal("nih_cxr", nih)


def test_damaged_tables_and_odd_cells(tmp_path, chexpert, mimic):
    def unnamed(table):
        return table.assign(Path=["CheXpert-v1.0-small/train/somebody/view1.jpg", *table["Path"][1:]])

    original = (chexpert / "train.csv").read_bytes()
    edit(chexpert / "train.csv", unnamed)
    assert "holds 1 paths that name no patient" in refusal("chexpert", chexpert)
    (chexpert / "train.csv").write_bytes(original)
    edit(chexpert / "train.csv", lambda table: table.assign(Age=["sixty", *table["Age"][1:]]))
    assert "holds a value of Age that is no number (1 rows)" in refusal("chexpert", chexpert)
    (chexpert / "train.csv").write_bytes(b"")
    assert "is damaged or no CSV" in refusal("chexpert", chexpert)

    edit(mimic / "mimic-cxr-2.0.0-split.csv.gz", lambda table: table.assign(split=["trian", *table["split"][1:]]))
    assert "gives no known split to 1 films" in refusal("mimic_cxr", mimic)
    edit(mimic / "mimic-cxr-2.0.0-split.csv.gz", lambda table: table.iloc[1:])
    assert "gives no known split to 1 films" in refusal("mimic_cxr", mimic)
    file = mimic / "mimic-cxr-2.0.0-metadata.csv.gz"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert "is damaged or no CSV" in refusal("mimic_cxr", mimic)


def test_a_patient_with_two_sexes_is_refused(mimic):
    file = mimic.parents[1] / "mimiciv" / "2.2" / "hosp" / "patients.csv.gz"
    edit(file, lambda table: table.assign(subject_id="10000000", gender=["M", *table["gender"][1:-1], "F"]))
    said = refusal("mimic_cxr", mimic, sensitive=["sex"])
    assert "holds 1 values of subject_id twice, with different gender" in said
    assert "10000000" not in said


def test_a_study_with_two_different_labels_is_refused(mimic):
    file = mimic / "mimic-cxr-2.0.0-chexpert.csv.gz"
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    twice = pd.read_csv(file, dtype=str, keep_default_na=False).iloc[[0]]
    file.write_bytes(gzip.compress("\n".join([*lines, ",".join(twice.iloc[0])]).encode()))
    assert len(read("mimic_cxr", mimic, label="Edema").y)  # the same row again says nothing else
    twice["Edema"] = "0.0" if twice["Edema"].iloc[0] == "1.0" else "1.0"
    file.write_bytes(gzip.compress("\n".join([*lines, ",".join(twice.iloc[0])]).encode()))
    assert "twice, with different Edema" in refusal("mimic_cxr", mimic, label="Edema")


def test_a_broken_film_is_named(chexpert):
    film = next(iter(sorted(chexpert.glob("train/patient00002/*/*_frontal.jpg"))))
    film.write_bytes(film.read_bytes()[:40])
    assert film.name in refusal("chexpert", chexpert)
