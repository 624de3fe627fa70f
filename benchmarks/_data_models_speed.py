"""Images per CPU second of our training loop, a plain DataLoader loop, and Lightning: same network, same batches."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from efficienttrust.atats import make_policy
from efficienttrust.data import Problem, load_image_problem
from efficienttrust.models import make_network
from efficienttrust.resources import CLOCKS, Budget, Ledger, TimeLimit
from efficienttrust.training import Settings, TrainingTask, _bench, inputs_of, trainers

SHARED = Path(os.environ.get("EFFICIENTTRUST_SHARED", Path(__file__).parents[2] / "shared" / "data"))
BATCH, PAD = 128, 4
OURS = "EfficientTrust"
AIM = 1.5


@dataclass(frozen=True, eq=False)
class Images:
    """The training images as every side gets them: uint8 [n, C, H, W] and class codes."""

    problem: Problem
    x: Tensor
    y: Tensor


Side = Callable[[Images, str, bool, int, int], float]
"""(images, network, augmented, epochs, seed) -> images per CPU second of the loop."""


def run(quick: bool) -> list[str]:
    """Race ResNet-8 and ResNet-20 on CIFAR-10, without and with crops and flips."""
    torch.set_num_threads(1)
    problem = load_image_problem(f"cifar10:{SHARED / 'cifar10' / 'cifar10_lossless_subset.npz'}", seed=0)
    train = problem.splits["train"]
    assert train.pixels is not None
    levels = torch.from_numpy(train.pixels.levels(np.arange(1024 if quick else len(train))))
    images = Images(problem, levels, torch.from_numpy(train.y[: len(levels)]))
    sides: dict[str, Side | None] = {
        OURS: _ours("auto"),
        f"{OURS}, fp32": _ours("fp32"),
        "DataLoader loop": _plain,
        "Lightning": _lightning if find_spec("lightning") else None,
    }
    repetitions = 1 if quick else 3
    lines = [
        "## Training on images",
        "",
        (
            f"CIFAR-10 (lossless subset), {len(levels):,} training images of 32x32, batch {BATCH}, AdamW, one thread; "
            f"images per CPU-second of the loop alone, median of {repetitions} interleaved repetitions of one epoch "
            "(range), seeds 0, 1, …; peers in fp32, as they come. “Augmented”: random crops (4 pixels) and flips, ours "
            "on the batch, the peers' image by image in the Dataset, as torchvision does. Ours runs in bfloat16 and "
            "channels-last unless the row says fp32."
        ),
        "",
    ]
    for network in ("resnet8",) if quick else ("resnet8", "resnet20"):
        for augmented in (False, True):
            rates = _race(sides, images, network, augmented, repetitions)
            lines += _table(f"{network}{', augmented' if augmented else ''}", rates, sides)
    return lines


def _race(
    sides: dict[str, Side | None], images: Images, network: str, augmented: bool, repetitions: int
) -> dict[str, list[float]]:
    running = [(name, side) for name, side in sides.items() if side is not None]
    rates: dict[str, list[float]] = {name: [] for name, _ in running}
    for seed in range(repetitions):
        turn = seed % len(running)
        for name, side in running[turn:] + running[:turn]:
            rates[name].append(side(images, network, augmented, 1, seed))
    return rates


def _table(title: str, rates: dict[str, list[float]], sides: dict[str, Side | None]) -> list[str]:
    lines = [f"| {title} | images per CPU-second | ours is faster by | aim |", "|---|---|---|---|"]
    ours = np.array(rates[OURS])
    for name in sides:
        if name not in rates:
            lines.append(f"| {name} | not installed | | |")
            continue
        values, ratios = rates[name], ours / np.array(rates[name])
        ratio = "" if name == OURS else f"{np.median(ratios):.2f}× ({ratios.min():.2f}-{ratios.max():.2f})"
        aim = "" if name.startswith(OURS) else f"≥ {AIM}×"
        lines.append(f"| {name} | {np.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f}) | {ratio} | {aim} |")
    return [*lines, ""]


def _ours(precision: str) -> Side:
    """Return our side: the network trainer on the clock of samples; what is timed is the ledger's phase `train`."""

    def train(images: Images, network: str, augmented: bool, epochs: int, seed: int) -> float:
        strengths = {"crop": 1.0, "flip": 1.0} if augmented else {}
        settings = Settings("cpu", precision, strengths)  # type: ignore[arg-type]
        ledger = Ledger(Budget(time=TimeLimit(epochs * len(images.y), "samples")))
        task = TrainingTask(targets=(), seed=seed, network=network, settings=settings)
        with patch.object(_bench, "batch_size_for", lambda n_rows: BATCH):
            trainers.get("network")(task).fit(images.problem, ledger, make_policy("static"))
        spent = dict(zip(CLOCKS, ledger.state_dict()["train"], strict=True))
        return float(spent["samples"] / spent["cpu"])

    return train


class _Pictures(Dataset[tuple[Tensor, int]]):
    """Images one by one, as a user writes it."""

    def __init__(self, images: Images, augmented: bool) -> None:
        self.x, self.y, self.augmented = images.x, images.y, augmented

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        x = self.x[row].float() / 255
        if self.augmented:
            padded = functional.pad(x[None], (PAD,) * 4, mode="reflect")[0]
            top, left = torch.randint(0, 2 * PAD + 1, (2,)).tolist()
            x = padded[:, top : top + x.shape[1], left : left + x.shape[2]]
            if torch.rand(()) < 0.5:
                x = x.flip(2)
        return x, int(self.y[row])


def _loader(images: Images, augmented: bool, seed: int) -> DataLoader[tuple[Tensor, int]]:
    order = torch.Generator().manual_seed(seed)
    return DataLoader(_Pictures(images, augmented), BATCH, shuffle=True, drop_last=True, generator=order)


def _network(images: Images, name: str, seed: int) -> nn.Module:
    return make_network(name, inputs_of(images.problem, seed), len(images.problem.classes), seed=seed)


def _plain(images: Images, network: str, augmented: bool, epochs: int, seed: int) -> float:
    module = _network(images, network, seed).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    start, n = time.process_time(), 0
    for _ in range(epochs):
        for x, y in _loader(images, augmented, seed):
            optimiser.zero_grad()
            functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            n += len(y)
    return n / (time.process_time() - start)


def _lightning(images: Images, network: str, augmented: bool, epochs: int, seed: int) -> float:
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = _network(images, network, seed)
            self.started = self.spent = 0.0
            self.n = 0

        def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
            self.n += len(batch[1])
            return functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

        def on_train_start(self) -> None:
            self.started = time.process_time()

        def on_train_end(self) -> None:
            self.spent = time.process_time() - self.started

    module = Module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice on loader workers
        trainer = lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, _loader(images, augmented, seed))
    return module.n / module.spent
