"""The official folders of CIFAR-10-C and ImageNet-C are read lazily; what is missing or truncated is named."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from efficienttrust.data.corrupted import COMMON, EXTRA, SEVERITIES, cifar_c, imagenet_c
from efficienttrust.errors import UsageError

N = 6


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    """A folder in the layout of CIFAR-10-C with 6 images for each severity."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "labels.npy", np.tile(np.arange(N, dtype=np.uint8), 5))
    for name in (*COMMON, *EXTRA):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (5 * N, 32, 32, 3), dtype=np.uint8))
    return tmp_path


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """A folder in the layout of ImageNet-C: 2 corruptions, 5 severities, 3 classes, 2 plain images each."""
    image = pytest.importorskip("PIL.Image")
    for (place, name), severity, (label, wnid), number in itertools.product(
        enumerate(("fog", "snow")), SEVERITIES, enumerate(("n01440764", "n01443537", "n01484850")), (0, 1)
    ):
        folder = tmp_path / name / str(severity) / wnid
        folder.mkdir(parents=True, exist_ok=True)
        level = 100 * place + 10 * severity + 3 * label + number
        picture = image.new("RGB", (24, 16), (level, level, level))
        picture.save(folder / f"ILSVRC2012_val_{number:08}.JPEG", quality=95)
    return tmp_path


def test_cifar_yields_every_name_and_severity_in_order(cifar: Path) -> None:
    parts = list(cifar_c(cifar))
    assert [(part.name, part.severity) for part in parts] == list(itertools.product(COMMON, SEVERITIES))
    for name, severity, images, labels in parts:
        stored = np.load(cifar / f"{name}.npy")[(severity - 1) * N : severity * N]
        np.testing.assert_array_equal(images[:].transpose(0, 2, 3, 1), stored)
        np.testing.assert_array_equal(labels, np.arange(N))
        assert labels.dtype == np.int64


def test_cifar_is_mapped_not_read(cifar: Path) -> None:
    (part,) = cifar_c(cifar, names=["speckle_noise"], severities=[3])
    base = part.images
    while not isinstance(base, np.memmap):
        base = base.base
    assert base.mode == "r"
    assert part.images[1:3].shape == (2, 3, 32, 32)


def test_imagenet_decodes_slices_with_labels_in_sorted_order(imagenet: Path) -> None:
    parts = list(imagenet_c(imagenet, names=["fog", "snow"], severities=[1, 5]))
    assert [(part.name, part.severity) for part in parts] == [("fog", 1), ("fog", 5), ("snow", 1), ("snow", 5)]
    for place, part in enumerate(parts):
        assert len(part.images) == 6
        np.testing.assert_array_equal(part.labels, [0, 0, 1, 1, 2, 2])
        images = part.images[2:5]
        assert images.shape == (3, 3, 16, 24)
        assert images.dtype == np.uint8
        level = 100 * (place // 2) + 10 * part.severity
        np.testing.assert_allclose(images.mean((1, 2, 3)), level + np.array([3, 4, 6]), atol=1)


def test_imagenet_takes_the_models_order_of_classes(imagenet: Path) -> None:
    order = ["n01484850", "n01440764", "n01443537"]
    (part,) = imagenet_c(imagenet, names=["fog"], severities=[2], classes=order)
    np.testing.assert_array_equal(part.labels, [0, 0, 1, 1, 2, 2])
    np.testing.assert_allclose(part.images[:1].mean(), 26, atol=1)
    with pytest.raises(UsageError, match="class 'n01484850' is in only one of classes="):
        list(imagenet_c(imagenet, names=["fog"], severities=[2], classes=order[1:]))


def test_a_broken_file_is_found_when_its_image_is_looked_at(imagenet: Path) -> None:
    path = imagenet / "fog" / "1" / "n01443537" / "ILSVRC2012_val_00000001.JPEG"
    path.write_bytes(path.read_bytes()[:150])
    (part,) = imagenet_c(imagenet, names=["fog"], severities=[1])
    assert part.images[:3].shape[0] == 3
    with pytest.raises(UsageError, match=r"n01443537/ILSVRC2012_val_00000001.JPEG cannot be decoded"):
        part.images[3:4]


def test_images_of_other_sizes_are_named(imagenet: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 16)).save(imagenet / "fog" / "1" / "n01443537" / "ILSVRC2012_val_00000001.JPEG")
    (part,) = imagenet_c(imagenet, names=["fog"], severities=[1])
    with pytest.raises(UsageError, match=r"00000001.JPEG is \(16, 20\) pixels, others are \(16, 24\)"):
        part.images[:]


def test_missing_files_are_named_before_anything_is_read(cifar: Path) -> None:
    (cifar / "fog.npy").unlink()
    with pytest.raises(UsageError, match=r"fog.npy is missing; the folder holds brightness, contrast"):
        cifar_c(cifar)
    assert len(list(cifar_c(cifar, names=["snow"]))) == 5
    (cifar / "labels.npy").unlink()
    with pytest.raises(UsageError, match=r"labels.npy is missing"):
        cifar_c(cifar, names=["snow"])


def test_truncated_arrays_are_named(cifar: Path) -> None:
    path = cifar / "frost.npy"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match=r"frost.npy is truncated"):
        cifar_c(cifar)
    np.save(path, np.zeros((5 * N - 1, 32, 32, 3), dtype=np.uint8))
    with pytest.raises(UsageError, match=r"frost.npy holds 29 images, but .*labels.npy 30 labels"):
        cifar_c(cifar)
    np.save(path, np.zeros((5 * N, 3, 32, 32), dtype=np.uint8))
    with pytest.raises(UsageError, match=r"frost.npy must be uint8 \[30, H, W, 3\], not uint8 \[30, 3, 32, 32\]"):
        cifar_c(cifar)


def test_labels_that_fit_no_five_severities_are_refused(cifar: Path) -> None:
    np.save(cifar / "labels.npy", np.arange(29))
    with pytest.raises(UsageError, match=r"as many for each of 5 severities"):
        cifar_c(cifar)


def test_missing_parts_of_imagenet_are_named(imagenet: Path) -> None:
    with pytest.raises(UsageError, match=r"gaussian_noise is missing; the folder holds fog, snow"):
        imagenet_c(imagenet)
    (imagenet / "snow" / "4" / "n01443537" / "ILSVRC2012_val_00000001.JPEG").unlink()
    with pytest.raises(UsageError, match=r"snow/4/n01443537 holds 1 images, .*fog/1/n01443537 2"):
        list(imagenet_c(imagenet, names=["fog", "snow"]))
    (imagenet / "snow" / "4" / "n01443537" / "ILSVRC2012_val_00000000.JPEG").unlink()
    with pytest.raises(UsageError, match=r"snow/4/n01443537 holds no images"):
        list(imagenet_c(imagenet, names=["fog", "snow"]))
    (imagenet / "fog" / "5").rename(imagenet / "five")
    with pytest.raises(UsageError, match=r"fog/5 is missing; the folder holds 1, 2, 3, 4"):
        imagenet_c(imagenet, names=["fog"])


@pytest.mark.parametrize("load", [cifar_c, imagenet_c])
def test_nonsense_is_refused(load, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"write names=\['fog'\]"):
        load(tmp_path, names="fog")
    with pytest.raises(UsageError, match="from 1 to 5, not 6"):
        load(tmp_path, names=["fog"], severities=[6])
