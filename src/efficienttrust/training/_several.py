"""Several trainings inside one budget: each in its share, with what follows training kept back once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from efficienttrust.atats import Policy
from efficienttrust.compression import NetworkScorer
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.models import build_mlp
from efficienttrust.resources import Ledger
from efficienttrust.training._levers import levers_of
from efficienttrust.training._trainer import Candidates, TrainingTask
from efficienttrust.training._widths import MENU, affordable_steps, first_width, too_wide
from efficienttrust.training.catalogue.network import (
    CALIBRATION_SHARE,
    RESERVE_FACTOR,
    RESERVE_SHARE,
    NetworkTrainer,
)


def with_widths(problem: Problem, task: TrainingTask, ledger: Ledger, trainings: int) -> TrainingTask:
    """Return the task with hidden layers where its `mlp` has none yet: as `fit` would choose them for a part.

    Args:
        problem: The problem.
        task: The task.
        ledger: The account.
        trainings: How many trainings share what is left.

    Raises:
        InfeasibleError: Not even a linear model fits the limits.
    """
    if task.network != "mlp" or task.options or problem.kind == "image" or problem.task != "binary":
        return task
    n_train = len(problem.splits["train"])
    misfits: tuple[str, ...] = ()
    steps = affordable_steps(n_train, ledger, robust=levers_of(task.targets).eps > 0, trainings=trainings)
    for position in range(first_width(n_train), len(MENU)):
        with ledger.phase("probe"):
            network = build_mlp(n_features=problem.encoder.n_features, widths=MENU[position], seed=task.seed)
            if too_wide(position, steps(network)):
                continue
            misfits = () if task.exceeded is None else tuple(task.exceeded(NetworkScorer(network.layers())))
        if not misfits:
            return dataclasses.replace(task, options={"widths": MENU[position]})
    raise InfeasibleError(f"budget: not even the smallest model fits ({', '.join(misfits)}); ask for more")


def end_of_training(task: TrainingTask, ledger: Ledger, calibration: float, start: float) -> float:
    """Return what may be used up to the end of the last training, on the declared clock.

    Args:
        task: Knows what an export costs.
        ledger: The account.
        calibration: Predicted cost of calibrating one candidate; infinite where it is not known yet.
        start: Used when the first training began.
    """
    if ledger.clock in ("steps", "samples") or math.isinf(ledger.limit):
        return ledger.limit
    affordable = CALIBRATION_SHARE * max(ledger.limit - start, 0.0)
    kept = RESERVE_FACTOR * (min(calibration, affordable) + task.export_cost) + RESERVE_SHARE * ledger.limit
    return ledger.limit - kept


@contextmanager
def share_of(ledger: Ledger, end: float, parts: float, after: float = 0.0) -> Iterator[None]:
    """Let the body use one of so many equal parts of what is left up to an end.

    Args:
        ledger: The account.
        end: On the declared clock, counted from the beginning of the run.
        parts: How many parts there are.
        after: What has to be done in each part once the body is done, kept back from it.
    """
    used = ledger.used()
    with ledger.until(used + (end - used) / parts - after if math.isfinite(end) else end):
        yield


def train_network(problem: Problem, task: TrainingTask, ledger: Ledger, policy: Policy, name: str) -> Candidates:
    """Train one network of several: without a checkpoint, and without a reserve, which is kept back for all.

    Args:
        problem: The problem.
        task: The task.
        ledger: The account, limited to the share of this training.
        policy: Who steers.
        name: What it is called in signs of life.
    """
    tell = task.on_progress

    def told(step: int, metrics: Mapping[str, float], action: str) -> None:
        if tell is not None:
            tell(step, metrics, f"{name}: {action}")

    own = dataclasses.replace(task, checkpoint=None, reserve=False, on_progress=told)
    return NetworkTrainer(own).fit(problem, ledger, policy)


def named_rows(history: Sequence[Mapping[str, Any]], name: str, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the rows of a history with the name of the model, their progress that of the whole run."""
    rows = []
    for row in history:
        progress = row["used"] / ledger.limit if math.isfinite(ledger.limit) else row["progress"]
        rows.append({"model": name, **row, "progress": progress})
    return rows


def none_fits(error: InfeasibleError, trainings: int) -> InfeasibleError:
    """Return the refusal of a budget that so many trainings share, when not even the first one fits its share."""
    return InfeasibleError(f"budget: {trainings} trainings share it: {str(error).removeprefix('budget: ')}")
