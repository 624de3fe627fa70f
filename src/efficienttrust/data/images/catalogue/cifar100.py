"""CIFAR-100: python and binary batches; 100 classes in 20 superclasses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from efficienttrust.data.images._cifar import Official, missing, read_batches
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats, refuse_options
from efficienttrust.errors import UsageError, unknown_name

FINE_NAMES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""
COARSE_NAMES = """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
    large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees
    vehicles_1 vehicles_2
"""
FINE, COARSE = tuple(FINE_NAMES.split()), tuple(COARSE_NAMES.split())
LABELS = {"fine": (0, FINE), "coarse": (1, COARSE)}
OFFICIAL = Official(
    title="CIFAR-100",
    folders=("", "cifar-100-python", "cifar-100-binary", "cifar100", "cifar100/cifar-100-python"),
    archives=("cifar-100-python.tar.gz", "cifar-100-binary.tar.gz"),
    labels=(b"fine_labels", b"coarse_labels"),
    record=(b"coarse_labels", b"fine_labels"),
)


@image_formats.register("cifar100", "cifar-100")
def read_cifar100(path: Path, wanted: Wanted) -> RawImages:
    """Read CIFAR-100; the label is `fine` (100 classes) or `coarse` (20), and `coarse` is a sensitive attribute too.

    References:
        Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    refuse_options(wanted)
    if wanted.label not in (None, *LABELS):
        raise unknown_name("label of CIFAR-100", str(wanted.label), LABELS)
    for name in wanted.sensitive:
        if name != "coarse":
            raise unknown_name("sensitive attribute of CIFAR-100", name, ("coarse",))
    parts = ("train", "test") if wanted.part == "all" else (wanted.part,)
    images, labels = [], []
    for part in parts:
        batch = read_batches(path, (part,), OFFICIAL)
        if batch is None:
            raise missing(path, 0, (part,), OFFICIAL)
        images.append(batch[0])
        labels.append(np.stack(batch[1]))
    fine_and_coarse = np.concatenate(labels, axis=1)
    place, classes = LABELS[wanted.label or "fine"]
    coarse = fine_and_coarse[1]
    if coarse.min() < 0 or coarse.max() >= len(COARSE):
        raise UsageError(f"{path} has the superclass {coarse.max()}; CIFAR-100 has 0 to {len(COARSE) - 1}")
    return RawImages(
        name="cifar100",
        part=wanted.part,
        x=np.concatenate(images),
        y=fine_and_coarse[place],
        classes=classes,
        attributes={name: np.array(COARSE)[coarse] for name in wanted.sensitive},
        split=np.repeat(parts, [len(part) for part in images]),
    )
