"""PneumoniaMNIST: small chest films of children, from the official `.npz` of MedMNIST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from efficienttrust.data.images._reading import RawImages, Wanted, image_formats
from efficienttrust.data.images.catalogue.npz import read_npz
from efficienttrust.errors import UsageError

CLASSES = ("normal", "pneumonia")
FILES = ("pneumoniamnist.npz", "pneumoniamnist_64.npz", "pneumoniamnist_128.npz", "pneumoniamnist_224.npz")
REBUILT = "pneumoniamnist_rebuilt.npz"
KEYS = ("train_images", "val_images", "test_images")


@image_formats.register("pneumonia_mnist", "pneumoniamnist")
def read_pneumonia_mnist(path: Path, wanted: Wanted) -> RawImages:
    """Read the official file, or the folder that holds it; splits are the official ones.

    References:
        Kermany et al. 2018, "Identifying medical diagnoses and treatable diseases by image-based deep learning"; Yang
        et al. 2023, "MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image classification".
    """
    if wanted.sensitive or wanted.label:
        raise UsageError("PneumoniaMNIST has neither groups nor other labels: leave out --sensitive, --label")
    names = (*FILES, REBUILT)
    file = path if path.is_file() else next((path / name for name in names if (path / name).is_file()), None)
    if file is None:
        raise UsageError(
            f"the official file {FILES[0]} of PneumoniaMNIST is missing: it should be at {path / FILES[0]}"
        )
    raw = read_npz(file, wanted)
    if raw.split is None:
        raise UsageError(f"{file} has not the arrays of MedMNIST ({', '.join(KEYS)}, and as many of labels)")
    notes = ("the training images are a rebuilt copy in another order than the official file",)
    return replace(raw, name="pneumonia_mnist", classes=CLASSES, notes=notes if file.name == REBUILT else ())
