"""Whatever layout, type and file images come in, an image set holds uint8 [n, C, H, W] and says what was changed."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from efficienttrust.data.images import is_image_source, load_images
from efficienttrust.errors import UsageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
GREY = RNG.integers(0, 256, (12, 9, 8), dtype=np.uint8)
Y = np.arange(12) % 3


def saved(folder, **arrays):
    path = folder / "set.npz"
    np.savez(path, **arrays)
    return path


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (COLOUR, "channels were found first, [3, 32, 32]"),
        (COLOUR.transpose(0, 2, 3, 1), "channels were found last, [32, 32, 3]"),
        ((COLOUR / 255.0).astype(np.float32), "pixels in [0, 1] were multiplied by 255"),
        (COLOUR.astype(np.float64), "channels were found first, [3, 32, 32]"),
        (COLOUR.astype(np.int32), "channels were found first, [3, 32, 32]"),
    ],
)
def test_every_layout_and_type_gives_the_same_pixels(tmp_path, stored, says):
    images = load_images(saved(tmp_path, x=stored, y=Y))
    assert images.x.dtype == np.uint8
    assert np.array_equal(images.x, COLOUR)
    assert says in images.notes


def test_grey_images_get_a_channel_and_rounding_is_said(tmp_path):
    assert np.array_equal(load_images(saved(tmp_path, images=GREY, labels=Y)).x[:, 0], GREY)
    notes = load_images(saved(tmp_path, x=GREY / 300.0, y=Y)).notes
    assert any("rounded to whole numbers" in note for note in notes)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (Y, ("0", "1", "2")),
        (Y[:, None], ("0", "1", "2")),
        (Y.astype(float), ("0", "1", "2")),
        (np.eye(3, dtype=int)[Y], ("0", "1", "2")),
        (np.array(["cat", "dog", "eel"])[Y], ("cat", "dog", "eel")),
        (10 * Y + 5, ("5", "15", "25")),
    ],
)
def test_labels_of_every_kind_become_codes(tmp_path, labels, classes):
    images = load_images(saved(tmp_path, x=GREY, y=labels))
    assert images.classes == classes
    assert np.array_equal(images.y, Y)


def test_named_classes_keep_their_codes(tmp_path):
    images = load_images(saved(tmp_path, x=GREY, y=Y, class_names=np.array(["a", "b", "c", "d"])))
    assert images.classes == ("a", "b", "c", "d")
    assert np.array_equal(images.y, Y)


def test_parts(tmp_path):
    path = saved(tmp_path, x_train=GREY, y_train=Y, x_test=GREY[:6], y_test=Y[:6])
    assert [len(load_images(path, part=part)) for part in ("test", "train", "all")] == [6, 12, 18]
    medmnist = saved(tmp_path, test_images=GREY, test_labels=Y[:, None])
    assert load_images(medmnist).part == "test"
    undivided = load_images(saved(tmp_path, x=GREY, y=Y))
    assert undivided.part == "all"
    assert "the set has no part 'test': all of its images are used" in undivided.notes


def test_a_class_that_a_part_lacks_is_a_class_all_the_same(tmp_path):
    path = saved(tmp_path, x_train=GREY, y_train=Y, x_test=GREY[:6], y_test=2 * (Y[:6] > 0))
    assert load_images(path).classes == ("0", "1", "2")
    assert set(load_images(path).y.tolist()) == {0, 2}
    assert load_images(saved(tmp_path, x=GREY, y=Y), limit=2).classes == ("0", "1", "2")


def test_groups_are_the_classes_or_what_is_named(tmp_path):
    sex, age = np.array(["F", "M"] * 6), np.arange(12) * 5
    path = saved(tmp_path, x=GREY, y=Y, sex=sex, age=age)
    assert load_images(path).by_class
    named = load_images(path, sensitive="sex")
    assert not named.by_class
    assert named.group_names == ("F", "M")
    assert np.array_equal(named.groups, np.arange(12) % 2)
    both = load_images(path, sensitive="sex,age")
    assert set(both.attributes) == {"sex", "age"}
    assert len(both.attributes["age"][1]) == 12  # at most twelve values: each is a group
    coded = load_images(
        saved(tmp_path, x=GREY, y=Y, groups=np.arange(12) % 3 - 1, group_names=np.array(["old", "new"]))
    )
    assert coded.attributes["groups"][1] == ("new", "old")
    assert set(coded.groups.tolist()) == {-1, 0, 1}


def test_a_limit_draws_the_same_images_again(tmp_path):
    path = saved(tmp_path, x=GREY, y=Y)
    once, again = load_images(path, limit=5, seed=3), load_images(path, limit=5, seed=3)
    assert len(once) == 5
    assert once.fingerprint == again.fingerprint != load_images(path).fingerprint
    assert "5 of 12 images, drawn with seed 3" in once.notes
    assert load_images(once.source, **once.settings).fingerprint == once.fingerprint


def test_bad_files_are_one_line(tmp_path):
    assert "there is no file or folder" in refusal(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"nonsense")
    assert "not a .npz file" in refusal(tmp_path / "bad.npz")
    assert "no array of images" in refusal(saved(tmp_path, a=GREY, y=Y))
    assert "no array of labels: name it with --label" in refusal(saved(tmp_path, x=GREY, z=Y))
    assert "Did you mean 'kind'?" in refusal(saved(tmp_path, x=GREY, kind=Y), label="knd")
    assert "12 images and 11 labels" in refusal(saved(tmp_path, x=GREY, y=Y[1:]))
    assert "one class only, '0'" in refusal(saved(tmp_path, x=GREY, y=0 * Y))
    assert "pixels from -1 to 1" in refusal(saved(tmp_path, x=np.linspace(-1, 1, 12 * 64).reshape(12, 8, 8), y=Y))
    assert "pixels that are not numbers" in refusal(saved(tmp_path, x=np.full((12, 8, 8), np.nan), y=Y))
    assert "1, 3 or 4 channels" in refusal(saved(tmp_path, x=np.zeros((12, 5, 8, 7), np.uint8), y=Y))
    assert "give classes, not numbers" in refusal(saved(tmp_path, x=GREY, y=Y + 0.5))
    assert "cannot tell what images 'adult' are" in refusal("adult")
    assert "Did you mean 'cifar10'?" in refusal("cifar11:" + str(tmp_path))


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, x=np.array([Planted()] * 12, dtype=object), y=Y)
    assert "cannot be read" in refusal(path)
    assert not Planted.sprung


class Planted:
    """Notes when it is unpickled."""

    sprung = False

    def __reduce__(self):
        return spring, ()


def spring():
    Planted.sprung = True


def batch(pixels, labels, **more) -> bytes:
    return pickle.dumps({b"data": pixels.reshape(len(pixels), -1), b"labels": list(labels), **more}, protocol=2)


def write_cifar(folder, form: str):
    """Write the batches as they are distributed: six of twelve images each, all with the same pixels."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    labels = [int(label) for label in Y]
    if form == "binary":
        rows = np.concatenate([np.array(labels, np.uint8)[:, None], COLOUR.reshape(12, -1)], axis=1)
        contents = {f"{name}.bin": rows.tobytes() for name in names}
    else:
        contents = dict.fromkeys(names, batch(COLOUR, labels))
    if form == "archive":
        with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as tar:
            for name, content in contents.items():
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return
    inside = folder / ("cifar-10-batches-bin" if form == "binary" else "cifar-10-batches-py")
    inside.mkdir()
    for name, content in contents.items():
        (inside / name).write_bytes(content)


