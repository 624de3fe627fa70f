"""One run of a reduction: fairlearn asks, our learner answers inside one budget, the answers become candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import NetworkScorer, TreeScorer, score_encoded
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, RunInterrupted, UsageError
from efficienttrust.evaluation.group_head import NO_HEAD, Head, head_of
from efficienttrust.resources import Ledger
from efficienttrust.training._ground import utility_on
from efficienttrust.training._interrupt import stop_requested
from efficienttrust.training._levers import levers_of
from efficienttrust.training._several import end_of_training, share_of
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask
from efficienttrust.training.reductions._constraint import Constraint, Loaded, constraint_of, fairlearn_unheard, rows_of
from efficienttrust.training.reductions._learners import Learner
from efficienttrust.training.reductions._mixture import best_mixture, blended
from efficienttrust.training.reductions._relabelled import Relabelling

MEMBERS = 4  # models delivered alone, beside the blend
LEAST_WEIGHT = 0.01  # of a model in a mixture: less is left out of the blend
PRICE = 100.0  # of a unit of violation: fairlearn's 1 / eps at its default
FULL = 0.8  # of its share that a training used: then the share ended it, and not that more would buy nothing
HEAVIER = 2.0  # a blend is dearer to calibrate than one model

Search = Callable[[Any, Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], None]
"""Called with (base learner, moment, row numbers, labels, groups): runs a search of fairlearn to its end."""


class _Spent(Exception):
    """There is no budget for another model."""


@dataclass(frozen=True, eq=False)
class _Model:
    """A model and what it decides of the training rows."""

    scorer: NetworkScorer | TreeScorer
    decided: NDArray[np.int8]


class _Answers:
    """All models so far, on one account.

    Args:
        relabelling: Turns labels and weights into a problem.
        learner: Fits a model.
        x: [n, d] the training rows.
        ledger: The account.
        most: How many models share the budget.
        end: Returns what may be used up to the end of the last one.
        remember: Called with each new model.
    """

    def __init__(
        self, relabelling: Relabelling, learner: Learner, x: NDArray[np.float32], ledger: Ledger, most: int,
        end: Callable[[], float], remember: Callable[[_Model], None],
    ) -> None:  # fmt: skip
        self._relabelling, self._learner, self._x, self._ledger = relabelling, learner, x, ledger
        self._most, self._end, self._remember = most, end, remember
        self._known: dict[bytes, _Model] = {}
        self._deciding = 0.0  # the most that the decisions of a new model have cost
        self.models: list[_Model] = []
        self.cut = False  # whether the share of the last model ended its training

    def to(self, labels: NDArray[np.int64], weights: NDArray[np.float64]) -> _Model:
        """Return the model for labels and weights: a known one where they were asked for before, else a new one."""
        table = self._relabelling.table(labels, weights)
        key = np.nan_to_num(table, nan=-1.0).round(9).tobytes()
        if key in self._known:
            return self._known[key]
        if stop_requested():
            raise _Spent
        scorer = self._fitted(self._relabelling.problem(table))
        before = self._ledger.used()
        model = _Model(scorer, (score_encoded(scorer, self._x) > 0).astype(np.int8))
        self._deciding = max(self._deciding, self._ledger.used() - before)
        self._known[key] = model
        self.models.append(model)
        self._remember(model)
        return model

    def again(self, more: int) -> None:
        """Answer anew from here on, by so many more models, which have larger shares of what is left."""
        self._known.clear()
        self._most = len(self.models) + more

    def _fitted(self, problem: Problem) -> NetworkScorer | TreeScorer:
        """Fit the next model; where its share of the budget is too small, half as many share what is left."""
        ledger, done = self._ledger, len(self.models)
        while self._most > done:
            try:
                begin = ledger.used()
                with share_of(ledger, self._end(), self._most - done, self._deciding):
                    scorer = self._learner.fit(problem, f"model {done + 1} of {self._most}")
                    self.cut = ledger.used() - begin >= FULL * (ledger.limit - begin)
                return scorer
            except InfeasibleError as error:
                if self._most - done == 1 or ledger.used() >= self._end():
                    if not self.models:
                        raise
                    raise _Spent from error
                self._most = done + (self._most - done) // 2
        raise _Spent


class _BaseLearner:
    """What fairlearn takes for an estimator; it is copied for every fit, and all copies share the account."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers
        self._model: _Model | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> _BaseLearner:
        return _BaseLearner(self._answers)

    def fit(self, X: Any, y: Any, sample_weight: Any) -> _BaseLearner:
        """Answer labels and weights."""
        self._model = self._answers.to(np.asarray(y, dtype=np.int64), np.asarray(sample_weight, dtype=np.float64))
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return the decisions on the training rows, the only ones that fairlearn asks about."""
        assert self._model is not None
        return self._model.decided.astype(np.int64)


def reduce(
    problem: Problem, task: TrainingTask, ledger: Ledger, make: Callable[[], Learner], search: Search, *, most: int,
    title: str, mixed: bool,
) -> Candidates:  # fmt: skip
    """Run a search of fairlearn inside the budget and return the blend of its mixture and its best members.

    Args:
        problem: A table of two classes.
        task: What to train for.
        ledger: The account.
        make: Makes the base learner.
        search: Runs fairlearn.
        most: Models that share the budget.
        title: Name of the method, for reports.
        mixed: Whether its result is a randomised mixture, and not the one model of the least error and gap.

    Raises:
        UsageError: The rows are images, there are not two classes, or no target is a constraint.
        InfeasibleError: The budget buys no model.
    """
    if problem.kind == "image" or problem.task != "binary":
        raise UsageError(f"{title} is for tables of two classes; choose another --model")
    constraint = constraint_of(task.targets)
    learner, history, cost = make(), _History(problem, ledger), math.inf
    with ledger.phase("prepare"):
        relabelling = Relabelling(problem, constraint.attribute, learner.most_rows)
        head = None if task.aware else head_of(problem, robust=levers_of(task.targets).eps > 0, seed=task.seed)
        loaded = Loaded(constraint, relabelling.y, relabelling.groups)
        x = problem.splits["train"].x[relabelling.rows]

    def remember(model: _Model) -> None:
        nonlocal cost
        history.add(model)
        if math.isinf(cost):
            cost = HEAVIER * learner.calibration_cost(problem, model.scorer, head)

    start = ledger.used()
    answers = _Answers(
        relabelling, learner, x, ledger, most, lambda: end_of_training(task, ledger, cost, start), remember
    )
    with ledger.phase("reduce"):
        more, cut = most, ""
        try:
            with fairlearn_unheard():
                search(_BaseLearner(answers), constraint.moment(), rows_of(len(x)), relabelling.y, relabelling.groups)
                # Models that learned for too short a time all decide alike, and end the game before the budget.
                while answers.cut and (more := more // 2) > 1:
                    answers.again(more)
                    search(
                        _BaseLearner(answers), constraint.moment(), rows_of(len(x)), relabelling.y, relabelling.groups
                    )
        except _Spent:
            cut = f"{title} ended with its {len(answers.models)} models and the best mixture of them"
        if stop_requested():
            raise RunInterrupted(f"interrupted after {len(answers.models)} models; {title} keeps no checkpoint")
        weights = _weights(answers.models, loaded, mixed=mixed)
    members, said = _members(answers.models, weights, task, mixed=mixed)
    first = members[0].scorer
    return Candidates(
        members=members,
        architecture=f"{title} over {learner.what}",
        head=head,
        history=tuple(history.rows),
        decisions=(),
        fallbacks=(*_said(constraint, head, task), *said, *([cut] if cut else [])),
        trained=(f"{len(answers.models)} models by {title}, for {constraint.target.text}",),
        calibration_cost=learner.calibration_cost(problem, first, head),
    )


def _weights(models: Sequence[_Model], loaded: Loaded, *, mixed: bool) -> NDArray[np.float64]:
    """Return the weights of the best mixture, or scores that sum to 1 and are highest for the best single model."""
    errors = np.array([loaded.error(model.decided) for model in models])
    gammas = np.stack([loaded.gamma(model.decided) for model in models])
    if mixed:
        return best_mixture(errors, gammas, loaded.bound, PRICE)
    rank = np.argsort(np.argsort(0.5 * errors + 0.5 * gammas.max(axis=1), kind="stable"), kind="stable")
    return np.asarray((len(models) - rank) / (len(models) * (len(models) + 1) / 2))


def _members(
    models: Sequence[_Model], weights: NDArray[np.float64], task: TrainingTask, *, mixed: bool
) -> tuple[tuple[Candidate, ...], list[str]]:
    order = np.argsort(-weights, kind="stable")
    alone = [int(index) for index in order if weights[index] >= LEAST_WEIGHT or not mixed][:MEMBERS]
    what = "weight {:.3f} in the mixture" if mixed else "rank weight {:.3f}"
    single = [Candidate(f"model {i + 1}", models[i].scorer, what.format(weights[i])) for i in alone]
    kept = [int(index) for index in order if weights[index] >= LEAST_WEIGHT]
    if not mixed or len(kept) < 2:
        return tuple(single), []
    share = weights[kept] / weights[kept].sum()
    blend = blended([models[i].scorer for i in kept], share)  # type: ignore[arg-type]  # all of one kind
    if task.exceeded is not None and (misfits := task.exceeded(blend)):
        return tuple(single), [f"the blend of {len(kept)} models does not fit the budget ({', '.join(misfits)})"]
    note = f"one scorer: the mean logit of {len(kept)} models by their weights in the mixture"
    return (Candidate("blend", blend, note), *single), []


def _said(constraint: Constraint, head: Head | None, task: TrainingTask) -> list[str]:
    said = [
        f"{other.text}: a reduction has one constraint; calibration alone works on it" for other in constraint.others
    ]
    return [*said, NO_HEAD] if head is None and not task.aware else said


class _History:
    """One row per model."""

    def __init__(self, problem: Problem, ledger: Ledger) -> None:
        self._monitor, self._ledger = problem.splits["monitor"], ledger
        self.rows: list[dict[str, Any]] = []

    def add(self, model: _Model) -> None:
        ledger, monitor = self._ledger, self._monitor
        z = score_encoded(model.scorer, monitor.x).astype(np.float64)
        before = self.rows[-1]["used"] if self.rows else 0.0
        self.rows.append(
            {
                "step": float(len(self.rows) + 1),
                "progress": ledger.fraction() if math.isfinite(ledger.limit) else 1.0,
                "used": ledger.used(),
                "wall": ledger.used("wall"),
                "cpu": ledger.used("cpu"),
                "accuracy": utility_on(z, monitor, "binary"),
                "cost_step": ledger.used() - before,
                "monitor_rows": float(len(monitor)),
            }
        )
