"""CIFAR-10: small photographs of ten kinds of things."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards
from efficienttrust.data._download import Fetch

CARD = dataset_cards.register("cifar10")(
    DatasetCard(
        name="cifar10",
        title="CIFAR-10",
        licence="none stated; free for research, cite Krizhevsky 2009",
        citation=(
            "Krizhevsky, A. (2009). Learning multiple layers of features from tiny images. Technical report, "
            "University of Toronto. https://www.cs.toronto.edu/~kriz/cifar.html"
        ),
        origin="University of Toronto; downloaded when asked for, or your own copy is read; nothing is bundled",
        what="A row is a photograph of 32x32 pixels; predicted is which of ten things it shows.",
        size="50,000 training and 10,000 test images of 3x32x32; 170 MB as archive of python batches",
        groups=("none of people; without others the ten classes are the groups, 6,000 images each",),
        base_rates=("each of the ten classes: .100, in the training and in the test images",),
        cleaning=(
            "pixels as they are, channels first",
            "in a folder the official batches come first, then the lossless subset, then the JPEG zips",
        ),
        traps=(
            "the JPEG zips are lossy, about 6 of 255 off on average: take robustness figures from the batches",
            "about 3 % of the test images have a near-duplicate among the training images (Barz and Denzler 2020)",
            "parity between groups that are the classes has no meaning: look at accuracy by class",
        ),
        how_to_get=(
            "cifar10 alone downloads cifar-10-python.tar.gz (170 MB) once and checks its sha256",
            "by hand: https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz or the binary one, unpacked or not",
            "give the folder or the archive: cifar10:../data",
        ),
        fetch=Fetch(
            url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            file="cifar-10-python.tar.gz",
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            md5="c58f30108f718f92721af3b95e74349a",
        ),
    )
)
