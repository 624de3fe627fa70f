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

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    DeployedOutput,
    ModuleScorer,
    QuantisedScorer,
    Scorer,
    TreeScorer,
    parent_of,
)
from efficienttrust.data import Problem, Split
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.file_victims import FileVictim, ImageFileVictim, RoundedVictim
from efficienttrust.evaluation.parent import region_of, victim_of
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import robustness_key
from efficienttrust.evaluation.splits import ATTACKED_CELLS
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import REQUIRED, Measurement, Outcome, measure, metrics
from efficienttrust.models.counting import count_flops
from efficienttrust.threats import Objective, Selected, Victim, attacks, evaluate_robustness

RESTARTS = 2
BLACK_BOX_QUERIES = 400_000  # rows scored by the search on the file, which bounds the rows it looks at
SEARCHES = ("coordinate", "square", "random_points")  # what the cascade runs on the file itself
ATTACKED_IMAGES = 2000  # attacked by the gradient of the parent, at most
SEARCHED_IMAGES = 50  # of those that stand, how many are searched on the file itself, at most,
SEARCH_FLOPS = 3e11  # and what that may cost: a search takes 1,000 queries an image
QUERIES = 1000
NAMED_FLOPS = (
    3e12  # what an attack without a gradient may cost that a target asks for: only so many images are attacked
)
IMAGES_AT_ONCE = 256

File = DeployedModel | DeployedImages
"""An exported file, opened."""

Rows = NDArray[np.int64]
Standing = NDArray[np.bool_]
Spread = Callable[[Callable[[Rows], Standing], Rows], Standing]
"""How rows are attacked: called with the attack, which says of rows whether they stand, and all rows."""


@dataclass(frozen=True, eq=False)
class SplitEvaluation:
    """What the file said on one split.

    Attributes:
        outcome: Everything that metrics need.
        margin: [n] margins of the file; [0] of a regression, which has none.
    """

    outcome: Outcome
    margin: NDArray[np.float32]


def check_measurable(targets: Sequence[Target], task: str = "binary") -> None:
    """Refuse targets on an unknown attack, on another task, or on what only an audit measures."""
    for target in targets:
        metric = metrics.get(target.metric)
        if task not in metric.tasks:
            raise UsageError(f"target {target.text}: {metric.name} is for {' and '.join(sorted(metric.tasks))} tasks")
        if metric.needs & {"corrupted", "ood"}:
            raise UsageError(
                f"target {target.text}: a fit does not steer by {metric.name}; train first, then "
                "`efficienttrust audit RUN --target ...`"
            )
        if target.metric in ROBUST_METRICS:
            attacks.get(str(dict(target.arguments)["attack"]))


def evaluate_file(
    file: File,
    problem: Problem,
    split: str,
    targets: Sequence[Target],
    *,
    scorer: Scorer,
    decision: Decision,
    seed: int,
    spread: Spread | None = None,
) -> SplitEvaluation:
    """Run the exported file on a split, clean and under every attack that the targets ask for.

    Args:
        file: The exported file.
        problem: The problem.
        split: Name of the split.
        targets: The targets.
        scorer: What was exported; the gradient of attacks is that of its float parent.
        decision: Its decision rule.
        seed: Seed of the attacks.
        spread: Shares the rows that are attacked among processes; None attacks all of them here.

    Raises:
        UsageError: The file answers with something that is not a number.
    """
    part = problem.splits[split]
    rounded, scorer = isinstance(scorer, QuantisedScorer), parent_of(scorer)  # whole numbers have no gradient
    said, victim = _asked(file, problem, split)
    if problem.task == "regression":
        return _numbers(problem, part, said.score, split)
    _refuse_nan(said.margin, split)
    robust: dict[str, NDArray[np.bool_]] = {}
    robust_rows: dict[str, NDArray[np.int64]] = {}
    for target in targets:
        if target.metric not in ROBUST_METRICS or robustness_key(target) in robust:
            continue
        key, arguments = robustness_key(target), dict(target.arguments)
        most = _most_attacked(problem)
        if isinstance(scorer, ModuleScorer) and not attacks.get(str(arguments["attack"])).needs_gradient:
            most = min(most, _searchable(scorer, part, NAMED_FLOPS))
        rows = np.sort(np.random.default_rng(seed).permutation(len(part.y))[:most])
        standing = said.decision[rows] == part.y[rows]
        assault = _Assault(
            victim, scorer, decision, problem, part, str(arguments["attack"]), float(str(arguments["eps"])),
            str(arguments["norm"]), seed, rounded,
        )  # fmt: skip
        attacked = rows[standing]
        standing[standing] = spread(assault.survivors, attacked) if spread else assault.survivors(attacked)
        robust[key], robust_rows[key] = standing, rows
    outcome = Outcome(
        y=part.y,
        prediction=said.decision.astype(part.y.dtype),
        score=said.score,
        groups=part.groups,
        group_names=problem.group_names,
        attributes={name: (codes, problem.attribute_names[name]) for name, codes in part.codes.items()},
        robust=robust,
        robust_rows=robust_rows,
        weight=part.weight,
        task=problem.task,
        classes=problem.classes if problem.task == "multiclass" else (),
    )
    return SplitEvaluation(outcome, said.margin)


def _numbers(problem: Problem, part: Split, predicted: NDArray[np.float32], split: str) -> SplitEvaluation:
    """Return what a regression said on a split; there is no decision to attack, and no margin."""
    _refuse_nan(predicted, split)
    numbers = predicted.astype(np.float64)
    outcome = Outcome(
        y=part.y.astype(np.float64),
        prediction=numbers,
        score=numbers,
        groups=part.groups,
        group_names=problem.group_names,
        attributes={name: (codes, problem.attribute_names[name]) for name, codes in part.codes.items()},
        weight=part.weight,
        task="regression",
    )
    return SplitEvaluation(outcome, np.zeros(0, np.float32))


