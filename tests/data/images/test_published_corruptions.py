"""`cifar10_c:PATH` and `imagenet_c:PATH` are images like others; the source names a corruption and a severity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from efficienttrust.data import describe, load_image_problem
from efficienttrust.data.corrupted import cifar_c
from efficienttrust.data.images import is_image_source, load_images
from efficienttrust.errors import UsageError

N = 200
WNIDS = ("n01440764", "n01443537")


@pytest.fixture
def cifar(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "labels.npy", np.tile(np.arange(N, dtype=np.uint8) % 10, 5))
    for name in ("fog", "spatter"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (5 * N, 32, 32, 3), dtype=np.uint8))
    return tmp_path


@pytest.fixture
def imagenet(tmp_path) -> Path:
    for severity in range(1, 6):
        for code, wnid in enumerate(WNIDS):
            folder = tmp_path / "fog" / str(severity) / wnid
            folder.mkdir(parents=True)
            for number in range(2):
                level = 100 * code + 10 * severity + number
                Image.new("RGB", (24, 16), (level, level, level)).save(folder / f"{number}.JPEG", quality=95)
    return tmp_path


def refusal(source: str, **options: object) -> str:
    with pytest.raises(UsageError) as refused:
        load_images(source, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("name", "severity"), [("fog", 1), ("fog", 3), ("spatter", 5)])
def test_cifar_holds_the_images_that_the_iterator_gives(cifar, name, severity):
    images = load_images(f"cifar10_c:{cifar}?corruption={name}&severity={severity}")
    (expected,) = cifar_c(cifar, names=[name], severities=[severity])
    assert np.array_equal(images.x, expected.images[:])
    assert np.array_equal(images.y, expected.labels)
    assert images.classes[:2] == ("airplane", "automobile")
    assert images.name == f"cifar10_c-{name}-{severity}"
    assert any(f"{name!r} at severity {severity} of 5" in note for note in images.notes)
    assert load_images(images.source, **images.settings).fingerprint == images.fingerprint


def test_cifar_is_mapped_and_only_what_is_drawn_is_read(cifar):
    source = f"cifar10_c:{cifar}?corruption=fog&severity=2"
    assert is_image_source(source)
    whole = load_images(source)
    assert np.shares_memory(whole.x, whole.x.base)
    assert isinstance(whole.x, np.memmap)
    some = load_images(source, limit=20, seed=1)
    rows = np.sort(np.random.default_rng(1).permutation(N)[:20])
    assert np.array_equal(some.x, whole.x[rows])


def test_a_problem_and_its_page(cifar):
    problem = load_image_problem(f"cifar10_c:{cifar}?corruption=fog&severity=2")
    assert sum(map(len, problem.splits.values())) == N
    assert problem.card.name == "cifar10_c"
    assert "it is for measuring alone" in describe(problem)
    assert load_image_problem(problem.source, **problem.settings).fingerprint == problem.fingerprint
    assert problem.splits["test"].inputs(slice(0, 3)).shape == (3, 3, 32, 32)


def test_imagenet_is_decoded_with_its_classes(imagenet):
    source = f"imagenet_c:{imagenet}?corruption=fog&severity=4"
    images = load_images(source)
    assert images.x.shape == (4, 3, 16, 24)
    np.testing.assert_allclose(images.x.mean((1, 2, 3)), [40, 41, 140, 141], atol=1)
    assert images.y.tolist() == [0, 0, 1, 1]
    assert images.classes == WNIDS
    assert load_images(f"{source}&size=8").x.shape == (4, 3, 8, 8)
    (imagenet / "LOC_synset_mapping.txt").write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")
    assert load_images(source).classes == ("tench, Tinca tinca", "goldfish")


@pytest.mark.parametrize("word", ["cifar10_c", "imagenet_c"])
def test_what_is_not_named_or_not_there_is_one_line(cifar, imagenet, word):
    source = f"{word}:{cifar}"
    assert f"Write {source}?corruption=fog&severity=3; there are gaussian_noise, " in refusal(source)
    assert f"Write {source}?corruption=snow&severity=3;" in refusal(f"{source}?corruption=snow")
    assert f"Write {source}?corruption=fog&severity=5;" in refusal(f"{source}?severity=5")
    assert "Did you mean 'fog'?" in refusal(f"{source}?corruption=fogg&severity=5")
    assert "unknown option of the images 'corrupt'. Did you mean 'corruption'?" in refusal(f"{source}?corrupt=fog")
    if word == "cifar10_c":
        assert "unknown option of the images 'size'" in refusal(f"{source}?corruption=fog&severity=3&size=8")
    for severity in ("0", "6", "x", "2.5"):
        assert f"severity={severity} is not known" in refusal(f"{source}?corruption=fog&severity={severity}")
    assert "snow" in refusal(f"{source}?corruption=snow&severity=2")
    assert "Unpack the whole set" in refusal(f"{source}?corruption=snow&severity=2")
    assert "neither groups nor other labels" in refusal(f"{source}?corruption=fog&severity=2", sensitive="sex")
    assert "is no folder" in refusal(f"{word}:{cifar / 'labels.npy'}?corruption=fog&severity=2")
