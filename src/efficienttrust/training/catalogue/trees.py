"""The tree trainer: scikit-learn's histogram gradient boosting, what a practitioner would use instead.

It has no lever for robustness or fairness in training; calibration, choice and verdicts are the same code as for the
network. It grows in stages while the budget lasts and stops when the loss on the monitor split no longer falls.
"""

from __future__ import annotations

import math

import numpy as np

from efficienttrust.atats import Policy
from efficienttrust.compression import TreeScorer, score_encoded
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, RunInterrupted
from efficienttrust.evaluation.choice import rows_scored
from efficienttrust.evaluation.group_head import NO_HEAD, head_of
from efficienttrust.resources import Ledger
from efficienttrust.threats.catalogue.coordinate import PASSES
from efficienttrust.training._interrupt import stop_requested
from efficienttrust.training._levers import levers_of
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask, trainers

NO_LEVER = "trees have no lever for robustness or fairness in training; calibration alone works on them"
STAGE = 10  # trees per stage
MOST_TREES = 400
PATIENCE = 3  # stages without a lower loss
RESERVE_FACTOR = 1.5
CALIBRATION_SHARE = 0.3  # of what is left: the most that is kept back for calibration
CALIBRATION_FACTOR = 1.2  # on the cost of scoring: the search for the rule comes on top
EXPORT_STAGES = 0.5  # an export costs less than half a stage


@trainers.register("trees")
class TreeTrainer:
    """Grows boosted trees stage by stage; the policy is not asked, as there is no dial.

    Args:
        task: What to train for.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Grow trees until the loss on the monitor split stops falling or the budget ends."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        train, monitor = problem.splits["train"], problem.splits["monitor"]
        with ledger.phase("prepare"):
            levers, head = levers_of(self.task.targets), None
            if levers.penalties and not self.task.aware:
                head = head_of(problem, robust=levers.eps > 0, seed=self.task.seed)
        model = HistGradientBoostingClassifier(
            max_iter=STAGE, warm_start=True, early_stopping=False, random_state=self.task.seed
        )
        history: list[dict[str, float]] = []
        best, best_loss, waited, scorer = 0, math.inf, 0, None
        stage_cost = reserve = calibration = 0.0
        ends = 2 * len(problem.domain.lower) * PASSES + 1  # what the search tries for an attacked row
        to_score = rows_scored(problem, self.task.targets, ends) / len(monitor.y)
        while model.max_iter <= MOST_TREES and waited < PATIENCE:
            before = ledger.used()
            if scorer is not None and before + 1.2 * stage_cost + reserve > ledger.limit:
                break
            with ledger.phase("train"):
                model.fit(train.x, train.y, sample_weight=train.weight)
                ledger.count(steps=STAGE, samples=STAGE * len(train.y), flops=2.0 * STAGE * train.x.size)
            with ledger.phase("monitor"):
                scorer = TreeScorer.from_sklearn(model)
                scoring = ledger.used()
                z = score_encoded(scorer, monitor.x).astype(np.float64)
                calibration = (ledger.used() - scoring) * to_score
                losses = np.logaddexp(0.0, np.where(monitor.y > 0, -z, z))
                loss = float(np.average(losses, weights=monitor.weight))
                accuracy = float(np.average((z > 0) == (monitor.y > 0), weights=monitor.weight))
            stage_cost = ledger.used() - before
            if ledger.clock not in ("steps", "samples", "flops"):
                affordable = CALIBRATION_SHARE * max(ledger.remaining(), 0.0)
                reserve = RESERVE_FACTOR * min(calibration, affordable) + EXPORT_STAGES * stage_cost
            history.append(
                {
                    "step": float(model.max_iter),
                    "progress": ledger.fraction() if math.isfinite(ledger.limit) else model.max_iter / MOST_TREES,
                    "used": ledger.used(),
                    "wall": ledger.used("wall"),
                    "cpu": ledger.used("cpu"),
                    "accuracy": accuracy,
                    "loss": loss,
                    "cost_step": stage_cost / STAGE,
                    "monitor_rows": float(len(monitor.y)),
                }
            )
            if loss < best_loss - 1e-5:
                best, best_loss, waited, kept = model.max_iter, loss, 0, scorer
            else:
                waited += 1
            if self.task.on_progress:
                self.task.on_progress(model.max_iter, {"accuracy": accuracy}, f"{model.max_iter} trees")
            if stop_requested():
                raise RunInterrupted(f"interrupted after {model.max_iter} trees; trees keep no checkpoint")
            model.max_iter += STAGE
        if ledger.used() > ledger.limit:
            raise InfeasibleError(
                f"budget: {ledger.limit:.4g} ({ledger.clock}) is less than {STAGE} trees "
                f"(≈ {stage_cost:.2g} here) and what comes before"
            )
        return Candidates(
            members=(Candidate(f"{best} trees", kept, f"lowest loss on the monitor split, {best_loss:.4f}"),),
            architecture=f"gradient-boosted trees ({best} trees)",
            head=head,
            history=tuple(history),
            decisions=(),
            fallbacks=(NO_LEVER, *((NO_HEAD,) if levers.penalties and head is None and not self.task.aware else ())),
            calibration_cost=CALIBRATION_FACTOR * calibration,
        )
