"""ImageNet-C: validation images of ImageNet under one corruption at one severity."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from efficienttrust.data.corrupted import imagenet_c
from efficienttrust.data.corrupted._imagenet import JpegImages
from efficienttrust.data.images._cache import decoded
from efficienttrust.data.images._corrupted import corruption_asked, note
from efficienttrust.data.images._files import ImageFile
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats, size_option
from efficienttrust.data.images.catalogue.imagenet import class_names


@image_formats.register("imagenet_c", "imagenet-c")
def read_imagenet_c(path: Path, wanted: Wanted) -> RawImages:
    """Read `<corruption>/<severity>/<wnid>/*.JPEG`; options `corruption` and `severity` say which images.

    The images are cut to 224x224 already and stay as they are; `size` scales them to what `imagenet` gives at it.
    Classes are the folders, sorted by wnid, as in `imagenet`, with the words of `LOC_synset_mapping.txt` or `words.txt`
    where the folder has one.

    References:
        Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common corruptions and perturbations".
    """
    corruption, severity = corruption_asked(path, wanted, "imagenet_c", "size")
    (part,) = imagenet_c(path, names=[corruption], severities=[severity])
    assert isinstance(part.images, JpegImages)
    side = size_option(wanted)
    wnids = sorted({file.parent.name for file in part.images.paths})
    return RawImages(
        name=f"imagenet_c-{corruption}-{severity}",
        part="test",
        x=decoded([ImageFile(file) for file in part.images.paths], size=(side, side) if side else None),
        y=part.labels,
        classes=class_names(path, wnids),
        notes=(note(corruption, severity),),
        split=np.repeat("test", len(part.labels)),
    )
