"""The published corrupted test sets, read as they are downloaded: CIFAR-10-C, CIFAR-100-C and ImageNet-C.

Hendrycks and Dietterich (2019) published the corrupted images themselves, so that everybody measures on the same
pixels. The CIFAR sets are one array per corruption with the five severities on top of each other; they are mapped,
not read, and cost memory only where they are looked at. ImageNet-C is a tree of JPEG files, decoded when a slice of
the images is taken.

Both loaders yield one `CorruptedImages` after the other. A missing or truncated file is a `UsageError` that says which
file it is and where it should be. For images of other sets there is `efficienttrust.threats.corruptions`.

Example:
    >>> from efficienttrust.data.corrupted import cifar_c
    >>> for name, severity, images, labels in cifar_c("CIFAR-10-C", names=["fog"]):  # doctest: +SKIP
    ...     print(name, severity, images[:256].shape, labels[:256].shape)
"""

from efficienttrust.data.corrupted._cifar import cifar_c
from efficienttrust.data.corrupted._imagenet import imagenet_c
from efficienttrust.data.corrupted._set import COMMON, EXTRA, SEVERITIES, CorruptedImages, Images

__all__ = ["COMMON", "EXTRA", "SEVERITIES", "CorruptedImages", "Images", "cifar_c", "imagenet_c"]
