"""Image sets: pictures with labels, and groups where there are any, as one array that needs no torch.

`load_images` reads the official files of a known set (`cifar10:FOLDER`, `imagenet:FOLDER`), a folder of image files
(`folder:PATH`), any `.npz` file, or a data set in memory (torch, Hugging Face). Whatever the source holds, an
`ImageSet` holds uint8 pixels [n, C, H, W]: which layout was found, and what was changed, is a line in `ImageSet.notes`.
Encoded files are decoded once, into a cache that is mapped and never copied, so that a set need not fit into memory.
Nothing that a file names is ever called: the official batches of CIFAR, which are pickles, pass a reader that makes
arrays and nothing else.

One module in `catalogue` reads one format and registers it by the word in front of the colon.

Example:
    >>> import numpy as np
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    >>> np.savez("/tmp/images.npz", x=images, y=[0, 1, 2, 0, 1, 2])
    >>> load_images("/tmp/images.npz").x.shape
    (6, 3, 8, 8)
"""

from efficienttrust.data.images._image_set import ImageSet as ImageSet
from efficienttrust.data.images._load import is_image_source as is_image_source
from efficienttrust.data.images._load import load_images as load_images
from efficienttrust.data.images._reading import PATH_OPTIONS as PATH_OPTIONS
from efficienttrust.data.images._reading import RawImages as RawImages
from efficienttrust.data.images._reading import image_formats as image_formats
from efficienttrust.data.images._resolution import at_resolution as at_resolution

__all__ = ["PATH_OPTIONS", "ImageSet", "RawImages", "at_resolution", "image_formats", "is_image_source", "load_images"]
