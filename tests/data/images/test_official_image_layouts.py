"""Official layouts of natural and small medical images, written as they are distributed, give what they hold."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from efficienttrust.data._cards import dataset_cards
from efficienttrust.data.images import is_image_source, load_images
from efficienttrust.data.images._load import download_of
from efficienttrust.data.images.catalogue import cifar10, cifar100, imagenet
from efficienttrust.errors import UsageError
from tests.shared_data import SHARED

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
FINE = np.arange(20) * 5
COARSE = np.arange(20)


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def flat(colour: tuple[int, int, int], height: int = 32, width: int = 32) -> Image.Image:
    return Image.fromarray(np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy())


def write_zip(path: Path, classes: list[str], each: int = 2) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for code, name in enumerate(classes):
            for number in range(each):
                content = io.BytesIO()
                flat((20 * code, 128, 255 - 20 * code)).save(content, "jpeg", quality=95)
                file.writestr(f"{name}/{number:04d}.jpg", content.getvalue())


def test_cifar10_from_zips_of_jpeg_files(tmp_path):
    write_zip(tmp_path / "cifar10_jpeg_train.zip", list(cifar10.CLASSES), 3)
    write_zip(tmp_path / "cifar10_jpeg_test.zip", list(cifar10.CLASSES))
    test, train, both = (load_images(f"cifar10:{tmp_path}", part=part) for part in ("test", "train", "all"))
    assert [len(images) for images in (test, train, both)] == [20, 30, 50]
    assert isinstance(test.x, np.memmap)
    assert test.classes == cifar10.CLASSES
    assert np.abs(test.x.mean(axis=(2, 3))[:, 0] - 20 * test.y).max() < 4  # the class is painted into the red
    assert any("JPEG copy" in note for note in test.notes)
    assert both.split.tolist() == ["train"] * 30 + ["test"] * 20
    one = load_images(f"cifar10:{tmp_path / 'cifar10_jpeg_train.zip'}", part="test")
    assert len(one) == 30
    assert one.part == "train"
    assert "the set has no part 'test': all of its images are used" in one.notes


def test_cifar10_prefers_pixels_that_are_not_lossy(tmp_path):
    write_zip(tmp_path / "cifar10_jpeg_test.zip", list(cifar10.CLASSES))
    np.savez(tmp_path / "cifar10_lossless_subset.npz", x_test=COLOUR.transpose(0, 2, 3, 1), y_test=COARSE % 10)
    assert np.array_equal(load_images(f"cifar10:{tmp_path}").x, COLOUR)
    assert len(load_images(f"cifar10:{tmp_path / 'cifar10_jpeg_test.zip'}").notes) == 1
    batch = {b"data": COLOUR[::-1].reshape(20, -1), b"labels": (COARSE % 10).tolist()}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch))
    assert np.array_equal(load_images(f"cifar10:{tmp_path}").x, COLOUR[::-1])


def test_cifar10_zips_that_are_something_else(tmp_path):
    path = tmp_path / "cifar10_jpeg_test.zip"
    write_zip(path, ["airplane", "aeroplane"])
    assert "Did you mean 'airplane'?" in refusal(f"cifar10:{path}")
    path.write_bytes(path.read_bytes()[:500])
    assert "truncated or no archive" in refusal(f"cifar10:{path}")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("README", "nothing")
    assert "holds no images" in refusal(f"cifar10:{path}")
    assert "no batch of CIFAR-10 (test_batch)" in refusal(f"cifar10:{tmp_path / '..'}")
    assert "leave out ?size=8" in refusal(f"cifar10:{tmp_path}?size=8")


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "cifar10").exists(), reason="needs the shared copy of CIFAR-10")
def test_the_real_zip_is_the_official_test_set_but_for_its_jpeg():
    """File n of a class is the n-th image of that class in the official order."""
    jpeg = load_images(f"cifar10:{SHARED / 'cifar10' / 'cifar10_jpeg_test.zip'}")
    official = load_images(f"cifar10:{SHARED / 'cifar10'}")
    assert len(jpeg) == 10_000
    assert np.bincount(jpeg.y).tolist() == [1000] * 10
    for code in range(10):
        mine = jpeg.x[jpeg.y == code].astype(float)
        theirs = official.x[official.y == code].astype(float)
        error = np.abs(mine[: len(theirs)] - theirs).mean(axis=(1, 2, 3))
        assert error.max() < 12


def write_cifar100(folder: Path, form: str) -> None:
    if form == "binary":
        inside = folder / "cifar-100-binary"
        inside.mkdir()
        rows = np.concatenate([COARSE[:, None], FINE[:, None], COLOUR.reshape(20, -1)], axis=1).astype(np.uint8)
        for name in ("train", "test"):
            (inside / f"{name}.bin").write_bytes(rows.tobytes())
        return
    batch = {b"data": COLOUR.reshape(20, -1), b"fine_labels": FINE.tolist(), b"coarse_labels": COARSE.tolist()}
    content = pickle.dumps(batch, protocol=2)
    if form == "archive":
        with tarfile.open(folder / "cifar-100-python.tar.gz", "w:gz") as tar:
            for name in ("train", "test"):
                member = tarfile.TarInfo(f"cifar-100-python/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return
    (folder / "cifar-100-python").mkdir()
    for name in ("train", "test"):
        (folder / "cifar-100-python" / name).write_bytes(content)


@pytest.mark.parametrize("form", ["python", "binary", "archive"])
def test_cifar100_in_each_official_form(tmp_path, form):
    write_cifar100(tmp_path, form)
    fine = load_images(f"cifar100:{tmp_path}", sensitive="coarse")
    assert np.array_equal(fine.x, COLOUR)
    assert np.array_equal(fine.y, FINE)
    assert len(fine.classes) == 100
    codes, names = fine.attributes["coarse"]
    assert [names[code] for code in codes] == list(cifar100.COARSE)
    coarse = load_images(f"cifar100:{tmp_path}", label="coarse", part="all")
    assert coarse.classes == cifar100.COARSE
    assert coarse.y.tolist() == [*COARSE, *COARSE]
    assert coarse.split.tolist() == ["train"] * 20 + ["test"] * 20


@pytest.mark.parametrize("word", ["cifar10", "cifar100"])
def test_a_word_alone_is_the_official_archive_in_the_folder_of_downloads(tmp_path, monkeypatch, word):
    monkeypatch.setenv("EFFICIENTTRUST_DATA", str(tmp_path))
    archive = tmp_path / word / download_of(word).file
    archive.parent.mkdir()
    batch = {b"data": COLOUR.reshape(20, -1), b"labels": [0, 1] * 10}
    batch |= {b"fine_labels": FINE.tolist(), b"coarse_labels": COARSE.tolist()}
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("test_batch", "test"):
            content = pickle.dumps(batch, protocol=2)
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    assert is_image_source(word)
    assert "damaged or another version" in refusal(word)  # it is not the official one
    known = hashlib.sha256(archive.read_bytes()).hexdigest()
    own = dataclasses.replace(download_of(word), sha256=known, md5=None)
    monkeypatch.setitem(dataset_cards._things, word, dataclasses.replace(dataset_cards.get(word), fetch=own))
    images = load_images(word)
    assert np.array_equal(images.x, COLOUR)
    assert images.source == f"{word}:{archive}"


def test_the_names_of_cifar100_stand_in_alphabetical_order():
    assert (len(cifar100.FINE), len(cifar100.COARSE)) == (100, 20)
    assert list(cifar100.FINE) == sorted(cifar100.FINE)
    assert list(cifar100.COARSE) == sorted(cifar100.COARSE)


def test_bad_files_of_cifar100(tmp_path):
    assert "give the folder cifar-100-python or cifar-100-python.tar.gz" in refusal(f"cifar100:{tmp_path}")
    write_cifar100(tmp_path, "python")
    assert "Did you mean 'coarse'?" in refusal(f"cifar100:{tmp_path}", label="corse")
    assert "unknown sensitive attribute of CIFAR-100 'sex'" in refusal(f"cifar100:{tmp_path}", sensitive="sex")
    file = tmp_path / "cifar-100-python" / "test"
    file.write_bytes(file.read_bytes()[:300])
    assert "test in" in refusal(f"cifar100:{tmp_path}")
    assert "damaged or not a batch of CIFAR-100" in refusal(f"cifar100:{tmp_path}")
    batch = {b"data": COLOUR.reshape(20, -1), b"fine_labels": [100] * 20, b"coarse_labels": [0] * 20}
    file.write_bytes(pickle.dumps(batch))
    assert "has the label 100, but names 100 classes" in refusal(f"cifar100:{tmp_path}")


WNIDS = ("n01440764", "n02012849", "n03126707")
WORDS = ("tench, Tinca tinca", "crane", "crane")


def write_imagenet(root: Path, *, flat_validation: bool = False) -> Path:
    """Three classes, whose number is painted into the red; each image is 40 high and of another width."""
    for code, wnid in enumerate(WNIDS):
        (root / "train" / wnid).mkdir(parents=True)
        for number in range(2):
            flat((100 * code, 9, 9), 40, 50 + number).save(root / "train" / wnid / f"{wnid}_{number}.JPEG")
    order = [2, 0, 1, 1]
    for number, code in enumerate(order, start=1):
        folder = root / "val" / ("" if flat_validation else WNIDS[code])
        folder.mkdir(parents=True, exist_ok=True)
        flat((100 * code, 9, 9), 60, 40).save(folder / f"ILSVRC2012_val_{number:08d}.JPEG")
    if flat_validation:
        from scipy.io import savemat

        kit = root / "ILSVRC2012_devkit_t12" / "data"
        kit.mkdir(parents=True)
        numbers = np.array([7, 3, 5])  # of the three classes: in no order, as in the real file
        (kit / imagenet.TRUTH).write_text("".join(f"{numbers[code]}\n" for code in order))
        synsets = np.zeros(3, dtype=[("ILSVRC2012_ID", object), ("WNID", object), ("words", object)])
        for row, (number, wnid, words) in enumerate(zip(numbers, WNIDS, WORDS, strict=True)):
            synsets[row] = (number, wnid, words)
        savemat(kit / "meta.mat", {"synsets": synsets})
    else:
        lines = [f"{wnid} {words}" for wnid, words in zip(WNIDS, WORDS, strict=True)]
        (root / "LOC_synset_mapping.txt").write_text("\n".join(lines))
    return root


@pytest.mark.parametrize("flat_validation", [False, True])
def test_imagenet(tmp_path, flat_validation):
    root = write_imagenet(tmp_path, flat_validation=flat_validation)
    test, train = (load_images(f"imagenet:{root}?size=16", part=part) for part in ("test", "train"))
    assert test.classes == ("tench, Tinca tinca", "crane (n02012849)", "crane (n03126707)")
    assert test.x.shape == (4, 3, 16, 16)
    assert sorted(test.y.tolist()) == [0, 1, 1, 2]
    assert train.y.tolist() == [0, 0, 1, 1, 2, 2]
    for images in (test, train):
        assert np.abs(images.x[:, 0].mean(axis=(1, 2)) - 100 * images.y).max() < 4
    assert "the part 'test' is the official validation set" in test.notes
    assert load_images(f"imagenet:{root}?size=16", part="all").split.tolist() == ["train"] * 6 + ["test"] * 4


def test_imagenet_is_cut_to_224(tmp_path):
    assert load_images(f"imagenet:{write_imagenet(tmp_path)}", part="train").x.shape[1:] == (3, 224, 224)


def test_tiny_imagenet_keeps_its_size(tmp_path):
    for code, wnid in enumerate(WNIDS):
        (tmp_path / "train" / wnid / "images").mkdir(parents=True)
        flat((100 * code, 9, 9), 64, 64).save(tmp_path / "train" / wnid / "images" / f"{wnid}_0.JPEG")
    (tmp_path / "val" / "images").mkdir(parents=True)
    for number, code in enumerate((1, 2)):
        flat((100 * code, 9, 9), 64, 64).save(tmp_path / "val" / "images" / f"val_{number}.JPEG")
    annotations = tmp_path / "val" / "val_annotations.txt"
    annotations.write_text(f"val_0.JPEG\t{WNIDS[1]}\t0\t32\t44\t62\nval_1.JPEG\t{WNIDS[2]}\t0\t0\t1\t1\n")
    (tmp_path / "words.txt").write_text("\n".join(f"{a}\t{b}" for a, b in zip(WNIDS, WORDS, strict=True)))
    test = load_images(f"imagenet:{tmp_path}")
    assert test.x.shape == (2, 3, 64, 64)
    assert test.y.tolist() == [1, 2]
    assert test.classes[0] == "tench, Tinca tinca"
    assert load_images(f"imagenet:{tmp_path}", part="train").y.tolist() == [0, 1, 2]
    annotations.write_text("val_0.JPEG\n")
    assert "has a line without file and class" in refusal(f"imagenet:{tmp_path}")


def test_missing_files_of_imagenet(tmp_path):
    assert f"it should be at {tmp_path / 'val'}" in refusal(f"imagenet:{tmp_path}")
    root = write_imagenet(tmp_path / "set", flat_validation=True)
    kit = root / "ILSVRC2012_devkit_t12" / "data"
    truth = (kit / imagenet.TRUTH).read_text()
    (kit / imagenet.TRUTH).write_text(truth + "3\n")
    assert "holds 4 images, but" in refusal(f"imagenet:{root}")
    (kit / imagenet.TRUTH).write_text(truth.replace("7", "9"))
    assert "has the label 9, which meta.mat does not name" in refusal(f"imagenet:{root}")
    (kit / imagenet.TRUTH).write_text(truth)
    (kit / "meta.mat").write_bytes(b"nonsense")
    assert "meta.mat cannot be read" in refusal(f"imagenet:{root}")
    (kit / "meta.mat").unlink()
    assert f"should be in {kit}" in refusal(f"imagenet:{root}")
    broken = root / "train" / WNIDS[0] / f"{WNIDS[0]}_0.JPEG"
    broken.write_bytes(broken.read_bytes()[:200])
    assert f"1 of 6 images cannot be used; the first is {broken}" in refusal(f"imagenet:{root}", part="train")
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert "expected <wnid>/*.JPEG" in refusal(f"imagenet:{tmp_path / 'empty'}", part="train")


def test_pneumonia_mnist(tmp_path):
    grey = COLOUR[:, 0, :28, :28]
    arrays = {}
    for split, rows in (("train", slice(0, 10)), ("val", slice(10, 14)), ("test", slice(14, 20))):
        arrays |= {f"{split}_images": grey[rows], f"{split}_labels": (COARSE[rows, None] % 2).astype(np.uint8)}
    np.savez(tmp_path / "pneumoniamnist.npz", **arrays)
    test = load_images(f"pneumonia_mnist:{tmp_path}")
    assert np.array_equal(test.x[:, 0], grey[14:])
    assert test.classes == ("normal", "pneumonia")
    whole = load_images(f"pneumonia_mnist:{tmp_path / 'pneumoniamnist.npz'}", part="all")
    assert whole.split.tolist() == ["train"] * 10 + ["validate"] * 4 + ["test"] * 6
    (tmp_path / "other").mkdir()
    assert f"it should be at {tmp_path / 'other' / 'pneumoniamnist.npz'}" in refusal(
        f"pneumonia_mnist:{tmp_path / 'other'}"
    )
    np.savez(tmp_path / "other" / "pneumoniamnist.npz", x=grey, y=COARSE % 2)
    assert "has not the arrays of MedMNIST" in refusal(f"pneumonia_mnist:{tmp_path / 'other'}")


@pytest.mark.skipif(not (SHARED / "pneumoniamnist").exists(), reason="needs the shared copy of PneumoniaMNIST")
def test_the_rebuilt_pneumonia_mnist_has_the_official_counts():
    images = load_images(f"pneumonia_mnist:{SHARED / 'pneumoniamnist'}", part="all")
    assert [int((images.split == name).sum()) for name in ("train", "validate", "test")] == [4708, 524, 624]
    assert any("rebuilt copy" in note for note in images.notes)


@pytest.mark.skipif(not (SHARED / "mnist").exists(), reason="needs the shared copies of MNIST and PneumoniaMNIST")
def test_base_rates_of_the_cards_are_those_of_the_files():
    rates = np.bincount(load_images(f"mnist:{SHARED / 'mnist'}").y) / 10_000
    low, high = (f"{shown(rates[digit])} (digit {digit})" for digit in (rates.argmin(), rates.argmax()))
    assert dataset_cards.get("mnist").base_rates == (f"test images: from {low} to {high}",)
    films = load_images(f"pneumonia_mnist:{SHARED / 'pneumoniamnist'}", part="all")
    train, validate, test = (shown(films.y[films.split == name].mean()) for name in ("train", "validate", "test"))
    assert dataset_cards.get("pneumonia_mnist").base_rates == (
        f"pneumonia: {train} in training, {validate} in validation, {test} in test images",
    )


def shown(rate: float) -> str:
    return f"{rate:.3f}".lstrip("0")
