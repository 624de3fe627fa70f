"""The suite: what is measured on the exported file, on which split, and how.

Attacks are crafted on the float parent and scored on the file; a black-box search runs on the file itself; a row counts
as right under attack only if it survived both. So a figure is about what is deployed, and the lowest is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.compression import Decision, DeployedModel, Feeds, NetworkScorer, Scorer
from efficienttrust.data import Encoder, Problem, Split
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.calibration import robustness_key
from efficienttrust.evaluation.parent import NetworkVictim
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import REQUIRED, Measurement, Outcome, measure, metrics
from efficienttrust.threats import Selected, Victim, attacks, evaluate_robustness, reach

RESTARTS = 2
BLACK_BOX_QUERIES = 400_000  # rows scored by the search on the file, which bounds the rows it looks at
SEARCHES = ("coordinate", "square", "random_points")  # what the cascade runs on the file itself


class FileVictim:
    """Margins of the exported file on fixed rows, through onnxruntime: scores only.

    Args:
        file: The exported file.
        feeds: Its prepared rows.
        x: [n, d] the same rows, encoded.
        encoder: Turns encoded numeric columns back into raw ones.
    """

    differentiable = False

    def __init__(self, file: DeployedModel, feeds: Feeds, x: NDArray[np.float32], encoder: Encoder) -> None:
        self._file, self._feeds, self._x, self._encoder = file, feeds, x, encoder

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the file's margin of these rows as a function of their encoded numeric columns."""
        index = rows.numpy()
        moved, raw = self._x[index].copy(), self._feeds.numeric[index]

        def margin(numeric: Tensor) -> Tensor:
            values = numeric.detach().numpy()
            p = values.shape[1]
            # Only what moved is decoded: an untouched cell (a missing one among them) keeps its raw value.
            touched = values != self._x[index, :p]
            moved[:, :p] = values
            decoded = np.where(touched, self._encoder.raw_numeric(moved), raw)
            return torch.from_numpy(self._file.run_feeds(self._feeds, numeric=decoded, rows=index).margin)

        return margin


@dataclass(frozen=True, eq=False)
class SplitEvaluation:
    """What the file said on one split.

    Attributes:
        outcome: Everything that metrics need.
        margin: [n] margins of the file.
    """

    outcome: Outcome
    margin: NDArray[np.float32]


def check_measurable(targets: Sequence[Target]) -> None:
    """Refuse targets on an unknown attack, on another task, or on what only an audit measures."""
    for target in targets:
        metric = metrics.get(target.metric)
        if "binary" not in metric.tasks:
            raise UsageError(f"target {target.text}: {metric.name} is for {' and '.join(sorted(metric.tasks))} tasks")
        if metric.needs & {"corrupted", "ood"}:
            raise UsageError(
                f"target {target.text}: a fit does not steer by {metric.name}; train first, then "
                "`efficienttrust audit RUN --target ...`"
            )
        if target.metric in ROBUST_METRICS:
            attacks.get(str(dict(target.arguments)["attack"]))


