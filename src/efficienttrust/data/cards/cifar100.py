"""CIFAR-100: small photographs of a hundred kinds of things, in twenty superclasses."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards
from efficienttrust.data._download import Fetch

CARD = dataset_cards.register("cifar100")(
    DatasetCard(
        name="cifar100",
        title="CIFAR-100",
        licence="none stated; free for research, cite Krizhevsky 2009",
        citation=(
            "Krizhevsky, A. (2009). Learning multiple layers of features from tiny images. Technical report, "
            "University of Toronto. https://www.cs.toronto.edu/~kriz/cifar.html"
        ),
        origin="University of Toronto; downloaded when asked for, or your own copy is read; nothing is bundled",
        what="A row is a photograph of 32x32 pixels; predicted is which of 100 things (or 20 superclasses) it shows.",
        size="50,000 training and 10,000 test images of 3x32x32; 169 MB as archive of python batches",
        groups=("coarse: the superclass, five classes each", "without it the classes are the groups"),
        base_rates=("as published: each class .010, each superclass .050, in the training and in the test images",),
        cleaning=("pixels as they are, channels first", "label=fine (100 classes) by default, label=coarse (20)"),
        traps=(
            "about 10 % of the test images have a near-duplicate among the training images (Barz and Denzler 2020)",
            "100 test images a class: an accuracy by class has a half-width of about .10",
            "the superclass follows from the label: it is a group to compare, not an attribute of people",
        ),
        how_to_get=(
            "cifar100 alone downloads cifar-100-python.tar.gz (169 MB) once and checks its md5",
            "by hand: https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz or cifar-100-binary.tar.gz",
            "give the folder or the archive: cifar100:../data",
        ),
        fetch=Fetch(
            url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            file="cifar-100-python.tar.gz",
            md5="eb9058c3a382ffc7106e4002c42a8d85",
        ),
    )
)
