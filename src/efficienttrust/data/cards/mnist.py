"""MNIST: handwritten digits; here mostly images that a model of other things should not know."""

from __future__ import annotations

from efficienttrust.data._cards import DatasetCard, dataset_cards

CARD = dataset_cards.register("mnist")(
    DatasetCard(
        name="mnist",
        title="MNIST handwritten digits",
        licence="CC BY-SA 3.0 as commonly stated (Yann LeCun, Corinna Cortes)",
        citation=(
            "LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-based learning applied to document "
            "recognition. Proceedings of the IEEE 86."
        ),
        origin="your own copy of the idx files is read, nothing is downloaded or bundled",
        originals={
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        what="A row is a scanned digit of 28x28 pixels; predicted is which digit it is.",
        size="60,000 training and 10,000 test images of 1x28x28; 12 MB as four gzipped idx files",
        groups=("none; without others the ten digits are the groups",),
        base_rates=("test images: from .089 (digit 5) to .114 (digit 1)",),
        cleaning=("pixels as they are",),
        traps=(
            "any network reaches .99: differences between methods are seldom differences at all",
            "as images from outside it is an easy test: grey digits are unlike photographs in every respect",
        ),
        how_to_get=(
            "t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz and the same two of train, in one folder",
            "give the folder: mnist:../mnist",
        ),
    )
)
