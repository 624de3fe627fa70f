"""ImageNet (ILSVRC 2012): photographs of a thousand kinds of things."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("imagenet")(
    DatasetCard(
        name="imagenet",
        title="ImageNet, ILSVRC 2012 classification",
        licence="terms of access of image-net.org: non-commercial research and education, not to be passed on",
        citation=(
            "Russakovsky, O. et al. (2015). ImageNet large scale visual recognition challenge. IJCV 115. "
            "https://arxiv.org/abs/1409.0575"
        ),
        origin="image-net.org; your own copy is read, nothing is downloaded or bundled",
        what="A row is a photograph; predicted is which of 1,000 things it shows.",
        size="as published: 1,281,167 training and 50,000 validation images; 138 and 6.3 GB as JPEG, 193 GB decoded",
        groups=("none of people; without others the classes are the groups",),
        base_rates=(
            "as published: 732 to 1,300 training images a class; 50 validation images each",
            "not recounted here, as no copy was at hand",
        ),
        cleaning=(
            "scaled (bilinear) until the shorter side is 256, then 224x224 from the centre; ?size=64 cuts 64x64 of 73",
            "Tiny ImageNet (64x64) stays as it is; it is told by its val_annotations.txt",
            "classes in the order of their wnid, named by LOC_synset_mapping.txt, words.txt or the development kit",
            "the validation set is the test part, as labels of the test set are not public",
        ),
        traps=(
            "labels are wrong or ambiguous in several percent of the validation images (Northcutt et al. 2021)",
            "the validation set has been selected on for a decade: new images are harder (Recht et al. 2019)",
            "the order of the development kit's numbers is not that of the wnids",
            "decoded training images take 193 GB of the cache: ask for a smaller size, or set EFFICIENTTRUST_CACHE",
        ),
        how_to_get=(
            "register at https://image-net.org and unpack the archives to train/<wnid>/*.JPEG and val",
            "val may be flat, with ILSVRC2012_devkit_t12 beside it, or in folders of wnids",
            "give the folder with train and val: imagenet:../imagenet",
        ),
    )
)
