"""NIH ChestX-ray14: the official folder, and the small copy of real films, equal what pandas says of the same files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import levels, read, write_nih
from tests.shared_data import SHARED

COPY = SHARED / "nih_cxr1000"
real = pytest.mark.skipif(not COPY.exists(), reason="needs ../shared/data/nih_cxr1000")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("archives", [True, False])
@pytest.mark.parametrize("finding", ["No Finding", "Pneumonia", "Pleural_Thickening"])
def test_findings_are_told_by_whole_names_and_stay_with_their_films(tmp_path, finding, archives):
    table = write_nih(tmp_path / "nih", archives=archives)
    raw = read("nih_cxr", tmp_path / "nih", label=finding)
    assert levels(raw.x) == table["level"].tolist()
    assert raw.y.tolist() == [int(finding in found.split("|")) for found in table["Finding Labels"]]


def test_official_lists_are_the_split_and_patients_the_units(tmp_path):
    table = write_nih(tmp_path / "nih")
    raw = read("nih_cxr", tmp_path / "nih")
    assert raw.split.tolist() == table["split"].tolist()
    assert raw.unit.tolist() == table["Patient ID"].astype(str).tolist()
    test = read("nih_cxr", tmp_path / "nih", part="test", view="ap")
    chosen = (table["split"] == "test") & (table["View Position"] == "AP")
    assert levels(test.x) == table.loc[chosen, "level"].tolist()
    (tmp_path / "nih" / "test_list.txt").unlink()
    with pytest.raises(UsageError, match=r"test_list\.txt of NIH ChestX-ray14 is missing.*add \?split=patients"):
        read("nih_cxr", tmp_path / "nih")
    assert read("nih_cxr", tmp_path / "nih", split="patients").split is None


def test_people_and_the_age_of_411(tmp_path):
    table = write_nih(tmp_path / "nih")
    raw = read("nih_cxr", tmp_path / "nih", sensitive=["sex", "age", "view"])
    assert raw.attributes["sex"].tolist() == table["Patient Gender"].map({"M": "Male", "F": "Female"}).tolist()
    np.testing.assert_array_equal(raw.attributes["age"], table["Patient Age"].replace(411, np.nan).to_numpy(float))
    assert np.isnan(raw.attributes["age"]).sum() == 1
    assert "1 impossible ages are taken as missing" in raw.notes
    assert raw.attributes["view"].tolist() == table["View Position"].tolist()


def test_a_comma_at_the_end_of_every_row_moves_no_column(tmp_path):
    write_nih(tmp_path / "nih")
    plain = read("nih_cxr", tmp_path / "nih", sensitive=["sex"])
    file = tmp_path / "nih" / "Data_Entry_2017_v2020.csv"
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, *(f"{row}," for row in rows)]) + "\n")
    again = read("nih_cxr", tmp_path / "nih", sensitive=["sex"])
    assert again.y.tolist() == plain.y.tolist()
    assert again.attributes["sex"].tolist() == plain.attributes["sex"].tolist()


def test_films_that_are_not_there_are_counted_and_the_first_is_named(tmp_path):
    table = write_nih(tmp_path / "nih", archives=False)
    for name in table["Image Index"][:2]:
        (tmp_path / "nih" / "images" / name).unlink()
    with pytest.raises(UsageError, match=r"2 of 60 image files are missing, the first is .*images/00000001_000\.png"):
        read("nih_cxr", tmp_path / "nih")


@real
@pytest.mark.parametrize("finding", ["Pneumonia", "No Finding", "Effusion"])
def test_the_copy_of_real_films(finding):
    table = pd.read_csv(COPY / "labels.csv")
    with np.load(COPY / "nih_cxr1000_128.npz") as arrays:
        films = dict(zip(arrays["image"].tolist(), arrays["images"], strict=True))
    raw = read("nih_cxr", COPY, label=finding, sensitive=["sex", "age", "view"])
    assert raw.y.tolist() == [int(finding in found.split("|")) for found in table["finding_labels"]]
    assert np.array_equal(raw.x[:, 0], np.stack([films[name] for name in table["image"]]))
    assert raw.attributes["sex"].tolist() == table["sex"].map({"M": "Male", "F": "Female"}).tolist()
    assert raw.attributes["age"].tolist() == table["age"].tolist()
    assert raw.unit.tolist() == table["patient_id"].astype(str).tolist()
    assert len(set(raw.unit)) == 682
    assert (raw.part, raw.split) == ("all", None)


@real
def test_the_pneumonia_of_the_copy_is_its_own_column_and_the_view_is_confounded_as_its_readme_says():
    raw = read("nih_cxr", COPY / "nih_cxr1000_128.npz", label="pneumonia")
    assert raw.y.tolist() == pd.read_csv(COPY / "labels.csv")["pneumonia"].tolist()
    said = next(note for note in raw.notes if "tells of the label" in note)
    assert f"{225 / 500:.0%} of the films with 'Pneumonia' are AP" in said
    assert f"{342 / 500:.0%} of the others" in said


@real
def test_the_copy_as_an_image_set():
    images = load_images(f"nih_cxr:{COPY}", label="Pneumonia", sensitive="sex,age")
    assert images.x.shape == (1000, 1, 128, 128)
    assert images.classes == ("no Pneumonia", "Pneumonia")
    counts = np.bincount(images.attributes["sex"][0])
    assert dict(zip(images.attributes["sex"][1], counts.tolist(), strict=True)) == {"Female": 477, "Male": 523}
    assert len(images.attributes["age"][1]) == 4


def test_a_copy_must_name_the_films_of_its_table(tmp_path):
    names = np.array(["a.png", "b.png"])
    np.savez(tmp_path / "films.npz", images=np.zeros((2, 8, 8), np.uint8), image=names)
    with pytest.raises(UsageError, match=r"needs the table labels\.csv beside it"):
        read("nih_cxr", tmp_path)
    table = pd.DataFrame({"image": ["a.png", "c.png"], "finding_labels": ["Edema", "Mass"], "patient_id": [1, 2]})
    table.assign(age=50, sex="M", view="PA").to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(UsageError, match="do not name the same 2 films"):
        read("nih_cxr", tmp_path)
    table.assign(age=50, sex="M", view="PA", image=names).to_csv(tmp_path / "labels.csv", index=False)
    assert read("nih_cxr", tmp_path, label="mass").y.tolist() == [0, 1]
    with pytest.raises(UsageError, match="films of 8x8 pixels: leave out size=64"):
        read("nih_cxr", tmp_path, size="64")
    np.savez(tmp_path / "more.npz", images=np.zeros((2, 8, 8), np.uint8), image=names)
    with pytest.raises(UsageError, match=r"holds 2 \.npz files: name one of them"):
        read("nih_cxr", tmp_path)
    np.savez(tmp_path / "films.npz", images=np.zeros((2, 8, 8)), image=names)
    with pytest.raises(UsageError, match=r"images must be uint8 \[n, H, W\]"):
        read("nih_cxr", tmp_path / "films.npz")
    np.save(tmp_path / "films.npy", np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(UsageError, match="holds a single array"):
        read("nih_cxr", tmp_path / "films.npy")
    (tmp_path / "films.npz").write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="no file of arrays `images` and `image`"):
        read("nih_cxr", tmp_path / "films.npz")