@pytest.mark.parametrize("form", ["python", "binary", "archive"])
def test_cifar10_in_each_official_form(tmp_path, form):
    write_cifar(tmp_path, form)
    test, train = (load_images(f"cifar10:{tmp_path}", part=part) for part in ("test", "train"))
    assert (len(test), len(train)) == (12, 60)
    assert np.array_equal(test.x, COLOUR)
    assert np.array_equal(test.y, Y)
    assert test.classes[:2] == ("airplane", "automobile")


def test_cifar10_from_the_lossless_subset(tmp_path):
    np.savez(tmp_path / "cifar10_lossless_subset.npz", x_test=COLOUR.transpose(0, 2, 3, 1), y_test=Y)
    images = load_images(f"cifar10:{tmp_path}")
    assert np.array_equal(images.x, COLOUR)
    assert len(images.classes) == 10


def test_a_batch_that_wants_to_run_code_is_refused(tmp_path):
    (tmp_path / "test_batch").write_bytes(batch(COLOUR, Y, filenames=Planted()))
    Planted.sprung = False
    assert "wants to call" in refusal(f"cifar10:{tmp_path}")
    assert not Planted.sprung
    (tmp_path / "test_batch").write_bytes(batch(COLOUR, Y)[:400])
    assert "damaged or not a batch" in refusal(f"cifar10:{tmp_path}")
    (tmp_path / "some.csv").write_text("image,label")
    assert "is not an archive of CIFAR-10 that can be read" in refusal(f"cifar10:{tmp_path / 'some.csv'}")
    assert "1 of the 5 batches" not in refusal(f"cifar10:{tmp_path}", part="train")


def test_mnist_files(tmp_path):
    def idx(array, rank):
        return struct.pack(">HBB", 0, 8, rank) + struct.pack(f">{rank}I", *array.shape) + array.tobytes()

    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(GREY, 3)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(Y.astype(np.uint8), 1))
    images = load_images(f"mnist:{tmp_path}")
    assert np.array_equal(images.x[:, 0], GREY)
    assert np.array_equal(images.y, Y)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(GREY, 3)[:-5]))
    assert "damaged or not an idx file" in refusal(f"mnist:{tmp_path}")
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    assert "holds no idx files" in refusal(f"mnist:{tmp_path}")


@pytest.mark.parametrize(
    ("text", "is_images"),
    [("cifar10:../data", True), ("x/SET.NPZ", True), ("adult", False), ("loans.csv", False), ("C:/x.csv", False)],
)
def test_what_is_taken_for_images(text, is_images):
    assert is_image_source(text) == is_images


def test_files_without_images_of_one_array_or_damaged_are_one_line(tmp_path):
    assert "holds no images" in refusal(saved(tmp_path, x=GREY[:0], y=Y[:0]))
    np.save(tmp_path / "one.npy", GREY)
    assert "holds a single array" in refusal((tmp_path / "one.npy").rename(tmp_path / "one.npz"))
    np.savez_compressed(tmp_path / "damaged.npz", x=GREY // 64, y=Y)
    content = bytearray((tmp_path / "damaged.npz").read_bytes())
    content[60:160] = b"\xff" * 100
    (tmp_path / "damaged.npz").write_bytes(content)
    assert "cannot be read" in refusal(tmp_path / "damaged.npz")
    assert "has the label -1, but names 3 classes" in refusal(saved(tmp_path, x=GREY, y=Y - 1, classes=["a", "b", "c"]))
