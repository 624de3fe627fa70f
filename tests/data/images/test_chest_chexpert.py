"""CheXpert: films, labels by policy, splits and people equal what pandas says of the same files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import levels, read, write_chexpert


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    return write_chexpert(tmp_path)


@pytest.fixture
def release(tmp_path, table):
    return tmp_path / "CheXpert-v1.0-small"


def expected(table: pd.DataFrame, finding: str, policy: str) -> pd.Series:
    """Labels of frontal films by level, the plain way."""
    frontal = table[table["Frontal/Lateral"] == "Frontal"].set_index("level")
    labels = frontal[finding].replace({"": "0.0"}).astype(float)
    if policy == "ignore":
        return labels[labels >= 0].astype(int)
    return labels.replace(-1.0, {"zeros": 0.0, "ones": 1.0}[policy]).astype(int)


@pytest.mark.parametrize("policy", ["zeros", "ones", "ignore"])
@pytest.mark.parametrize("finding", ["No Finding", "Pleural Effusion", "Support Devices"])
def test_labels_follow_the_policy_and_stay_with_their_films(table, release, finding, policy):
    raw = read("chexpert", release, label=finding, uncertain=policy)
    labels = expected(table, finding, policy)
    assert dict(zip(levels(raw.x), raw.y.tolist(), strict=True)) == labels.to_dict()
    assert len(raw.y) == len(labels)


def test_the_default_label_says_that_nothing_was_found(table, release):
    raw = read("chexpert", release)
    assert raw.classes == ("any finding", "No Finding")
    assert raw.y.tolist() == read("chexpert", release, label="no_finding", uncertain="zeros").y.tolist()
    assert any("a false positive is a missed finding" in note for note in raw.notes)


def test_the_notes_count_what_each_rule_decided(table, release):
    frontal = table[table["Frontal/Lateral"] == "Frontal"]
    blank, doubtful = (int((frontal["Edema"] == code).sum()) for code in ("", "-1.0"))
    notes = read("chexpert", release, label="edema", uncertain="ignore").notes
    assert f"{blank} films whose report does not mention 'Edema' count as negative" in notes
    assert f"{doubtful} films where 'Edema' is uncertain are left out (uncertain=ignore)" in notes
    assert f"{len(table) - len(frontal)} of {len(table)} films are left out by their view (view=frontal)" in notes


@pytest.mark.parametrize(
    ("view", "kept"),
    [
        ("frontal", lambda rows: rows["Frontal/Lateral"] == "Frontal"),
        ("ap", lambda rows: rows["AP/PA"] == "AP"),
        ("pa", lambda rows: rows["AP/PA"] == "PA"),
        ("all", lambda rows: rows["AP/PA"] != "nothing"),
    ],
)
def test_views(table, release, view, kept):
    assert levels(read("chexpert", release, view=view).x) == table.loc[kept(table), "level"].tolist()


def test_the_films_of_valid_csv_are_the_test_part_and_patients_are_units(table, release):
    whole = read("chexpert", release, view="all")
    assert np.array_equal(whole.split, np.where(table["csv"] == "train", "train", "test"))
    assert whole.unit.tolist() == table["patient"].tolist()
    for part, csv in (("train", "train"), ("test", "valid")):
        raw = read("chexpert", release, part=part, view="all")
        assert raw.part == part
        assert levels(raw.x) == table.loc[table["csv"] == csv, "level"].tolist()
    anew = read("chexpert", release, part="test", view="all", split="patients")
    assert (anew.part, anew.split, len(anew.y)) == ("all", None, len(table))


def test_lateral_films_are_a_view_of_their_own(table, release):
    told = read("chexpert", release, view="all", sensitive=["view"]).attributes["view"]
    assert told.tolist() == [view or "lateral" for view in table["AP/PA"]]


RACE = {
    "White": "White",
    "White, non-Hispanic": "White",
    "Black or African American": "Black",
    "Asian": "Asian",
    "Unknown": None,
    "Patient Refused": None,
}


def test_sex_age_race_and_view_are_joined_by_patient(table, release):
    raw = read("chexpert", release, sensitive=("sex", "age", "race", "view"))
    rows = table[table["Frontal/Lateral"] == "Frontal"]
    assert raw.attributes["sex"].tolist() == [None if sex == "Unknown" else sex for sex in rows["Sex"]]
    assert raw.attributes["age"].tolist() == rows["Age"].tolist()
    assert raw.attributes["race"].tolist() == [RACE[race] for race in rows["PRIMARY_RACE"]]
    assert raw.attributes["view"].tolist() == rows["AP/PA"].tolist()
    unknown = sum(RACE[race] is None for race in rows["PRIMARY_RACE"])
    assert f"'race' is not known for {unknown} of {len(rows)} films" in raw.notes


def test_the_demographics_may_lie_elsewhere_or_be_the_sheet_as_it_is_distributed(tmp_path, table, release):
    sheet = tmp_path / "people" / "CHEXPERT DEMO.xlsx"
    sheet.parent.mkdir()
    by_csv = read("chexpert", release, sensitive=["race"]).attributes["race"]
    people = pd.read_csv(tmp_path / "CHEXPERT DEMO.csv")
    people.to_excel(sheet, index=False)
    (tmp_path / "CHEXPERT DEMO.csv").unlink()
    raw = read("chexpert", release, sensitive=["race"], demographics=str(sheet))
    assert raw.attributes["race"].tolist() == by_csv.tolist()


def test_the_sheet_without_openpyxl_names_what_to_install(tmp_path, table, release, monkeypatch):
    import sys

    (tmp_path / "CHEXPERT DEMO.csv").rename(tmp_path / "CHEXPERT DEMO.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"needs openpyxl: pip install 'efficienttrust\[medical\]'"):
        read("chexpert", release, sensitive=["race"])


def test_a_folder_of_another_name_and_the_folder_around_the_release_are_the_same_films(tmp_path, table, release):
    inside = read("chexpert", release)
    around = read("chexpert", tmp_path)
    assert np.array_equal(inside.x, around.x)
    release.rename(tmp_path / "films")
    assert np.array_equal(inside.x, read("chexpert", tmp_path / "films").x)


def test_the_full_release_reads_alike(tmp_path):
    rows = write_chexpert(tmp_path / "full", "CheXpert-v1.0")
    raw = read("chexpert", tmp_path / "full" / "CheXpert-v1.0", view="all", size="32")
    assert levels(raw.x) == rows["level"].tolist()
    assert raw.x.shape[2:] == (32, 32)


def test_films_are_a_map_of_the_usual_size_decoded_once(table, release):
    raw = read("chexpert", release)
    assert isinstance(raw.x, np.memmap)
    assert raw.x.shape[1:] == (1, 128, 128)
    assert any("scaled to 128x128" in note for note in raw.notes)
    other = read("chexpert", release, label="Fracture")
    assert other.x.filename == raw.x.filename  # another finding needs no other films


def test_an_image_set_has_the_groups_asked_for(table, release):
    images = load_images(f"chexpert:{release}", part="all", sensitive="sex,view")
    assert set(images.attributes) == {"sex", "view"}
    assert images.attributes["sex"][1] == ("Female", "Male")
    rows = table[table["Frontal/Lateral"] == "Frontal"].reset_index()
    female = images.attributes["sex"][0] == 0
    assert np.array_equal(female, rows["Sex"] == "Female")


def test_a_view_that_tells_of_the_label_is_said(tmp_path):
    rows = write_chexpert(tmp_path / "told")
    folder = tmp_path / "told" / "CheXpert-v1.0-small"
    frontal = rows[rows["Frontal/Lateral"] == "Frontal"]
    lying, positive = frontal["AP/PA"] == "AP", frontal["Pneumonia"] == "1.0"
    note = next(note for note in read("chexpert", folder, label="Pneumonia").notes if "tells of the label" in note)
    assert f"{lying[positive].mean():.0%} of the films with 'Pneumonia' are AP" in note
    assert f"{lying[~positive].mean():.0%} of the others" in note
    assert not any("tells of the label" in note for note in read("chexpert", folder, view="pa").notes)
