"""ImageNet-C: the validation images of ImageNet, corrupted in 19 ways."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("imagenet_c")(
    DatasetCard(
        name="imagenet_c",
        title="ImageNet-C, common corruptions of ImageNet",
        licence="CC BY 4.0, as recalled: read the Zenodo record; the photographs are under the terms of ImageNet",
        citation=(
            "Hendrycks, D. and Dietterich, T. (2019). Benchmarking neural network robustness to common corruptions and "
            "perturbations. ICLR 2019. https://arxiv.org/abs/1903.12261"
        ),
        origin="Zenodo record 2235448; your own copy is read, nothing is downloaded or bundled",
        what="A row is a corrupted validation image of 224x224 pixels; predicted is which of 1,000 things it shows.",
        size=(
            "as published: 19 corruptions at 5 severities of 50,000 JPEG files each; noise.tar, blur.tar, weather.tar, "
            "digital.tar and extra.tar, more than 60 GB together"
        ),
        groups=("none of people; without others the classes are the groups",),
        base_rates=("each of the 1,000 classes: .001, as in the validation images of ImageNet",),
        cleaning=("files are decoded when they are looked at; classes are the folders, sorted by wnid",),
        traps=(
            "it is for measuring alone: a model that saw a corruption in training says nothing about new ones",
            "the files are JPEG: every corruption is followed by a compression",
            "the images are cut to 224x224 already: do not scale and cut them again",
            "the mean is over 15 corruptions; those of extra.tar are for validation",
            "no copy was at hand when this card was written",
        ),
        how_to_get=(
            "download the archives from https://zenodo.org/record/2235448 and unpack them into one folder",
            "it then holds <corruption>/<severity 1 to 5>/<wnid>/*.JPEG",
            "give that folder as imagenet_c:FOLDER?corruption=fog&severity=3",
            "where a model names its classes by words, place LOC_synset_mapping.txt of ImageNet in it",
            "all of it in Python: efficienttrust.data.corrupted.imagenet_c(FOLDER)",
        ),
    )
)