def evaluate_file(
    file: DeployedModel,
    problem: Problem,
    split: str,
    targets: Sequence[Target],
    *,
    scorer: Scorer,
    decision: Decision,
    seed: int,
) -> SplitEvaluation:
    """Run the exported file on a split, clean and under every attack that the targets ask for.

    Args:
        file: The exported file.
        problem: The problem.
        split: Name of the split.
        targets: The targets.
        scorer: The float parent.
        decision: Its decision rule.
        seed: Seed of the attacks.

    Raises:
        UsageError: The file answers with something that is not a number.
    """
    part = problem.splits[split]
    feeds = file.prepare(problem.raw(split))
    said = file.run_feeds(feeds)
    if not np.isfinite(said.margin).all():
        raise UsageError(f"the model file answers NaN for {int((~np.isfinite(said.margin)).sum())} rows of {split}")
    robust: dict[str, NDArray[np.bool_]] = {}
    robust_rows: dict[str, NDArray[np.int64]] = {}
    victim = FileVictim(file, feeds, part.x, problem.encoder)
    for target in targets:
        if target.metric not in ROBUST_METRICS or robustness_key(target) in robust:
            continue
        key, arguments = robustness_key(target), dict(target.arguments)
        n_numeric = len(problem.domain.lower)
        most = max(500, BLACK_BOX_QUERIES // max(4 * n_numeric, 1))
        rows = np.sort(np.random.default_rng(seed).permutation(len(part.y))[:most])
        standing = (said.decision[rows] > 0) == (part.y[rows] > 0)
        assault = _Assault(
            victim, scorer, decision, problem, part, str(arguments["attack"]), float(str(arguments["eps"])),
            str(arguments["norm"]), seed,
        )  # fmt: skip
        standing[standing] = assault.survivors(rows[standing])
        robust[key], robust_rows[key] = standing, rows
    outcome = Outcome(
        y=part.y,
        prediction=said.decision.astype(np.int8),
        score=said.score,
        groups=part.groups,
        group_names=problem.group_names,
        attributes={name: (codes, problem.attribute_names[name]) for name, codes in part.codes.items()},
        robust=robust,
        robust_rows=robust_rows,
        weight=part.weight,
    )
    return SplitEvaluation(outcome, said.margin)


def measure_all(outcome: Outcome, targets: Sequence[Target], level: float = 0.95) -> dict[str, Measurement]:
    """Measure every metric that needs no argument, every target, and worst-group robustness, each with its interval."""
    found: dict[str, Measurement] = {}

    def add(name: str, arguments: Mapping[str, object]) -> None:
        measured = measure(name, outcome, arguments, level)
        found[measured.name] = measured

    for name in metrics.names():
        metric = metrics.get(name)
        if REQUIRED not in metric.parameters.values() and not metric.lacks(outcome):
            add(name, {})
            if "by" in metric.parameters and len(outcome.attributes) > 1:
                for attribute in outcome.attributes:
                    add(name, {"by": attribute})
    for target in targets:
        add(target.metric, dict(target.arguments))
        if target.metric in ROBUST_METRICS:
            where = {key: value for key, value in dict(target.arguments).items() if key in ("attack", "eps", "norm")}
            for name in ROBUST_METRICS:
                add(name, where)
    return found


@dataclass(frozen=True, eq=False)
class _Assault:
    """One attack on the file, by two ways: crafted on the float parent, and searched on the file itself."""

    file: FileVictim
    scorer: Scorer
    decision: Decision
    problem: Problem
    part: Split
    attack: str
    eps: float
    norm: str
    seed: int

    def survivors(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return, for rows that are right when clean, which are still right after every way of attacking."""
        standing = np.ones(len(rows), dtype=bool)
        for way in self._ways():
            left = rows[standing]
            if len(left):
                margin = self.file.bind(torch.from_numpy(left))(way(left)).numpy()
                standing[standing] = (margin > 0) == (self.part.y[left] > 0)
        return standing

    def _ways(self) -> list[Callable[[NDArray[np.int64]], Tensor]]:
        widest = attacks.get("coordinate").most_cells
        narrow = widest is None or len(self.problem.domain.lower) <= widest
        search: Callable[[NDArray[np.int64]], Tensor] = partial(self._on_the_file, "coordinate" if narrow else "square")
        searches = [search]
        if self.attack == "standard":
            searches = [search, *(partial(self._on_the_file, name) for name in SEARCHES if name != "coordinate")]
        if not isinstance(self.scorer, NetworkScorer):  # constant in steps: the worst point need not be a corner
            searches = searches if len(searches) > 1 else [search, partial(self._on_the_file, "random_points")]
            own = [] if attacks.get(self.attack).needs_gradient else [partial(self._on_the_file, self.attack)]
            return [*own, *searches]
        if not attacks.get(self.attack).needs_gradient:
            return [partial(self._on_the_file, self.attack), search]
        return [partial(self._on_the_parent, self.scorer), *searches]

    def _on_the_parent(self, scorer: NetworkScorer, rows: NDArray[np.int64]) -> Tensor:
        x, p = self.part.x[rows], len(self.problem.domain.lower)
        parent = NetworkVictim(scorer, x, p, self.decision, self.part.groups[rows])
        return self._run(self.attack, parent, rows, RESTARTS)

    def _on_the_file(self, attack: str, rows: NDArray[np.int64]) -> Tensor:
        return self._run(attack, Selected(self.file, torch.from_numpy(rows)), rows, 1)

    def _run(self, attack: str, victim: Victim, rows: NDArray[np.int64], restarts: int) -> Tensor:
        where = reach(self.problem.domain, torch.from_numpy(self.part.x[rows]), self.eps, self.norm)
        labels = torch.from_numpy(self.part.y[rows])
        return evaluate_robustness(victim, where, labels, attack=attack, seed=self.seed, restarts=restarts).points
