"""The choice on certify: candidates are exported and tested in an order that calibrate fixed, inside the budget.

Every test is that of the final proof: the candidate's own file is attacked and measured, so that what the sequence
proves holds for what is delivered. It costs an export and an attack, and is charged to the phase `certify_choice`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from efficienttrust.compression import Scorer
from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.certification import Certificate, certify
from efficienttrust.evaluation.choice import Choice, another, rows_scored
from efficienttrust.evaluation.proof import CONFIDENCE
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import Calibrated, robustness_key
from efficienttrust.evaluation.selection import Guarantee, Selection, plan_order, select
from efficienttrust.evaluation.suite import (
    ATTACKED_IMAGES,
    BLACK_BOX_QUERIES,
    QUERIES,
    RESTARTS,
    SEARCHED_IMAGES,
    evaluate_file,
)
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._document import export_metadata
from efficienttrust.pipeline._file import export_file, open_file
from efficienttrust.pipeline._progress import Tell
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._stages import PRUDENCE, flops_per_row
from efficienttrust.resources import Ledger
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES, STEPS
from efficienttrust.training import Candidates

PHASE = "certify_choice"
REHEARSED = 200  # rows of calibrate on which a table's test is timed before certify is read


def certify_choice(
    problem: Problem,
    request: Request,
    ledger: Ledger,
    candidates: Candidates,
    choice: Choice,
    tried: Sequence[Calibrated | None],
    export_cost: float,
    tell: Tell,
) -> tuple[Choice, Selection]:
    """Test calibrated candidates on certify as far as the budget affords it, and choose one of those that passed.

    Args:
        problem: The problem.
        request: What was asked for.
        ledger: The account.
        candidates: The candidates.
        choice: The one that calibrate alone prefers; it is kept where no other is proven.
        tried: What each came to on calibrate.
        export_cost: Measured cost of one export, on the declared clock.
        tell: Signs of life.

    Returns:
        The choice, and how it was made, with the level of its certificates.
    """
    targets, total = request.targets, 1 - CONFIDENCE
    order = plan_order(tried, choice.errors, targets, alpha=Guarantee("joint", len(targets), total).alpha)

    def test(index: int, alpha: float, problem: Problem = problem, split: str = "certify") -> list[Certificate]:
        scorer = candidates.members[index].scorer
        decision = another(choice, index, tried, candidates.head, aware=request.aware).decision
        file = open_file(problem, export_file(problem, scorer, decision, export_metadata(problem, request)))
        said = evaluate_file(file, problem, split, targets, scorer=scorer, decision=decision, seed=request.seed)
        return [certify(target, said.outcome, alpha) for target in targets]

    def rehearse() -> None:
        few = {**problem.splits, "calibrate": _few(problem.splits["calibrate"], REHEARSED)}
        test(order[0].index, total, replace(problem, splits=few), "calibrate")

    purse = _Purse(
        problem,
        request,
        ledger,
        kept_back=2.0 * max(export_cost, candidates.export_cost),
        calibrations=sum(found is not None for found in tried),
        scorers=[candidates.members[one.index].scorer for one in order],
        rehearse=rehearse,
    )

    def charged(index: int, alpha: float) -> list[Certificate]:
        tell(PHASE)
        return purse.charge(lambda: test(index, alpha))

    selection = select(
        order, charged, preferred=choice.index, n_targets=len(targets), total=total, affordable=purse.affords
    )
    if selection.chosen == choice.index:
        return choice, selection
    return another(choice, selection.chosen, tried, candidates.head, aware=request.aware), selection


def rows_tested(problem: Problem, targets: Sequence[Target]) -> float:
    """Return how many rows a test on certify scores at most, a backward pass counted as two forward ones."""
    n = len(problem.splits["certify"])
    attacks = {robustness_key(target) for target in targets if target.metric in ROBUST_METRICS}
    if problem.kind == "image":
        attacked, searched = min(n, ATTACKED_IMAGES), SEARCHED_IMAGES * QUERIES
    else:
        attacked, searched = n, BLACK_BOX_QUERIES
    return float(n + len(attacks) * (RESTARTS * (3 * STEPS + 1) * attacked + searched))


@dataclass(eq=False)
class _Purse:
    """What tests cost on the declared clock, and whether the budget affords them.

    Attributes:
        problem: The problem.
        request: What was asked for.
        ledger: The account.
        kept_back: For the export that follows.
        calibrations: How many candidates were calibrated.
        scorers: What may be tested.
        rehearse: Runs a test on the first `REHEARSED` rows of calibrate.
        predicted: Cost of a test, as predicted before the first.
        measured: Highest cost of a test so far.
    """

    problem: Problem
    request: Request
    ledger: Ledger
    kept_back: float
    calibrations: int
    scorers: Sequence[Scorer]
    rehearse: Callable[[], None]
    predicted: float | None = None
    measured: float = 0.0

    def affords(self, n: int) -> bool:
        """Return whether the budget affords so many more tests."""
        if self.ledger.clock not in ("wall", "cpu", "flops") or not math.isfinite(self.ledger.limit):
            return True
        left = self.ledger.remaining() - self.kept_back
        if self.predicted is None:
            self.predicted = self._predict(left)
        return PRUDENCE * n * (self.measured or self.predicted) <= left

    def charge(self, test: Callable[[], list[Certificate]]) -> list[Certificate]:
        """Run a test, and note what it cost."""
        begun = self.ledger.used()
        with self.ledger.phase(PHASE):
            found = test()
            self.ledger.count(flops=self._flops)
        self.measured = max(self.measured, self.ledger.used() - begun)
        return found

    @cached_property
    def _flops(self) -> float:
        """Operations of a test of the largest candidate, at most."""
        return max(map(flops_per_row, self.scorers)) * rows_tested(self.problem, self.request.targets)

    def _predict(self, left: float) -> float:
        """Return what a test costs, before the first.

        FLOPs are counted. Seconds of a table are timed on a few rows, which take more than in proportion. Those of
        images follow from the calibration, which is as heavy a user of the network. Infinite where not even another
        calibration could be afforded.
        """
        if self.ledger.clock == "flops":
            return self._flops
        calibration = self.ledger.to_dict()["time"]["phases"].get("calibrate", 0.0) / max(self.calibrations, 1)
        if calibration > left:
            return math.inf
        if self.problem.kind == "image":
            calibrated = rows_scored(self.problem, self.request.targets, SHORT_PASSES)
            return float(calibration * rows_tested(self.problem, self.request.targets) / calibrated)
        begun = self.ledger.used()
        with self.ledger.phase(PHASE):
            self.rehearse()
        share = len(self.problem.splits["certify"]) / min(REHEARSED, len(self.problem.splits["calibrate"]))
        return (self.ledger.used() - begun) * max(share, 1.0)


def _few(split: Split, n: int) -> Split:
    """Return at most n rows of a split of a table, evenly."""
    rows = np.linspace(0, len(split) - 1, min(n, len(split))).astype(np.int64)
    return Split(
        x=split.x[rows],
        y=split.y[rows],
        groups=split.groups[rows],
        codes={name: codes[rows] for name, codes in split.codes.items()},
        weight=None if split.weight is None else split.weight[rows],
        rows=split.rows[rows],
    )
