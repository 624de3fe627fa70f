"""Write a folder of small invented pictures with labels and groups, to try `efficienttrust fit` on images of one's own.

A picture shows bars, upright or lying, in noise; the camera that took it is the group, and the old one takes darker and
noisier pictures. `labels.csv` names every file, its label, its camera and the person who took it (two pictures each).
The same seed writes the same pixels.

    python examples/make_pictures.py [FOLDER] [--images N] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 16
LABELS = ("upright", "lying")
CAMERAS = ("new", "old")


def picture(draw: np.random.Generator, label: str, camera: str) -> np.ndarray:
    """Draw one picture, uint8 [SIDE, SIDE, 3]."""
    bars = 0.5 + 0.5 * np.sin(2 * np.pi * (np.arange(SIDE) / draw.uniform(4, 7) + draw.random()))
    grey = np.tile(bars, (SIDE, 1)) if label == "upright" else np.tile(bars[:, None], (1, SIDE))
    light, noise = (0.7, 0.25) if camera == "new" else (0.45, 0.45)
    colour = draw.uniform(0.6, 1.0, 3)
    pixels = light * grey[:, :, None] * colour + draw.normal(0, noise, (SIDE, SIDE, 3)) + 0.1
    return np.uint8(255 * np.clip(pixels, 0, 1))


def write(folder: Path, images: int, seed: int) -> None:
    """Write the pictures and `labels.csv`."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "label", "camera", "patient_id"))
        for number in range(images):
            label, camera = str(draw.choice(LABELS)), str(draw.choice(CAMERAS, p=(0.7, 0.3)))
            name = f"{number:05d}.png"
            Image.fromarray(picture(draw, label, camera)).save(folder / name)
            rows.writerow((name, label, camera, number // 2))


def main() -> None:
    """Read the arguments and write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", nargs="?", type=Path, default=Path("pictures"))
    arguments.add_argument("--images", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    write(given.folder, given.images, given.seed)
    print(f"{given.images} pictures and labels.csv in {given.folder}")


if __name__ == "__main__":
    main()
