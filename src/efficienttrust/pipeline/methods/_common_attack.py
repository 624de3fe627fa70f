"""Two models under the same attacks: the only way to compare the robustness of a network with that of trees.

An attack that follows a model's gradient finds more on a network than any search finds on trees, which have none; two
such figures do not compare. Here both files are met by identical means, on the same rows with the same seeds:

- *transfer*: points crafted by PGD on surrogates, networks that are neither of the two, one trained plainly and one
  adversarially; both files are asked about the very same points;
- *black box*: searches that only ask the file, with the same number of questions allowed.

What stands is an upper bound for either model. The comparison says which one these attacks hurt more, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from efficienttrust.atats import make_policy
from efficienttrust.compression import DeployedImages, DeployedModel, Scorer
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.file_victims import FileVictim, ImageFileVictim
from efficienttrust.evaluation.parent import region_of, victim_of
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.pipeline._file import open_file
from efficienttrust.pipeline._session import single_thread
from efficienttrust.pipeline.methods._method import fixed
from efficienttrust.resources import Budget, Ledger
from efficienttrust.threats import Objective, Selected, Victim, attacks, evaluate_robustness
from efficienttrust.training import TrainingTask, trainers

if TYPE_CHECKING:
    from efficienttrust.pipeline._run import Run

LEVEL = 0.95
ROWS = 1000
SURROGATE_STEPS = 400
RESTARTS = 2  # of PGD on a surrogate
SEARCHES = ("coordinate", "square", "random_points")
SURROGATES = {"plain": 0.0, "adversarial": 0.5}
"""Name of a surrogate to the adversarial share of its batches."""


@dataclass(frozen=True)
class Stand:
    """How one model stands.

    Attributes:
        clean: Share of the rows that are right without an attack.
        transfer: That are right at every transferred point too.
        black_box: That are right at every point that the searches found too.
        both: That are right under everything; of what is reported, the lowest.
        low: Lower end of the Wilson interval of `both`, at 95 %.
        high: Upper end.
    """

    clean: float
    transfer: float
    black_box: float
    both: float
    low: float
    high: float


@dataclass(frozen=True)
class CommonAttack:
    """Two models under identical attacks.

    Attributes:
        first: How the first stands.
        second: How the second stands.
        difference: `both` of the first less that of the second, on the same rows.
        low: Lower end of the interval of the paired difference, at 95 %.
        high: Upper end.
        n: Rows attacked.
        eps: Radius.
        norm: Norm.
        how: What was done, in one sentence.
    """

    first: Stand
    second: Stand
    difference: float
    low: float
    high: float
    n: int
    eps: float
    norm: str
    how: str


def compare_robustness(
    problem: Problem, first: Run, second: Run, *, eps: float, norm: str = "linf", rows: int = ROWS, seed: int = 0
) -> CommonAttack:
    """Attack the files of two runs by the same transferred points and the same searches, on the same test rows.

    Args:
        problem: What both were trained on.
        first: A run.
        second: Another run.
        eps: Radius, in the unit of the problem (training standard deviations, or pixels in [0, 1]).
        norm: `linf` or `l2`.
        rows: Test rows to attack at most, drawn by the seed.
        seed: Seed of the rows, of the surrogates and of the attacks.

    Raises:
        UsageError: The task is a regression, or a run is of other data.
    """
    if problem.task == "regression":
        raise UsageError("the robustness of a regression is not compared: there is no decision to attack")
    for run in (first, second):
        if run.document["problem"]["fingerprint"] != problem.fingerprint:
            raise UsageError(f"{run!r} was trained on other data or another split: load the problem it was trained on")
    part = problem.splits["test"]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(part))[:rows])
    with single_thread():
        transferred = list(_transferred(problem, chosen, eps, norm, seed))
        found = [_standing(problem, run, chosen, transferred, eps, norm, seed) for run in (first, second)]
    one, two = (standing["both"].astype(np.float64) for standing in found)
    z, apart = two_sided_z(LEVEL), one - two
    half = z * float(apart.std()) / math.sqrt(len(apart))
    searches = ", ".join(_searches(problem))
    return CommonAttack(
        first=_stand(found[0]),
        second=_stand(found[1]),
        difference=float(apart.mean()),
        low=float(apart.mean()) - half,
        high=float(apart.mean()) + half,
        n=len(chosen),
        eps=eps,
        norm=norm,
        how=f"PGD on {len(SURROGATES)} surrogate networks, transferred, and {searches} on each file",
    )


def _standing(
    problem: Problem, run: Run, rows: NDArray[np.int64], transferred: list[torch.Tensor], eps: float, norm: str,
    seed: int,
) -> Mapping[str, NDArray[np.bool_]]:  # fmt: skip
    victim = _victim(problem, run)
    part = problem.splits["test"]
    positions, labels = torch.from_numpy(rows), torch.from_numpy(part.y[rows]).long()
    where = region_of(problem, torch.from_numpy(part.inputs(rows)), eps, norm)

    def right(points: torch.Tensor) -> NDArray[np.bool_]:
        objective = Objective(victim.bind(positions), labels)
        with torch.no_grad():
            return np.asarray(objective.right(objective.answer(points)))

    clean = right(where.origin)
    transfer, black_box = clean.copy(), clean.copy()
    for points in transferred:
        transfer &= right(points)
    for name in _searches(problem):
        selected = Selected(victim, positions)
        black_box &= evaluate_robustness(selected, where, labels, attack=name, seed=seed).right.numpy()
    return {"clean": clean, "transfer": transfer, "black_box": black_box, "both": transfer & black_box}


def _stand(standing: Mapping[str, NDArray[np.bool_]]) -> Stand:
    n = len(standing["both"])
    low, high = wilson(standing["both"].sum(), n, two_sided_z(LEVEL))
    return Stand(**{name: float(one.mean()) for name, one in standing.items()}, low=float(low), high=float(high))


def _transferred(problem: Problem, rows: NDArray[np.int64], eps: float, norm: str, seed: int) -> Iterator[torch.Tensor]:
    part = problem.splits["test"]
    x, labels = part.inputs(rows), torch.from_numpy(part.y[rows]).long()
    where = region_of(problem, torch.from_numpy(x), eps, norm)
    for share in SURROGATES.values():
        victim = victim_of(problem, _surrogate(problem, share, eps, norm, seed), x)
        # Rows that the surrogate gets wrong are pushed too: what they are worth to the two models is for these to say.
        generator = torch.Generator().manual_seed(seed)
        objective = Objective(victim.bind(torch.arange(len(rows))), labels)
        for _ in range(RESTARTS):
            points, _ = attacks.get("pgd").run(objective, where, generator)
            yield points.detach()


def _surrogate(problem: Problem, share: float, eps: float, norm: str, seed: int) -> Scorer:
    """Return a network that was trained for a fixed number of steps, by another seed than the models have."""
    task = TrainingTask(
        targets=(parse_target(f"robust_accuracy(pgd, eps={eps!r}, norm={norm}) >= 0.5"),),
        seed=seed + 1_000_003,
        network="mlp" if problem.kind == "table" else "resnet8",
        options={"widths": (64, 32)} if problem.kind == "table" else {},
    )
    ledger = Ledger(Budget.parse(f"steps={SURROGATE_STEPS}"))
    policy = make_policy(fixed(adversarial_share=share))
    return trainers.get("network")(task).fit(problem, ledger, policy).members[0].scorer


def _victim(problem: Problem, run: Run) -> Victim:
    file, part = open_file(problem, run.content), problem.splits["test"]
    if isinstance(file, DeployedImages):
        return ImageFileVictim(file)
    assert isinstance(file, DeployedModel)
    return FileVictim(file, file.prepare(problem.raw("test")), part.x, problem.encoder)


def _searches(problem: Problem) -> tuple[str, ...]:
    pixels = problem.splits["test"].pixels
    cells = len(problem.domain.lower) if pixels is None else math.prod(pixels.shape)
    fits = [name for name in SEARCHES if (most := attacks.get(name).most_cells) is None or cells <= most]
    return tuple(fits)
