"""A folder of image files is a set: classes and splits by folders, or labels, groups and patients by a CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError

N = 12


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def paint(path: Path, level: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, level, np.uint8)).save(path)


def levels(images) -> list[int]:
    assert (images.x == images.x[:, :1, :1, :1]).all()
    return images.x[:, 0, 0, 0].tolist()


def test_folders_of_classes(tmp_path):
    for number in range(N):
        paint(tmp_path / ("cat", "dog", "eel")[number % 3] / f"{number:02d}.png", 10 * number)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    images = load_images(f"folder:{tmp_path}", part="all")
    assert images.classes == ("cat", "dog", "eel")
    assert images.x.shape == (N, 3, 8, 8)
    assert levels(images) == [10 * number for start in range(3) for number in range(start, N, 3)]
    assert images.y.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images.split is None
    assert load_images(f"folder:{tmp_path}?colour=grey").x.shape == (N, 1, 8, 8)
    assert load_images(images.source, **images.settings).fingerprint == images.fingerprint
    smaller = load_images(f"folder:{tmp_path}?size=4", part="all")
    assert smaller.x.shape == (N, 3, 4, 4)
    assert load_images(smaller.source, **smaller.settings).fingerprint == smaller.fingerprint


def test_folders_of_splits(tmp_path):
    for split, count in (("train", 6), ("val", 4), ("test", 2)):
        for number in range(count):
            paint(tmp_path / split / ("no", "yes")[number % 2] / f"{number}.png", number)
    parts = {part: load_images(f"folder:{tmp_path}", part=part) for part in ("train", "test", "all")}
    assert {part: len(images) for part, images in parts.items()} == {"train": 6, "test": 2, "all": 12}
    assert sorted(parts["all"].split) == ["test"] * 2 + ["train"] * 6 + ["validate"] * 4


def test_the_size_that_most_images_have(tmp_path):
    for number in range(6):
        paint(tmp_path / f"{number % 2}" / f"{number}.png", number, (10, 8) if number < 4 else (20, 20))
    images = load_images(f"folder:{tmp_path}")
    assert images.x.shape == (6, 3, 10, 8)
    assert any("2 sizes; all were scaled to 8x10, that of 4 of 6" in note for note in images.notes)


def table_of(folder: Path, **columns) -> Path:
    for number in range(N):
        paint(folder / "films" / f"{number:02d}.png", 10 * number)
    frame = pd.DataFrame(
        {
            "image": [f"films/{number:02d}.png" for number in range(N)],
            "label": ["ill", "well"] * 6,
            "sex": ["F", "F", "M"] * 4,
            "age": np.arange(N) * 7.5,
            "patient_id": np.arange(N) // 2,
            "split": ["train"] * 6 + ["val"] * 2 + ["test"] * 4,
        }
    )
    path = folder / "labels.csv"
    frame.assign(**columns).dropna(axis=1, how="all").to_csv(path, index=False)
    return path


def test_a_table_of_labels_and_groups(tmp_path):
    path = table_of(tmp_path)
    for source in (f"folder:{tmp_path}", f"folder:{path}"):
        images = load_images(source, sensitive="sex,age", part="all")
        assert levels(images) == [10 * number for number in range(N)]
        assert images.classes == ("ill", "well")
        assert images.y.tolist() == [0, 1] * 6
        assert set(images.attributes) == {"sex", "age"}
        assert images.unit.tolist() == [number // 2 for number in range(N)]
        assert images.split.tolist() == ["train"] * 6 + ["validate"] * 2 + ["test"] * 4
    test = load_images(f"folder:{tmp_path}", sensitive="sex")
    assert levels(test) == [80, 90, 100, 110]
    assert test.part == "test"
    assert load_images(f"folder:{tmp_path}", label="sex", part="all").classes == ("F", "M")
    few = load_images(f"folder:{tmp_path}", part="all", limit=5, seed=1)
    assert len(few) == len(few.unit) == len(few.split) == 5
    assert [level // 20 for level in levels(few)] == [[0, 1, 2, 3, 4, 5][code] for code in few.unit]


def test_a_patient_in_two_official_splits_is_refused(tmp_path):
    table_of(tmp_path, patient_id=[0, 0, 1, 1, 2, 2, 0, 3, 4, 4, 1, 5])
    assert "has 2 patients in two official splits" in refusal(f"folder:{tmp_path}", part="all")
    np.savez(
        tmp_path / "set.npz",
        **{f"{split}_images": np.zeros((4, 8, 8), np.uint8) for split in ("train", "test")},
        **{f"{split}_labels": [0, 1, 0, 1] for split in ("train", "test")},
        train_patient_id=["a", "b", "c", "d"],
        test_patient_id=["e", "e", "a", "f"],
    )
    assert "has 1 patients in two official splits" in refusal(tmp_path / "set.npz", part="all")
    for part in ("test", "train"):  # also where only one of the two is read
        assert "has 2 patients in two official splits" in refusal(f"folder:{tmp_path}", part=part)
        assert "has 1 patients in two official splits" in refusal(tmp_path / "set.npz", part=part)


def test_one_array_of_patients_for_all_parts_of_an_npz(tmp_path):
    parts = {
        "x_test": np.zeros((2, 8, 8), np.uint8),
        "y_test": [0, 1],
        "x_train": np.zeros((4, 8, 8), np.uint8),
        "y_train": [0, 1] * 2,
    }
    path = tmp_path / "set.npz"
    np.savez(path, **parts, patient_id=["a", "a", "b", "c", "d", "d"])
    assert load_images(path, part="all").unit.tolist() == [0, 0, 1, 2, 3, 3]
    assert load_images(path, part="train").unit.tolist() == [0, 0, 1, 2]
    assert load_images(path).unit.tolist() == [0, 0]
    np.savez(path, **parts, patient_id=["a", "a", "b", "c"])
    assert "array 'patient_id' of" in refusal(path)
    np.savez(path, **parts, patient_id_test=["a", "a"])
    assert "no such array of every part" in refusal(path, part="train")


def test_a_folder_with_a_question_mark_takes_options_all_the_same(tmp_path):
    for number in range(6):
        paint(tmp_path / "films?" / f"{number % 2}" / f"{number}.png", number, (10, 8))
    images = load_images(f"folder:{tmp_path}/films??size=9")
    assert images.x.shape == (6, 3, 9, 9)
    assert images.source == f"folder:{tmp_path}/films??size=9"


def test_splits_and_patients_of_an_undivided_npz(tmp_path):
    x = np.arange(6, dtype=np.uint8)[:, None, None] + np.zeros((6, 8, 8), np.uint8)
    path = tmp_path / "set.npz"
    np.savez(path, x=x, y=[0, 1, 0, 1, 0, 1], patient=[1, 1, 2, 2, 3, 3], split=["train", "train", "dev", "dev", *"aa"])
    assert "has the split 'a'" in refusal(path)
    np.savez(path, x=x, y=[0, 1] * 3, patient=[1, 1, 2, 2, 3, 3], split=["train"] * 2 + ["dev"] * 2 + ["test"] * 2)
    test = load_images(path)
    assert levels(test) == [4, 5]
    assert test.part == "test"
    assert load_images(path, part="all").split.tolist() == ["train"] * 2 + ["validate"] * 2 + ["test"] * 2
    np.savez(path, x=x, y=[0, 1] * 3, patient=["a", "a", "b", "", "c", "c"])
    assert "1 images of" in refusal(path)
    np.savez(path, x=x, y=[0, 1] * 3, patient=[1, 2])
    assert "'patient' of" in refusal(path)


def test_bad_folders_are_one_line(tmp_path):
    assert "holds no images: expected <class>/*.png" in refusal(f"folder:{tmp_path}")
    paint(tmp_path / "only" / "1.png", 1)
    assert "one class only, 'only'" in refusal(f"folder:{tmp_path}")
    paint(tmp_path / "other" / "1.png", 1)
    assert "there are no sensitive attributes" in refusal(f"folder:{tmp_path}", sensitive="sex")
    assert "Did you mean 'colour'?" in refusal(f"folder:{tmp_path}?color=grey")
    assert "unknown value of colour 'blue'" in refusal(f"folder:{tmp_path}?colour=blue")
    assert "size=0 is no number of pixels" in refusal(f"folder:{tmp_path}?size=0")
    assert "option 'size' of the images has no value" in refusal(f"folder:{tmp_path}?size")
    assert "there is no file or folder" in refusal(f"folder:{tmp_path / 'none'}?size=8")
    (tmp_path / "other" / "2.png").write_bytes(b"nonsense")
    assert f"1 of 3 images cannot be used; the first is {tmp_path / 'other' / '2.png'}" in refusal(f"folder:{tmp_path}")


def test_bad_tables_are_one_line(tmp_path):
    path = table_of(tmp_path)
    assert "Did you mean 'sex'?" in refusal(f"folder:{path}", sensitive="sexx")
    assert f"unknown column of {path} 'illness'" in refusal(f"folder:{path}", label="illness")
    table_of(tmp_path, label=None)
    assert "Add --label NAME" in refusal(f"folder:{path}")
    table_of(tmp_path, label=["ill", None] * 6)
    assert f"6 rows of {path} have no image or no label" in refusal(f"folder:{path}")
    table_of(tmp_path, split="holdout")
    assert "has the split 'holdout'" in refusal(f"folder:{path}")
    table_of(tmp_path, image=[f"films/{number:02d}.png" for number in range(11)] + ["films/99.png"])
    assert "1 of 12 image files are missing" in refusal(f"folder:{path}", part="all")
    path.write_text("image,label\n")
    assert "names no images" in refusal(f"folder:{path}")
    path.write_text('image,label\n"broken')
    assert "not a CSV that can be read" in refusal(f"folder:{path}")
