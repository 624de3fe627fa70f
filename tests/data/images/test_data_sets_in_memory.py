"""A torch `Dataset` with a function of groups, or a Hugging Face data set, is read once into the same image set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from efficienttrust.data.images import _dataset, is_image_source, load_images
from efficienttrust.errors import UsageError

N = 300
X = np.random.default_rng(0).integers(0, 256, (N, 3, 6, 6), dtype=np.uint8)
Y = np.arange(N) % 3


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


class Pictures(torch.utils.data.Dataset):
    """Map-style: `(image, label)` made by a function of the row."""

    classes = ("ant", "bee", "cat")

    def __init__(self, item, n: int = N) -> None:
        self.item, self.n, self.read = item, n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, row: int):
        self.read += 1
        return self.item(row)


FORMS = {
    "float tensors": lambda row: (torch.tensor(X[row] / 255, dtype=torch.float32), int(Y[row])),
    "byte tensors": lambda row: (torch.tensor(X[row]), torch.tensor(Y[row])),
    "arrays": lambda row: (X[row], Y[row]),
    "pictures": lambda row: (Image.fromarray(X[row].transpose(1, 2, 0)), Y[row]),
    "mappings": lambda row: {"image": X[row], "label": Y[row]},
}


@pytest.mark.parametrize("form", FORMS)
def test_items_of_every_form(form):
    dataset = Pictures(FORMS[form])
    images = load_images(dataset, part="all")
    assert np.array_equal(images.x, X)
    assert np.array_equal(images.y, Y)
    assert images.classes == Pictures.classes
    assert images.by_class
    assert dataset.read == N


def test_groups_are_a_function_of_the_item():
    dataset = Pictures(lambda row: (X[row], Y[row], row % 2))
    one = load_images(dataset, part="all", groups=lambda item: ("old", "new")[item[2]])
    codes, names = one.attributes["group"]
    assert [names[code] for code in codes] == ["old", "new"] * (N // 2)
    two = load_images(dataset, part="all", groups=lambda item: {"age": item[2], "class": int(item[1])})
    assert set(two.attributes) == {"age", "class"}
    assert len(two.group_names) == 6


def test_many_images_go_into_a_file_that_vanishes(monkeypatch, cache):
    monkeypatch.setattr(_dataset, "MOST_IN_MEMORY", 100 * X[0].nbytes)
    monkeypatch.setattr(_dataset, "AT_ONCE", 32)
    images = load_images(Pictures(FORMS["arrays"]), part="all")
    assert isinstance(images.x, np.memmap)
    assert not images.x.flags.writeable
    assert np.array_equal(images.x, X)
    assert list(cache.iterdir()) == []


class Features(dict):
    """Like `datasets.Features`: a mapping of column to its kind."""


class Named:
    """Like `datasets.ClassLabel`."""

    names = ("no", "yes")


class HuggingFace:
    """Like `datasets.Dataset`: rows as dictionaries, columns with features."""

    def __init__(self, rows) -> None:
        self.rows = rows
        self.features = Features(image=None, label=Named(), sex=None)
        self.column_names = list(self.features)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int):
        row = self.rows[place]
        return {
            "image": Image.fromarray(X[row].transpose(1, 2, 0)),
            "label": int(row % 2),
            "sex": "FM"[row // 2 % 2],
            "patient_id": row,
        }


def test_a_dictionary_of_splits():
    splits = {"train": HuggingFace(range(20)), "validation": HuggingFace(range(20, 26)), "test": HuggingFace([30, 31])}
    test, both = load_images(splits, part="test"), load_images(splits, part="all", sensitive="sex")
    assert test.classes == ("no", "yes")
    assert np.array_equal(test.x, X[[30, 31]])
    assert test.part == "test"
    assert both.split.tolist() == ["train"] * 20 + ["validate"] * 6 + ["test"] * 2
    assert both.attributes["sex"][1] == ("F", "M")
    assert both.unit.tolist() == list(range(28))
    splits["test"] = HuggingFace([0, 30])
    assert "1 patients in two official splits: what is learned from one image of" in refusal(splits, part="all")


@pytest.mark.parametrize("side", [1, 3, 4, 6])
def test_the_layout_is_found_once(side):
    """A picture of 4x4 pixels, once turned to channels first, looks like one with channels last."""
    small = X[:, :, :side, :side]
    pictures = Pictures(lambda row: (Image.fromarray(small[row].transpose(1, 2, 0)), int(Y[row])))
    images = load_images({"train": pictures, "test": pictures}, part="all")
    assert np.array_equal(images.x, np.concatenate([small, small]))
    assert [note for note in images.notes if "channels" in note] == [
        f"channels were found last, [{side}, {side}, 3]",
    ]


def test_parts_of_different_layouts_are_refused():
    first, last = Pictures(FORMS["arrays"], 256), Pictures(lambda row: (X[row].transpose(1, 2, 0), int(Y[row])))
    assert "resize and convert them alike" in refusal({"train": first, "test": last}, part="all")


def test_what_is_a_data_set():
    import pandas as pd

    assert is_image_source(Pictures(FORMS["arrays"]))
    assert is_image_source(HuggingFace([1]))
    for other in (pd.DataFrame({"a": [1]}), np.zeros(3), None, 3):
        assert not is_image_source(other)


def test_data_sets_that_cannot_be_read_are_one_line(tmp_path):
    assert "cannot read images from a int" in refusal(3)
    assert "holds no images" in refusal(Pictures(FORMS["arrays"], 0))
    assert "is a int" in refusal(Pictures(lambda row: row))
    assert "item 0 of Pictures has no field image or img" in refusal(Pictures(lambda row: {"label": 1}))
    assert "has no field sex; it has image, label" in refusal(Pictures(FORMS["mappings"]), sensitive="sex")
    assert "give groups= a function" in refusal(Pictures(FORMS["arrays"]), sensitive="sex")
    assert "resize and convert them alike" in refusal(Pictures(lambda row: (X[row, :, : 6 - row % 2], 0)))
    ragged = Pictures(lambda row: (X[row] if row < 256 else X[row, :, :5], int(Y[row])))
    assert "resize and convert them alike" in refusal(ragged)
    normalised = Pictures(lambda row: (X[row] / 127.5 - 1, int(Y[row])))
    assert "put the normalisation into the model" in refusal(normalised)
    assert "unknown split of a data set 'tset'" in refusal({"tset": HuggingFace([1])})
    np.savez(tmp_path / "set.npz", x=X, y=Y)
    assert "groups= is for data sets in memory" in refusal(tmp_path / "set.npz", groups=str)
    uneven = Pictures(lambda row: {"image": X[row], "label": 0} | ({"patient_id": 3} if row else {}))
    assert "item 1 of Pictures has the fields" in refusal(uneven)
