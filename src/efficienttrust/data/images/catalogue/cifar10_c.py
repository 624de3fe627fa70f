"""CIFAR-10-C: the test images of CIFAR-10 under one corruption at one severity."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from efficienttrust.data.corrupted import cifar_c
from efficienttrust.data.images._corrupted import corruption_asked, note
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats
from efficienttrust.data.images.catalogue.cifar10 import CLASSES


@image_formats.register("cifar10_c", "cifar10-c")
def read_cifar10_c(path: Path, wanted: Wanted) -> RawImages:
    """Read the folder with `labels.npy` and `<corruption>.npy`; options `corruption` and `severity` say which images.

    The images are mapped: what is not looked at is not read.

    References:
        Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and perturbations".
    """
    corruption, severity = corruption_asked(path, wanted, "cifar10_c")
    (part,) = cifar_c(path, names=[corruption], severities=[severity])
    return RawImages(
        name=f"cifar10_c-{corruption}-{severity}",
        part="test",
        x=part.images[:],
        y=part.labels,
        classes=CLASSES,
        notes=(note(corruption, severity),),
        split=np.repeat("test", len(part.labels)),
        settled=True,
    )
