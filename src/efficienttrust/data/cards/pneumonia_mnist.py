"""PneumoniaMNIST: small chest films of children."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("pneumonia_mnist")(
    DatasetCard(
        name="pneumonia_mnist",
        title="PneumoniaMNIST (MedMNIST v2)",
        licence="CC BY 4.0 (MedMNIST v2)",
        citation=(
            "Yang, J. et al. (2023). MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image "
            "classification. Scientific Data 10. The films: Kermany, D. et al. (2018). Cell 172."
        ),
        origin="Zenodo; your own copy is read, nothing is downloaded or bundled",
        what="A row is a frontal chest film of a child; predicted is pneumonia.",
        size="4,708 training, 524 validation and 624 test images of 1x28x28; 4 MB",
        groups=("none: the release tells neither sex nor age nor patient; without others the classes are the groups",),
        base_rates=("pneumonia: .742 in training, .742 in validation, .625 in test images",),
        cleaning=("pixels as they are", "official splits", "a rebuilt copy, in another order, says so in its notes"),
        traps=(
            "the patient is not told: films of one child may stand in more than one split",
            "the share of pneumonia differs between training and test: thresholds carry over badly",
            "624 test images, of which 621 differ: an accuracy of .85 has a half-width of about .03",
            "28x28 pixels show no fine findings: no statement about a clinical reader follows",
        ),
        how_to_get=(
            "pneumoniamnist.npz (or pneumoniamnist_64, _128, _224) from https://medmnist.com",
            "give the file or its folder: pneumonia_mnist:../medmnist",
        ),
    )
)
