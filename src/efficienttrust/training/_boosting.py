"""Boosted trees in stages: what the trainers of trees share, whichever library grows them.

Trees come in rounds: one tree, or one for each of more than two classes. A stage adds half as many rounds as there are,
because libraries may begin each with a pass over the data. Every prefix of boosted trees is a model of its own, so the
loss on the monitor split is known for each tenth round, the model that is kept may be smaller than what was grown, and
a limit on size, parameters or latency is met by the longest prefix that fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import Scorer, TreeScorer, score_encoded
from efficienttrust.data import Problem, Split
from efficienttrust.errors import InfeasibleError, RunInterrupted
from efficienttrust.evaluation.choice import rows_scored
from efficienttrust.evaluation.group_head import NO_HEAD, head_of
from efficienttrust.evaluation.rule_data import utility_of
from efficienttrust.resources import Ledger
from efficienttrust.threats.catalogue.coordinate import PASSES
from efficienttrust.training._ground import Ground, ground_of, loss_of, utility_on
from efficienttrust.training._interrupt import stop_requested
from efficienttrust.training._levers import levers_of
from efficienttrust.training._rounds import count_text, first_trees, trees_between
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask

LEARNING_RATE = 0.05
LEAVES = 16
COLUMN_SHARE = 0.5  # of the columns, drawn anew for each split of a node
L2 = 1.0
MOST_ROUNDS = 1000
PATIENCE = 50  # rounds without a lower loss
STEP = 10  # rounds between two losses; the first stage
GROWTH = 0.5  # of the rounds there are: how many the next stage adds
PRUDENCE = 1.2  # on the predicted cost of a stage
RESERVE_FACTOR = 1.5
CALIBRATION_SHARE = 0.3  # of what is left: the most that is kept back for calibration
CALIBRATION_FACTOR = 1.2  # on the cost of scoring: the search for the rule comes on top
LOWER = 1e-5  # by which a loss must be lower to count
NO_LEVER = "trees have no lever for robustness or fairness in training"
CALIBRATED = "; calibration alone works on them"


class Ensemble(Protocol):
    """Boosted trees that can grow."""

    def grow(self, rounds: int) -> TreeScorer:
        """Add rounds of trees and return all that there are; fewer are added where nothing is left to split."""
        ...


MakeEnsemble = Callable[[Ground, int], Ensemble]
"""Called with the training rows and the seed."""


@dataclass(frozen=True, eq=False)
class Forest:
    """What was grown.

    Attributes:
        scorer: The prefix with the lowest loss on the monitor split.
        loss: That loss.
        history: One mapping per stage.
        calibration: Predicted cost of scoring what calibration scores, on the declared clock.
        export: Measured cost of the last export.
        misfits: The limits that one more round would have exceeded; empty where none did.
    """

    scorer: TreeScorer
    loss: float
    history: tuple[Mapping[str, float], ...]
    calibration: float
    export: float
    misfits: tuple[str, ...]


def fit_trees(problem: Problem, task: TrainingTask, ledger: Ledger, make: MakeEnsemble, library: str) -> Candidates:
    """Grow trees until the loss on the monitor split stops falling, a limit is reached or the budget ends.

    Args:
        problem: A table.
        task: What to train for.
        ledger: The account.
        make: Starts an ensemble.
        library: What grows the trees, for reports.

    Raises:
        InfeasibleError: The budget buys no first stage, or not even one round of trees fits the limits.
        RunInterrupted: A stop was requested.
    """
    ground = ground_of(problem)
    with ledger.phase("prepare"):
        levers, head = levers_of(task.targets, problem.task), None
        if levers.penalties and not task.aware:
            head = head_of(problem, robust=levers.eps > 0, seed=task.seed)
    ends = 2 * len(problem.domain.lower) * PASSES + 1  # what the search tries for an attacked row
    forest = Growth(
        make(ground, task.seed),
        ground,
        problem.splits["monitor"],
        ledger,
        exceeded=task.exceeded,
        rows_scored=rows_scored(problem, task.targets, ends),
        tell=task.on_progress,
    ).run()
    trees = count_text(forest.scorer.rounds, problem.outputs)
    said = [NO_LEVER + (CALIBRATED if problem.task == "binary" else "")]
    if forest.misfits:
        said.append(f"{trees} in place of more, which would exceed the budget: {', '.join(forest.misfits)}")
    if levers.penalties and head is None and not task.aware:
        said.append(NO_HEAD)
    what = "squared error, in variances of the label," if problem.task == "regression" else "loss"
    note = f"lowest {what} on the monitor split, {forest.loss:.4f}"
    return Candidates(
        members=(Candidate(trees, forest.scorer, note),),
        architecture=f"gradient-boosted trees ({trees}, {library})",
        head=head,
        history=forest.history,
        decisions=(),
        fallbacks=tuple(said),
        calibration_cost=CALIBRATION_FACTOR * forest.calibration,
        export_cost=forest.export,
    )


class Growth:
    """Grows one ensemble inside the ledger's limit.

    Args:
        ensemble: What grows.
        ground: Its training rows.
        monitor: Rows that decide when to stop.
        ledger: The account.
        exceeded: Says which limits the exported file of a scorer would exceed; None where there are none.
        rows_scored: Rows that calibration will score, for its cost; 0 where there is no calibration.
        tell: Called after each stage with (rounds, metrics, text).
        phases: What growing and looking are charged to.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        ground: Ground,
        monitor: Split,
        ledger: Ledger,
        *,
        exceeded: Callable[[Scorer], Sequence[str]] | None = None,
        rows_scored: float = 0.0,
        tell: Callable[[int, Mapping[str, float], str], None] | None = None,
        phases: tuple[str, str] = ("train", "monitor"),
    ) -> None:
        self._ensemble, self._monitor, self._ledger = ensemble, monitor, ledger
        self._exceeded, self._rows_scored, self._tell, self._phases = exceeded, rows_scored, tell, phases
        (n, d), outputs = ground.x.shape, ground.outputs
        self._task, self._outputs = ground.task, outputs
        self._work = {"steps": 1.0, "samples": float(n), "flops": 2.0 * n * d * outputs}  # of a round
        self._z = np.zeros(len(monitor) if outputs == 1 else (len(monitor), outputs))
        self._losses: dict[int, float] = {}  # by number of rounds
        self._stages: list[tuple[int, float]] = []  # (rounds, cost)
        self._scoring = self._export = 0.0  # cost on the declared clock
        self._history: list[dict[str, float]] = []

    def run(self) -> Forest:
        """Grow until the loss stops falling, a limit is reached or the budget ends."""
        ledger, most = self._ledger, MOST_ROUNDS
        scorer: TreeScorer | None = None
        misfits: Sequence[str] = ()
        while not misfits:
            before = 0 if scorer is None else scorer.rounds
            stage = self._affordable(min(max(STEP, int(GROWTH * before) // STEP * STEP), most - before), scorer)
            if stage < 1 or (scorer is not None and before - self._best(before) >= PATIENCE):
                break
            start = ledger.used()
            with ledger.phase(self._phases[0]):
                scorer = self._ensemble.grow(stage)
                added = scorer.rounds - before
                work = {name: stage * one for name, one in self._work.items()}
                ledger.count(steps=stage, samples=int(work["samples"]), flops=work["flops"])
            with ledger.phase(self._phases[1]):
                self._look(scorer, before)
            if self._exceeded is not None:
                with ledger.phase("probe"):
                    exporting = ledger.used()
                    misfits = tuple(self._exceeded(scorer))
                    self._export = ledger.used() - exporting
                    if misfits:
                        scorer = self._shortened(scorer, before, misfits)
            self._stages.append((stage, ledger.used() - start))
            self._remember(scorer)
            if stop_requested():
                done = count_text(scorer.rounds, self._outputs)
                raise RunInterrupted(f"interrupted after {done}; trees keep no checkpoint")
            if added < stage:  # nothing is left to split
                break
        if scorer is None or ledger.used() > ledger.limit:
            raise self._too_little()
        best = self._best(scorer.rounds)
        return Forest(
            first_trees(scorer, best), self._losses[best], tuple(self._history), self._calibration(scorer),
            self._export, tuple(misfits),
        )  # fmt: skip

    def _affordable(self, wanted: int, scorer: TreeScorer | None) -> int:
        """Return how many of the wanted rounds the budget affords."""
        ledger = self._ledger
        room = ledger.remaining() - self._reserve(scorer)
        if ledger.clock in self._work:
            return wanted if math.isinf(room) else min(wanted, math.floor(room / self._work[ledger.clock]))
        if not self._stages:
            return wanted
        last, cost = self._stages[-1]
        start, slope, again = self._stage_costs()
        if PRUDENCE * max(cost * max(1.0, wanted / last), start + slope * wanted + again) <= room:
            return wanted
        if len({stage for stage, _ in self._stages}) < 2:
            return 0
        affordable = (room / PRUDENCE - start - again) / max(slope, 1e-9)
        return int(max(0, min(wanted, math.floor(affordable))))

    def _stage_costs(self) -> tuple[float, float, float]:
        """Return what the next stage costs: to begin with, for each new round, and for the rounds that there are.

        scikit-learn scores all rows by the trees that there are when it goes on.
        """
        from scipy.optimize import nnls

        stages = np.array(self._stages)
        before = np.cumsum(stages[:, 0]) - stages[:, 0]
        known = slice(1 if len(stages) > 3 else 0, None)  # the first stage also warms caches
        parts = np.stack([np.ones(len(stages)), stages[:, 0], before], axis=1)[known]
        start, slope, again = nnls(parts, stages[known, 1])[0]
        return float(start), float(slope), float(again * stages[:, 0].sum())

    def _reserve(self, scorer: TreeScorer | None) -> float:
        if scorer is None or self._ledger.clock in ("steps", "samples"):
            return 0.0
        affordable = CALIBRATION_SHARE * max(self._ledger.remaining(), 0.0)
        return RESERVE_FACTOR * (min(self._calibration(scorer), affordable) + (1.0 + GROWTH) * self._export)

    def _calibration(self, scorer: TreeScorer) -> float:
        if self._ledger.clock == "flops":
            return 2.0 * scorer.n_parameters * self._rows_scored
        return self._scoring * self._rows_scored / len(self._monitor)

    def _look(self, scorer: TreeScorer, before: int) -> None:
        """Take the loss on the monitor split after each tenth of the new rounds, and after the last."""
        begin, n = self._ledger.used(), scorer.rounds
        stops = [*range(before - before % STEP + STEP, n, STEP), n] if n > before else []
        for start, stop in pairwise([before, *stops]):
            self._z += score_encoded(trees_between(scorer, start, stop), self._monitor.x)
            self._losses[stop] = self._loss(self._z)
        if n == before:  # only where not even the first round found a split
            self._losses.setdefault(n, self._loss(self._z + scorer.baseline))
        self._scoring += self._ledger.used() - begin

    def _loss(self, z: NDArray[np.float64]) -> float:
        return loss_of(z, self._monitor, self._task)

    def _shortened(self, scorer: TreeScorer, fits: int, misfits: Sequence[str]) -> TreeScorer:
        """Return the longest prefix that meets all limits, given one that does."""
        assert self._exceeded is not None
        too_many = scorer.rounds
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            wrong = tuple(self._exceeded(first_trees(scorer, middle)))
            fits, too_many, misfits = (fits, middle, wrong) if wrong else (middle, too_many, misfits)
        if fits == 0:
            one = count_text(1, self._outputs).replace("1 ", "one ", 1)
            raise InfeasibleError(f"budget: not even {one} fits ({', '.join(misfits)}); ask for more")
        short = first_trees(scorer, fits)
        self._z = score_encoded(short, self._monitor.x).astype(np.float64)
        self._losses = {n: loss for n, loss in self._losses.items() if n < fits} | {fits: self._loss(self._z)}
        return short

    def _best(self, most: int) -> int:
        best = min(self._losses)
        for n in sorted(self._losses):
            if n <= most and self._losses[n] < self._losses[best] - LOWER:
                best = n
        return best

    def _remember(self, scorer: TreeScorer) -> None:
        ledger, n = self._ledger, scorer.rounds
        utility = {utility_of(self._task): utility_on(self._z, self._monitor, self._task)}
        stage, cost = self._stages[-1]
        self._history.append(
            {
                "step": float(n),
                "progress": ledger.fraction() if math.isfinite(ledger.limit) else n / MOST_ROUNDS,
                "used": ledger.used(),
                "wall": ledger.used("wall"),
                "cpu": ledger.used("cpu"),
                **utility,
                "loss": self._losses[n],
                "cost_step": cost / stage,
                "monitor_rows": float(len(self._monitor)),
            }
        )
        if self._tell:
            self._tell(n, utility, count_text(n, self._outputs))

    def _too_little(self) -> InfeasibleError:
        ledger = self._ledger
        if len(self._stages) > 1:
            stage, cost = self._stages[-1]
            return InfeasibleError(
                f"budget: {ledger.limit:.4g} ({ledger.clock}) was exceeded by the last "
                f"{count_text(stage, self._outputs)}, which took {cost:.2g}, more than was predicted; ask for more"
            )
        stage, cost = self._stages[0] if self._stages else (1, self._work.get(ledger.clock, math.nan))
        return InfeasibleError(
            f"budget: {ledger.limit:.4g} ({ledger.clock}) is less than what comes before and "
            f"{count_text(stage, self._outputs)} (≈ {cost:.2g} here)"
        )
