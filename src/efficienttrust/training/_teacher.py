"""Distillation: a network learns the labels mixed with the probabilities of boosted trees (Hinton et al. 2015).

With a share d for the teacher the loss is (1 − d) BCE(z, y) + d BCE(z, p), which is BCE(z, (1 − d) y + d p): the
mixture takes the place of the labels. The teacher answers on the very rows it has learned, but stops growing when the
loss on the monitor split no longer falls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from efficienttrust.compression import score_encoded
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._boosting import Growth, MakeEnsemble
from efficienttrust.training._ground import ground_of
from efficienttrust.training._rounds import count_text
from efficienttrust.training._trainer import TrainingTask

SHARE = 0.3  # of what is left: the most that the teacher may use


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a teacher hands on.

    Attributes:
        soft: float32 [n], the training labels mixed with its probabilities.
        said: What it was, for reports.
    """

    soft: Tensor
    said: str


def lesson_of(problem: Problem, task: TrainingTask, ledger: Ledger) -> Lesson | None:
    """Train a teacher inside the budget, charged as `teacher`; None where nothing is to be distilled.

    Raises:
        UsageError: The rows are images, or there are not two classes.
        InfeasibleError: The budget buys no teacher.
    """
    share = task.settings.distil
    if share == 0:
        return None
    if problem.kind == "image" or problem.task != "binary":
        raise UsageError("distil: the teacher, boosted trees, learns two classes from tables; leave it out here")
    ground = ground_of(problem)
    make, library = best_ensemble()
    with ledger.phase("teacher"), ledger.until(ledger.used() + SHARE * ledger.remaining()):
        growth = Growth(
            make(ground, task.seed), ground, problem.splits["monitor"], ledger, phases=("teacher", "teacher")
        )  # fmt: skip
        try:
            forest = growth.run()
        except InfeasibleError as error:
            raise InfeasibleError(f"{error} for the teacher; leave out distil, or ask for more") from error
        z = score_encoded(forest.scorer, ground.x).astype(np.float64)
    soft = (1.0 - share) * np.asarray(ground.y, dtype=np.float64) + share * np.exp(-np.logaddexp(0.0, -z))
    trees = count_text(forest.scorer.rounds, 1)
    return Lesson(
        torch.from_numpy(soft.astype(np.float32)),
        f"learns by a share of {share:g} from the probabilities of boosted trees ({trees}, {library})",
    )


def best_ensemble() -> tuple[MakeEnsemble, str]:
    """Return the faster of what can grow trees here, and its name for reports."""
    from efficienttrust.training.catalogue.lightgbm import LightGBMTrees, is_installed
    from efficienttrust.training.catalogue.trees import HistogramTrees

    return (LightGBMTrees, "LightGBM") if is_installed() else (HistogramTrees, "scikit-learn")
