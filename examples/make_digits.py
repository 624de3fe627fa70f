"""Write a small torch model as other people hand one over, and images to audit it on: 1,797 digits of 8 x 8 pixels.

The digits come with scikit-learn. Written are `digits.npz` (training and test images), `digits_model.py` (a function
that builds the network) and `digits_model.safetensors` (its parameters after a few seconds of training).

    python examples/make_digits.py [--seed N]
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits

MODEL = '''"""A small convolutional network for digits."""

from torch import nn


def build():
    """Return the network, from images [n, 1, 8, 8] in [0, 1] to logits [n, 10]."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * 4 * 4, 10),
    )
'''


def images(seed: int) -> dict[str, np.ndarray]:
    """Return the digits as uint8, two thirds for training, with the hand (left or right, invented) as an attribute."""
    digits = load_digits()
    x = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = order[:1200], order[1200:]
    hand = np.random.default_rng(seed + 1).choice(["left", "right"], len(x), p=[0.3, 0.7])
    return {
        "x_train": x[train], "y_train": digits.target[train], "hand_train": hand[train],
        "x_test": x[test], "y_test": digits.target[test], "hand_test": hand[test],
    }  # fmt: skip


def train(network: torch.nn.Module, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Train with Adam."""
    pixels, labels = torch.from_numpy(x[:, None] / np.float32(255)), torch.from_numpy(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels)).split(64):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(pixels[rows]), labels[rows]).backward()
            optimiser.step()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a small torch model and images to audit it on.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    Path("digits_model.py").write_text(MODEL, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("digits_model", "digits_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arrays, network = images(arguments.seed), module.build()
    train(network, arrays["x_train"], arrays["y_train"], epochs=6)
    np.savez("digits.npz", **arrays)
    save_file(network.state_dict(), "digits_model.safetensors")
    print("digits.npz, digits_model.py, digits_model.safetensors")
