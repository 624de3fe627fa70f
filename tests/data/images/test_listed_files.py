"""A table of images lists each file once, and none outside its folder: copies could have two labels or two splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import read, write_chexpert, write_mimic, write_nih

NAMES = [f"films/{number}.png" for number in range(6)]


def listed(folder: Path, names: list[str]) -> Path:
    (folder / "films").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(NAMES):
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(folder / name)
    table = pd.DataFrame({"image": names, "label": ["ill", "well"] * (len(names) // 2)})
    table.to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(f"folder:{path}", part="all")
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("again", ["films/1.png", "./films/1.png", "films/../films//1.png"])
def test_a_file_listed_twice_is_refused_with_both_lines(tmp_path, again):
    path = listed(tmp_path, [*NAMES[:5], again])
    assert f"{tmp_path}/films/1.png is listed twice, in line 3 of {path} and in line 7 of {path}. Keep" in refusal(path)
    path = listed(tmp_path, [*NAMES, again, NAMES[0]])
    assert "in line 3 of" in refusal(path)
    assert "(2 files are listed again)" in refusal(path)


def test_a_file_outside_the_folder_is_refused_with_its_line(tmp_path):
    folder = tmp_path / "set"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "other.png")
    for outside in ("../other.png", str(tmp_path / "other.png"), "films/../../other.png", ".."):
        path = listed(folder, [*NAMES[:4], outside, NAMES[5]])
        says = refusal(path)
        assert f"line 6 of {path} names {tmp_path}" in says
        assert f"which is not in the folder {folder}" in says


def test_a_path_from_the_root_that_is_inside_will_do(tmp_path, monkeypatch):
    listed(tmp_path, [*NAMES[:5], str(tmp_path / NAMES[5])])
    assert len(load_images(f"folder:{tmp_path}")) == 6
    monkeypatch.chdir(tmp_path)
    assert len(load_images("folder:labels.csv")) == 6


def repeated(file: Path, row: int) -> int:
    """List a row of a CSV again; return how many lines there are then."""
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[row]]) + "\n")
    return len(lines) + 1


def test_chest_releases_list_a_film_once(tmp_path):
    write_chexpert(tmp_path / "c")
    write_nih(tmp_path / "nih")
    write_mimic(tmp_path / "m")
    folder = tmp_path / "c" / "CheXpert-v1.0-small"
    mimic = tmp_path / "m" / "mimic-cxr-jpg" / "2.0.0"
    metadata = mimic / "mimic-cxr-2.0.0-metadata.csv.gz"
    table = pd.read_csv(metadata)
    pd.concat([table, table.iloc[[2]]]).to_csv(metadata, index=False)
    for word, place, file, last in (
        ("chexpert", folder, folder / "valid.csv", repeated(folder / "valid.csv", 3)),
        ("nih_cxr", tmp_path / "nih", entries := tmp_path / "nih" / "Data_Entry_2017_v2020.csv", repeated(entries, 3)),
        ("mimic_cxr", mimic, metadata, len(table) + 2),
    ):
        with pytest.raises(UsageError, match=rf"is listed twice, in line 4 of {file} and in line {last} of {file}"):
            read(word, place)


def test_a_film_in_both_tables_of_chexpert_is_refused(tmp_path):
    write_chexpert(tmp_path)
    folder = tmp_path / "CheXpert-v1.0-small"
    row = (folder / "train.csv").read_text().splitlines()[1]
    with open(folder / "valid.csv", "a") as file:
        file.write(row + "\n")
    with pytest.raises(UsageError, match=r"in line 2 of \S+train\.csv and in line 17 of \S+valid\.csv"):
        read("chexpert", folder, split="patients")
