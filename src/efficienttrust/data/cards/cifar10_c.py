"""CIFAR-10-C: the test images of CIFAR-10, corrupted in 19 ways."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("cifar10_c")(
    DatasetCard(
        name="cifar10_c",
        title="CIFAR-10-C, common corruptions of CIFAR-10",
        licence="CC BY 4.0, as recalled: read the Zenodo record; the photographs are those of CIFAR-10",
        citation=(
            "Hendrycks, D. and Dietterich, T. (2019). Benchmarking neural network robustness to common corruptions and "
            "perturbations. ICLR 2019. https://arxiv.org/abs/1903.12261"
        ),
        origin="Zenodo record 2535967; your own copy is read, nothing is downloaded or bundled",
        what="A row is a corrupted test image of 32x32 pixels; predicted is which of ten things it shows.",
        size=(
            "as published: 19 corruptions at 5 severities of 10,000 images each, uint8 [50000, 32, 32, 3] a file; "
            "2.9 GB"
        ),
        groups=("none of people; without others the ten classes are the groups",),
        base_rates=("each of the ten classes: .100, as in the test images of CIFAR-10",),
        cleaning=("pixels as they are, channels first; <name>.npy holds severities 1 to 5, one after the other",),
        traps=(
            "it is for measuring alone: a model that saw a corruption in training says nothing about new ones",
            "the mean is over 15 corruptions; speckle_noise, gaussian_blur, spatter and saturate are for validation",
            "corruptions made by `audit` follow the published constants, but are other draws than these files",
            "no copy was at hand when this card was written",
        ),
        how_to_get=(
            "download CIFAR-10-C.tar from https://zenodo.org/record/2535967 and unpack it",
            "give the folder with labels.npy as cifar10_c:FOLDER?corruption=fog&severity=3",
            "all of it in Python: efficienttrust.data.corrupted.cifar_c(FOLDER)",
        ),
    )
)
