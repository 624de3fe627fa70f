"""The grid as it is written by hand with skorch and joblib: `python _study_peer.py EPOCHS SEEDS WORKERS TARGET`.

One function trains and measures one combination, and joblib's processes work through the list. Data are prepared by our
loader, which costs the peer no line, and kept by each process for the next trial on the same split.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

THRESHOLDS, RESAMPLES = 200, 100
BOUND = 0.1  # of the parity gap
LEARNING_RATE = 1e-3


def main(epochs: int, seeds: int, workers: int, target: int) -> None:
    """Run the grid and print the mean accuracy, so that something depends on every trial."""
    from _study_grid import WEIGHTS, WIDTHS
    from joblib import Parallel, delayed

    trials = list(product(WIDTHS, WEIGHTS, range(seeds)))
    rows = Parallel(n_jobs=workers)(
        delayed(trial)(widths, weight, seed, epochs, target=bool(target)) for widths, weight, seed in trials
    )
    print(len(rows), float(np.mean([row["accuracy"][0] for row in rows])))


def trial(
    widths: Sequence[int], weight: float, seed: int, epochs: int, *, target: bool
) -> dict[str, tuple[float, float, float]]:
    """Train one network, choose a threshold for the target, and return metrics on the test rows with 95 % intervals."""
    import torch
    from _study_grid import BATCH
    from skorch import NeuralNet
    from skorch.callbacks import EpochScoring
    from skorch.helper import predefined_split
    from torch import Tensor, nn
    from torch.nn import functional

    from efficienttrust.models import build_mlp

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    splits = _splits(seed)

    class Net(NeuralNet):  # type: ignore[misc]
        def get_loss(self, y_pred: Tensor, y_true: Tensor, *_: object, **__: object) -> Tensor:
            loss = functional.binary_cross_entropy_with_logits(y_pred, y_true[:, 0])
            if weight == 0:
                return loss
            member = y_true[:, 1:]
            rates = member.t().mv(torch.sigmoid(y_pred)) / member.sum(0)
            return loss + weight * (rates.max() - rates.min())

    def accuracy(net: Net, rows: object, labels: np.ndarray) -> float:
        return float(((net.predict(rows) > 0) == (np.asarray(labels)[:, 0] > 0)).mean())

    train, monitor, calibrate, test = (splits[name] for name in ("train", "monitor", "calibrate", "test"))
    net = Net(
        lambda: build_mlp(n_features=train[0].shape[1], widths=tuple(widths), seed=seed),
        criterion=nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        batch_size=BATCH,
        max_epochs=epochs,
        predict_nonlinearity=None,  # logits, as the threshold is one of logits
        iterator_train__shuffle=True,
        iterator_valid__batch_size=4096,
        train_split=predefined_split(_dataset(monitor)),
        callbacks=[EpochScoring(accuracy, name="valid_accuracy", lower_is_better=False)],
        verbose=0,
    )
    net.fit(*train)
    threshold = _threshold(net.predict(calibrate[0]), calibrate[1]) if target else 0.0
    return _measured(net.predict(test[0]) - threshold, test[1], seed)


@lru_cache(maxsize=8)
def _splits(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return rows, and labels beside one-hot groups, by split."""
    from efficienttrust.data import load_problem

    problem = load_problem("adult", sensitive="sex", seed=seed)
    found = {}
    for name, split in problem.splits.items():
        member = np.eye(len(problem.group_names), dtype=np.float32)[split.groups] * (split.groups >= 0)[:, None]
        found[name] = split.x, np.column_stack((split.y, member)).astype(np.float32)
    return found


def _dataset(rows: tuple[np.ndarray, np.ndarray]) -> object:
    from skorch.dataset import Dataset

    return Dataset(*rows)


def _threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the threshold of highest accuracy among those that keep the parity gap of the calibration rows."""
    tried = np.quantile(scores, np.linspace(0, 1, THRESHOLDS))
    found = [_rates((scores > one)[None], labels)[:2] for one in tried]
    gaps = np.array([float(gap[0]) for _, gap in found])
    accuracies = np.array([float(accuracy[0]) for accuracy, _ in found])
    return float(tried[np.argmax(np.where(gaps <= BOUND, accuracies, -gaps))])


def _rates(decided: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return accuracy, and the gaps of all, of true and of false positives; decisions [k, n], labels [n, 1 + G]."""
    truth, member = labels[:, 0] > 0, labels[:, 1:]
    correct = (decided == truth).mean(1)

    def gap(rows: np.ndarray) -> np.ndarray:
        of_group = member * rows[:, None]
        rates = (decided.astype(np.float32) @ of_group) / np.maximum(of_group.sum(0), 1)
        return np.ptp(rates, axis=1)

    return correct, gap(np.ones(len(truth))), gap(truth), gap(~truth)


def _measured(scores: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, tuple[float, float, float]]:
    """Return eight metrics with percentile intervals of the bootstrap."""
    from sklearn.metrics import log_loss, roc_auc_score

    def metrics(chosen: np.ndarray) -> list[float]:
        own, said = labels[chosen], scores[chosen]
        truth, probability = own[:, 0] > 0, 1 / (1 + np.exp(-said))
        rates = [float(one[0]) for one in _rates((said > 0)[None], own)]
        balanced = ((said > 0)[truth].mean() + (said <= 0)[~truth].mean()) / 2
        brier = ((probability - truth) ** 2).mean()
        return [*rates, balanced, brier, log_loss(truth, probability), roc_auc_score(truth, said)]

    names = ("accuracy", "parity", "opportunity", "false alarms", "balanced", "brier", "log loss", "auc")
    point = metrics(np.arange(len(scores)))
    generator = np.random.default_rng(seed)
    drawn = [metrics(generator.integers(0, len(scores), len(scores))) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return {name: (point[k], float(low[k]), float(high[k])) for k, name in enumerate(names)}


if __name__ == "__main__":
    import _study_peer  # by its name, as joblib's processes find it; of the main module they would find nothing

    _study_peer.main(*map(int, sys.argv[1:]))
