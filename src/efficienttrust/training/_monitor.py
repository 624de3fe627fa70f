"""A look at the run: hard metrics on the monitor split, and the same metrics as they will be after calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import ConstraintState
from efficienttrust.compression import Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.calibration import calibrate, evaluate_rule
from efficienttrust.evaluation.group_head import Head
from efficienttrust.evaluation.margins import error_of, target_margins
from efficienttrust.evaluation.parent import worst_logits
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import CalibrationData, robustness_key, utility_of
from efficienttrust.evaluation.splits import calibration_data, score_rows
from efficienttrust.evaluation.targets import Target
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES
from efficienttrust.training._levers import lever_of

MONITOR_ROWS = 3000
ATTACKED_ROWS = 800
GUARD_ROWS = 200
LIGHT = 2e6  # floating-point operations of a row up to which a network is looked at on all of these rows
FEWEST = (500, 150, 60)  # rows looked at, attacked, and compared by the guard, of the heaviest networks
THRESHOLDS = 60
SMOOTHING = 0.6  # weight of the newest gap
CONFIDENCE = 1.0  # standard errors by which virtual calibration tightens targets


@dataclass(frozen=True)
class Reading:
    """One look.

    Attributes:
        accuracy: Before calibration; R squared, at least 0, of a regression.
        calibrated_accuracy: The same after virtual calibration.
        values: Target key -> value before calibration.
        calibrated: Target key -> value after virtual calibration.
        errors: Target key -> standard error at this sample size.
        objective: The calibrator's objective, by which checkpoints are ranked.
        fgsm: Accuracy under one sign step on the guard's rows, NaN without a robustness target.
        pgd: Accuracy under PGD on the same rows.
    """

    accuracy: float
    calibrated_accuracy: float
    values: Mapping[str, float]
    calibrated: Mapping[str, float]
    errors: Mapping[str, float]
    objective: float
    fgsm: float
    pgd: float


class Monitor:
    """Looks at a scorer on a fixed selection of the monitor split.

    Args:
        problem: The problem.
        targets: The targets.
        head: Group head, or None.
        aware: Whether the true group is used at prediction.
        seed: Seed of the selection.
        flops: Of a forward pass of one row: fewer rows are looked at where it is many.

    Attributes:
        task: Of the problem.
        utility: Metric that `Reading.accuracy` is.
    """

    def __init__(
        self,
        problem: Problem,
        targets: Sequence[Target],
        head: Head | None,
        *,
        aware: bool,
        seed: int,
        flops: float = 0,
    ) -> None:
        self._problem, self._targets, self._head, self._aware, self._seed = problem, targets, head, aware, seed
        split = problem.splits["monitor"]
        share: float = min(1.0, math.sqrt(LIGHT / max(flops, 1.0)))
        self.lightness = share  # of the network: 1 costs next to nothing
        most, self._attacked, self._guarded = (
            max(fewest, round(share * full))
            for fewest, full in zip(FEWEST, (MONITOR_ROWS, ATTACKED_ROWS, GUARD_ROWS), strict=True)
        )
        self.rows = np.sort(np.random.default_rng(seed).permutation(len(split.y))[:most])
        self.margins: dict[str, float] | None = None  # set at the first look of a run
        self.task, self.utility = problem.task, utility_of(problem.task)

    @property
    def forward_rows(self) -> int:
        """Rows scored by one look, an attacked row counting for its passes forward and backward."""
        attacks = {robustness_key(target) for target in self._targets if target.metric in ROBUST_METRICS}
        return int(self.n_rows + SHORT_PASSES * len(attacks) * min(self._attacked, self.n_rows))

    @property
    def n_rows(self) -> int:
        """Number of rows looked at."""
        return len(self.rows)

    def look(self, scorer: Scorer, z: NDArray[np.float32], *, guard: bool) -> Reading:
        """Measure a scorer whose logits on `rows` are z; with `guard`, compare one sign step with PGD too."""
        data = calibration_data(
            self._problem,
            "monitor",
            scorer,
            z,
            self._targets,
            self._head,
            aware=self._aware,
            attacked_rows=self._attacked,
            seed=self._seed,
            rows=self.rows,
        )
        if self.margins is None:
            self.margins = target_margins(self._targets, data, len(data.y), CONFIDENCE)
        no_offsets = np.zeros(data.posterior.shape[1], np.float32)
        hard = evaluate_rule(data, 0.0, no_offsets, self._targets, {})
        soft = calibrate(data, self._targets, self.margins, n_thresholds=THRESHOLDS, line=9)
        errors = {target.key: error_of(target, data) for target in self._targets}
        fgsm, pgd = self._guard(scorer, data) if guard else (float("nan"), float("nan"))
        return Reading(hard.utility, soft.utility, hard.values, soft.values, errors, soft.objective, fgsm, pgd)

    def score(self, scorer: Scorer) -> NDArray[np.float32]:
        """Return the logits of the rows looked at."""
        return score_rows(scorer, self._problem.splits["monitor"], self.rows)

    @property
    def y(self) -> NDArray[Any]:
        """The labels of the rows looked at."""
        return np.asarray(self._problem.splits["monitor"].y[self.rows])

    def _guard(self, scorer: Scorer, data: CalibrationData) -> tuple[float, float]:
        target = next(t for t in self._targets if t.metric in ROBUST_METRICS)
        arguments, known = dict(target.arguments), data.attacked[robustness_key(target)]
        rows = known.rows[: self._guarded]
        inputs = self._problem.splits["monitor"].inputs(self.rows[rows])
        classes = data.z.ndim == 2

        def accuracy(attack: str) -> float:
            if attack == arguments["attack"]:
                z = known.z[: self._guarded]
            else:
                z = worst_logits(
                    self._problem, scorer, inputs, data.y[rows], rows, attack=attack,
                    eps=float(str(arguments["eps"])), norm=str(arguments["norm"]), seed=self._seed,
                ).z  # fmt: skip
            return float((z > 0).mean() if classes else ((z > 0) == (data.y[rows] > 0)).mean())

        return accuracy("fgsm"), accuracy("pgd")


def constraint_states(
    targets: Sequence[Target], reading: Reading, before: Mapping[str, float], task: str = "binary"
) -> tuple[ConstraintState, ...]:
    """Turn a reading into the constraints of a state; a target that these rows cannot estimate moves no dial.

    Args:
        targets: The targets.
        reading: The look.
        before: Target key -> smoothed gap at the last look; empty at the first.
        task: Of the problem.
    """
    states = []
    for target in targets:
        gap = target.gap(reading.values.get(target.key, math.nan))
        if math.isnan(gap):  # not read here, or a group without such rows: nothing to steer by
            continue
        last = before.get(target.key, gap)
        smoothed = SMOOTHING * gap + (1 - SMOOTHING) * last
        states.append(
            ConstraintState(
                key=target.key,
                lever=lever_of(target, task),
                tolerance=target.bound if target.relation == "<=" else 1.0 - target.bound,
                gap=gap,
                half_width=reading.errors[target.key],
                smoothed_gap=smoothed,
                slope=smoothed - last,
                calibrated_gap=float(np.nan_to_num(target.gap(reading.calibrated[target.key]), nan=0.0)),
            )
        )
    return tuple(states)