def _refuse_nan(answers: NDArray[np.float32], split: str) -> None:
    if not np.isfinite(answers).all():
        raise UsageError(f"the model file answers NaN for {int((~np.isfinite(answers)).sum())} rows of {split}")


def _asked(file: File, problem: Problem, split: str) -> tuple[DeployedOutput, Victim]:
    """Return what the file says to the rows of a split, and the file on them as something to attack."""
    part = problem.splits[split]
    if isinstance(file, DeployedModel):
        feeds = file.prepare(problem.raw(split))
        return file.run_feeds(feeds), FileVictim(file, feeds, part.x, problem.encoder)
    starts = range(0, len(part), IMAGES_AT_ONCE)
    said = [file.run(part.inputs(slice(start, start + IMAGES_AT_ONCE))) for start in starts]
    joined = (np.concatenate(column) for column in zip(*((s.score, s.margin, s.decision) for s in said), strict=True))
    return DeployedOutput(*joined), ImageFileVictim(file)


def _searchable(scorer: ModuleScorer, part: Split, flops: float) -> int:
    """Return on how many rows a search may be run for so many operations; all rows of a table."""
    if part.pixels is None:
        return len(part)
    each = count_flops(scorer.module, [torch.zeros(1, *scorer.shape)]).per_row
    return int(max(flops / (QUERIES * max(each, 1.0)), 1))


def _most_attacked(problem: Problem) -> int:
    pixels = problem.splits["test"].pixels
    if pixels is not None:
        return int(min(ATTACKED_IMAGES, max(1, ATTACKED_CELLS // int(np.prod(pixels.shape)))))
    return max(500, BLACK_BOX_QUERIES // max(4 * len(problem.domain.lower), 1))


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

    file: Victim
    scorer: Scorer
    decision: Decision
    problem: Problem
    part: Split
    attack: str
    eps: float
    norm: str
    seed: int
    rounded: bool

    def survivors(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return, for rows that are right when clean, which are still right after every way of attacking."""
        standing = np.ones(len(rows), dtype=bool)
        for way in self._ways():
            left = np.flatnonzero(standing)[: self._most_for(way)]
            if len(left):
                standing[left] = self._right(rows[left], way(rows[left]))
        return standing

    def _right(self, rows: NDArray[np.int64], points: Tensor) -> NDArray[np.bool_]:
        objective = Objective(self.file.bind(torch.from_numpy(rows)), torch.from_numpy(self.part.y[rows]).long())
        with torch.no_grad():
            return np.asarray(objective.right(objective.answer(points)))

    def _most_for(self, way: Callable[[NDArray[np.int64]], Tensor]) -> int | None:
        """Return how many of the standing rows a way is tried on; None for all."""
        named = isinstance(way, partial) and way.args == (self.attack,)
        if way == self._on_the_parent or named or not isinstance(self.scorer, ModuleScorer) or self.part.pixels is None:
            return None
        return min(_searchable(self.scorer, self.part, SEARCH_FLOPS), SEARCHED_IMAGES)

    def _ways(self) -> list[Callable[[NDArray[np.int64]], Tensor]]:
        widest = attacks.get("coordinate").most_cells
        pixels = self.part.pixels
        cells = len(self.problem.domain.lower) if pixels is None else int(np.prod(pixels.shape))
        search: Callable[[NDArray[np.int64]], Tensor] = partial(
            self._on_the_file, "coordinate" if widest is None or cells <= widest else "square"
        )
        searches = [search]
        if self.attack == "standard" and self.problem.kind == "table":
            searches = [search, *(partial(self._on_the_file, name) for name in SEARCHES if name != "coordinate")]
        if isinstance(self.scorer, TreeScorer):  # constant in steps: the worst point need not be a corner
            searches = searches if len(searches) > 1 else [search, partial(self._on_the_file, "random_points")]
            own = [] if attacks.get(self.attack).needs_gradient else [partial(self._on_the_file, self.attack)]
            return [*own, *searches]
        if not attacks.get(self.attack).needs_gradient:
            return [partial(self._on_the_file, self.attack), search]
        masked = self.rounded or isinstance(self.scorer, ModuleScorer)
        if masked and self.problem.kind == "table" and len(searches) == 1:
            searches.append(partial(self._on_the_file, "random_points"))  # its gradient may be masked
        return [self._on_the_parent, *searches]

    def _on_the_parent(self, rows: NDArray[np.int64]) -> Tensor:
        parent = victim_of(self.problem, self.scorer, self.part.inputs(rows), self.decision, self.part.groups[rows])
        if self.rounded:
            parent = RoundedVictim(self.file, parent, torch.from_numpy(rows))
        return self._run(self.attack, parent, rows, RESTARTS)

    def _on_the_file(self, attack: str, rows: NDArray[np.int64]) -> Tensor:
        return self._run(attack, Selected(self.file, torch.from_numpy(rows)), rows, 1)

    def _run(self, attack: str, victim: Victim, rows: NDArray[np.int64], restarts: int) -> Tensor:
        where = region_of(self.problem, torch.from_numpy(self.part.inputs(rows)), self.eps, self.norm)
        labels = torch.from_numpy(self.part.y[rows])
        return evaluate_robustness(victim, where, labels, attack=attack, seed=self.seed, restarts=restarts).points
