"""Attacks against foolbox, torchattacks and the Adversarial Robustness Toolbox: same model, rows, radius, steps."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
import torch
from _evaluation_models import BATCH, EPS, Pictures, digits
from torch import Tensor, nn

from efficienttrust.compression import NetworkScorer
from efficienttrust.data import load_problem
from efficienttrust.evaluation.parent import NetworkVictim
from efficienttrust.metrics.intervals import newcombe, two_sided_z
from efficienttrust.models import build_mlp
from efficienttrust.threats import ModuleVictim, Reach, attacks, ball, evaluate_robustness, robustness_curve
from efficienttrust.threats.catalogue.pgd import PGD

STEPS, SIZE = 20, 0.25  # steps of a quarter radius: 2/255 at 8/255
CURVE = tuple(n / 255 for n in (2, 4, 6, 8, 12))
TABLE_EPS, TABLE_ROWS, TABLE_BATCH = 0.25, 4096, 1024
OURS = "EfficientTrust"
Attack = Callable[[], list[float]]
"""Runs an attack and returns robust accuracies, one per radius."""


def run(quick: bool) -> list[str]:
    """Race all sides on a plain and a hardened network, at one radius and five, and on Adult."""
    repetitions = 2 if quick else 3
    lines = [
        "## Attacks",
        "",
        (
            f"PGD, {STEPS} steps of a quarter radius with random start, L∞; peers in batches of {BATCH}; ResNet-20 on "
            "192 digits of 32x32 pixels, trained plainly and with N-FGSM; one thread. Ours leaves rows once they fall, "
            "folds batch norms and screens in bfloat16, with every verdict confirmed by the fp32 model given; the row "
            f"“{OURS}, fp32” does without bfloat16. CPU seconds, median of {repetitions} interleaved repetitions, "
            "seeds 0, 1, …"
        ),
        "",
    ]
    step = replace(attacks.get("pgd"), iteration=PGD(steps=STEPS, size=SIZE))
    with patch.dict(attacks._things, {"pgd": step}):
        for hardened in (False, True):
            pictures = digits(hardened=hardened, epochs=4 if quick else 12)
            kind = "hardened" if hardened else "plain"
            aim = (1.5, 1.4) if hardened else (3.0, 2.4)
            for title, eps, least in (("eps 8/255", (EPS,), aim[0]), ("five eps", CURVE, aim[1])):
                sides = _image_sides(pictures, eps)
                lines += _table(f"{kind} network, {title}", sides, len(pictures.y), repetitions, least)
        lines += _table(
            f"Adult, {TABLE_ROWS:,} test rows, MLP 256-128, eps {TABLE_EPS} on the numeric columns",
            _table_sides(quick), TABLE_ROWS, repetitions, 3.0,
        )  # fmt: skip
    return lines


def _table(title: str, sides: dict[str, Attack | None], n: int, repetitions: int, aim: float) -> list[str]:
    """Run all sides in turns and print seconds, ratio and robust accuracy."""
    running = {name: side for name, side in sides.items() if side is not None}
    seconds: dict[str, list[float]] = {name: [] for name in running}
    accuracy: dict[str, list[float]] = {}
    names = list(running)
    for repetition in range(repetitions):
        for name in names[repetition % len(names) :] + names[: repetition % len(names)]:
            torch.manual_seed(repetition)
            np.random.seed(repetition)  # noqa: NPY002 - what the peers draw from
            start = time.process_time()
            accuracy[name] = running[name]()
            seconds[name].append(time.process_time() - start)
    peers = [name for name in names if not name.startswith(OURS)]
    best = min(peers, key=lambda name: float(np.median(seconds[name])), default=None)
    lines = [
        f"### {title[0].upper()}{title[1:]}",
        "",
        "| | CPU s | ours is faster by | robust accuracy |",
        "|---|---|---|---|",
    ]
    for name, side in sides.items():
        if side is None:
            lines.append(f"| {name} | not installed | | |")
            continue
        ratios = np.array(seconds[name]) / np.array(seconds[OURS])
        ratio = "" if name.startswith(OURS) else f"{np.median(ratios):.2f}× ({ratios.min():.2f}-{ratios.max():.2f})"
        rates = " ".join(f"{rate:.3f}" for rate in accuracy[name])
        lines.append(f"| {name} | {np.median(seconds[name]):.2f} | {ratio} | {rates} |")
    lines.append("")
    if best is not None:
        gain = np.median(np.array(seconds[best]) / np.array(seconds[OURS]))
        said = f"Against the fastest peer ({best}): **{gain:.2f}×** (aim: ≥ {aim}×)."
        lines += [f"{said} {_agreement(accuracy, best, n)}", ""]
    return lines


def _agreement(accuracy: dict[str, list[float]], best: str, n: int) -> str:
    """Say whether the interval of every difference in robust accuracy to the fastest peer holds 0."""
    ours, theirs = np.array(accuracy[OURS]), np.array(accuracy[best])
    trials = np.full(len(ours), float(n))
    low, high = newcombe(ours * n, trials, theirs * n, trials, two_sided_z(0.95))
    inside = bool(((low <= 0) & (high >= 0)).all())
    return (
        f"The 95 % interval of the difference in robust accuracy {'holds 0' if inside else 'does NOT hold 0'}"
        f"{' at every radius' if len(ours) > 1 else ''} (largest difference {np.abs(ours - theirs).max():.3f})."
    )


def _image_sides(pictures: Pictures, eps: Sequence[float]) -> dict[str, Attack | None]:
    model, x, y = pictures.model, pictures.x, pictures.y

    def ours(screen: bool | None) -> list[float]:
        victim = ModuleVictim(model, screen=screen)
        if len(eps) == 1:
            return [evaluate_robustness(victim, ball(x, eps[0]), y, attack="pgd").accuracy]
        found = robustness_curve(victim, lambda radius: ball(x, radius), y, eps, attack="pgd")
        return [one.accuracy for one in found]

    return {
        OURS: lambda: ours(None),
        f"{OURS}, fp32": lambda: ours(False),
        "torchattacks": _torchattacks(lambda rows: model, x, y, eps, BATCH) if find_spec("torchattacks") else None,
        "foolbox": _foolbox(lambda rows: model, x, y, eps, BATCH) if find_spec("foolbox") else None,
        "ART": _art(model, x, y, eps) if find_spec("art") else None,
    }


Models = Callable[[slice], nn.Module]
"""Rows of a batch -> the model that answers for them (on a table, the columns that do not move are part of it)."""


def _torchattacks(models: Models, x: Tensor, y: Tensor, eps: Sequence[float], batch: int) -> Attack:
    import torchattacks

    def attack() -> list[float]:
        rates = []
        for radius in eps:
            stood = 0
            for start in range(0, len(x), batch):
                rows = slice(start, start + batch)
                model = models(rows)
                pgd = torchattacks.PGD(model, eps=radius, alpha=SIZE * radius, steps=STEPS, random_start=True)
                moved = pgd(x[rows], y[rows])
                with torch.no_grad():
                    stood += int((model(moved).argmax(1) == y[rows]).sum())
            rates.append(stood / len(x))
        return rates

    return attack


def _foolbox(models: Models, x: Tensor, y: Tensor, eps: Sequence[float], batch: int) -> Attack:
    import foolbox

    def attack() -> list[float]:
        stood = np.zeros(len(eps))
        for start in range(0, len(x), batch):
            rows = slice(start, start + batch)
            pgd = foolbox.attacks.LinfPGD(steps=STEPS, rel_stepsize=SIZE, random_start=True)
            victim = foolbox.PyTorchModel(models(rows), bounds=(0, 1))
            _, _, fooled = pgd(victim, x[rows], y[rows], epsilons=list(eps))
            stood += (~fooled).float().sum(1).numpy()
        return [float(rate) for rate in stood / len(x)]

    return attack


def _art(model: nn.Module, x: Tensor, y: Tensor, eps: Sequence[float]) -> Attack:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import ProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier

    shape = tuple(x.shape[1:])
    estimator = PyTorchClassifier(model, nn.CrossEntropyLoss(), shape, 10, clip_values=(0.0, 1.0))

    def attack() -> list[float]:
        rates = []
        for radius in eps:
            pgd = ProjectedGradientDescent(
                estimator, eps=radius, eps_step=SIZE * radius, max_iter=STEPS, num_random_init=1, batch_size=BATCH,
                verbose=False,
            )  # fmt: skip
            moved = torch.from_numpy(pgd.generate(x.numpy(), y.numpy()))
            with torch.no_grad():
                rates.append(float((model(moved).argmax(1) == y).float().mean()))
        return rates

    return attack


class _Numeric(nn.Module):
    """A table model as a function of its numeric columns, scaled into [0, 1], the other columns held fixed."""

    def __init__(self, network: nn.Module, fixed: Tensor, low: float, width: float) -> None:
        super().__init__()
        self.network, self.fixed, self.low, self.width = network, fixed, low, width

    def forward(self, unit: Tensor) -> Tensor:
        """Return two logits."""
        z = self.network(torch.cat([self.low + self.width * unit, self.fixed], dim=1))
        return torch.stack([torch.zeros_like(z), z], dim=1)


def _table_sides(quick: bool) -> dict[str, Attack | None]:
    """Attack a plainly trained network on Adult; everybody may move the numeric columns by eps, whole units or not."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    train, test = problem.splits["train"], problem.splits["test"]
    network = build_mlp(n_features=train.x.shape[1], widths=(256, 128), seed=0)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    x, labels = torch.from_numpy(train.x), torch.from_numpy(train.y.astype(np.float32))
    order = torch.Generator().manual_seed(0)
    for _ in range(1 if quick else 8):
        for rows in torch.randperm(len(x), generator=order).split(256):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(network(x[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    for parameter in network.parameters():
        parameter.grad = None
    p = len(problem.domain.lower)
    rows = torch.from_numpy(test.x[:TABLE_ROWS])
    y = torch.from_numpy(test.y[:TABLE_ROWS].astype(np.int64))
    numeric, fixed = rows[:, :p].contiguous(), rows[:, p:].contiguous()
    low, width = float(numeric.min()) - 1.0, float(np.ptp(numeric.numpy())) + 2.0
    unit, radius = (numeric - low) / width, TABLE_EPS / width
    scorer = NetworkScorer(network.layers())

    def ours(proving: bool) -> list[float]:
        from efficienttrust.compression import Decision

        victim = NetworkVictim(scorer, test.x[:TABLE_ROWS], p, Decision() if proving else None)
        free = torch.full_like(numeric, TABLE_EPS)
        region = Reach(numeric, free, free, torch.zeros(p))
        return [evaluate_robustness(victim, region, y, attack="pgd").accuracy]

    def models(part: slice) -> nn.Module:
        return _Numeric(network, fixed[part], low, width).eval()

    return {
        OURS: lambda: ours(True),
        f"{OURS}, without proofs": lambda: ours(False),
        "torchattacks": _torchattacks(models, unit, y, (radius,), TABLE_BATCH) if find_spec("torchattacks") else None,
        "foolbox": _foolbox(models, unit, y, (radius,), TABLE_BATCH) if find_spec("foolbox") else None,
    }
