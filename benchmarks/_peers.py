"""The loops that the training benchmark compares ours with: a DataLoader loop, skorch and Lightning.

Each side gets the same tensors, network, loss and optimiser (Adam at one learning rate, as its users write it), runs on
one thread, and reports the rows it trained on and the CPU seconds its loop took; building network and trainer, and
what a framework does before its first batch, are not timed.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from efficienttrust.models import build_mlp

WIDTHS = (256, 128)
LEARNING_RATE = 1e-3
LAMBDA_F = 1.0


@dataclass(frozen=True)
class Task:
    """Training rows as arrays: x [n, d], y [n] and one-hot group membership [n, G], all float32."""

    x: np.ndarray
    y: np.ndarray
    membership: np.ndarray


@dataclass(frozen=True)
class Work:
    """Rows trained on, and the CPU seconds that took."""

    rows: int
    cpu: float

    @property
    def rate(self) -> float:
        """Rows per CPU second."""
        return self.rows / self.cpu


Side = Callable[[Task, int, int, int], Work]
"""Trains on (task, batch size, epochs, seed)."""


def peers() -> dict[str, Side | None]:
    """Return the sides by name; None where the package is not installed."""
    return {
        "DataLoader loop": _dataloader,
        "skorch": _skorch if find_spec("skorch") else None,
        "Lightning": _lightning if find_spec("lightning") else None,
    }


def _dataloader(task: Task, batch: int, epochs: int, seed: int) -> Work:
    network, loader = _network(task, seed), _loader(task, batch, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    start = time.process_time()
    for _ in range(epochs):
        for x, y, membership in loader:
            optimiser.zero_grad()
            loss = _loss(network(x), y, membership)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return Work(epochs * len(task.y), time.process_time() - start)


def _skorch(task: Task, batch: int, epochs: int, seed: int) -> Work:
    from skorch import NeuralNet

    class Net(NeuralNet):  # type: ignore[misc]
        def get_loss(self, y_pred: Tensor, y_true: Tensor, *_: Any, **__: Any) -> Tensor:
            return _loss(y_pred, y_true[:, 0], y_true[:, 1:])

    net = Net(
        partial(_network, task, seed),
        criterion=nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        batch_size=batch,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    ).initialize()
    labels = np.column_stack((task.y, task.membership))
    start = time.process_time()
    net.partial_fit(task.x, labels)
    return Work(epochs * len(task.y), time.process_time() - start)


def _lightning(task: Task, batch: int, epochs: int, seed: int) -> Work:
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # after the import, which sets it to INFO

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = _network(task, seed)
            self.started = self.spent = 0.0

        def training_step(self, rows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            x, y, membership = rows
            return _loss(self.network(x), y, membership)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)

        def on_train_start(self) -> None:
            self.started = time.process_time()

        def on_train_end(self) -> None:
            self.spent = time.process_time() - self.started

    module = Module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice on loader workers
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, _loader(task, batch, seed))
    return Work(epochs * len(task.y), module.spent)


def _network(task: Task, seed: int) -> nn.Module:
    return build_mlp(n_features=task.x.shape[1], widths=WIDTHS, seed=seed)


def _loader(task: Task, batch: int, seed: int) -> DataLoader[tuple[Tensor, ...]]:
    rows = TensorDataset(*(torch.from_numpy(part) for part in (task.x, task.y, task.membership)))
    return DataLoader(rows, batch_size=batch, shuffle=True, generator=torch.Generator().manual_seed(seed))


def _loss(logits: Tensor, y: Tensor, membership: Tensor) -> Tensor:
    """Return cross entropy and the soft gap of demographic parity, as a user of these libraries would write it."""
    rates = membership.t().mv(torch.sigmoid(logits)) / membership.sum(0)
    return functional.binary_cross_entropy_with_logits(logits, y) + LAMBDA_F * (rates.max() - rates.min())
