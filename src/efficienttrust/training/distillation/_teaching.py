"""What the teachers of a training say of its rows, and how much each row of it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.data import Problem, Split
from efficienttrust.errors import InfeasibleError, UsageError, in_bytes
from efficienttrust.resources import Ledger
from efficienttrust.training._distributed import present_team
from efficienttrust.training._labels import Unit
from efficienttrust.training.distillation._member import member_of
from efficienttrust.training.distillation._options import TEMPERATURE, Distillation

ROWS_AT_ONCE = 4096  # of a table, asked between two looks at the clock
STORE_SHARE = 0.5  # of the memory that is free: the most that answers kept may take


@dataclass(frozen=True, eq=False)
class Told:
    """What teachers say of some rows.

    Attributes:
        answers: Probabilities of class 1 [n] or of the classes [n, K], softened; numbers [n] in the unit learned.
        features: [n, F], those of each teacher of length 1, side by side; None where none are asked for.
    """

    answers: Tensor
    features: Tensor | None

    def at(self, rows: Tensor, device: torch.device) -> Told:
        """Return what was told of some of the rows, on a device."""
        features = None if self.features is None else self.features[rows].to(device)
        return Told(self.answers[rows].to(device), features)


class Teaching:
    """The teachers of a training. Rows of a table are asked about once, images as they were augmented.

    Args:
        distillation: What is asked of them.
        problem: The problem.
        unit: In what a label that is a number is learned; None learns classes.
        device: Where the training runs.
        attacked: Whether the training attacks rows.

    Attributes:
        options: The distillation.
        temperature: T.
        widths: Features of each teacher, side by side in what is told; empty where none are asked for.
        counted: [n] what each training row counts in what is taken from the teachers: weight × balance, mean 1.
        step_flops: Of the teachers, a row of a training step.

    Raises:
        UsageError: An option that has no effect on this problem, or a teacher of other data.
    """

    def __init__(
        self, distillation: Distillation, problem: Problem, unit: Unit | None, device: torch.device, *, attacked: bool
    ) -> None:
        refuse_unsuited(distillation, problem, attacked=attacked)
        self.options, self._unit, self._device = distillation, unit, device
        self._train: Split = problem.splits["train"]
        self.temperature = TEMPERATURE if distillation.temperature is None else distillation.temperature
        shape = tuple(self._train.inputs(slice(0, 1)).shape[1:])
        wanted = distillation.feature > 0
        self._members = [
            member_of(one, shape, problem.outputs, device, features=wanted) for one in distillation.teachers
        ]
        self.widths = tuple(one.n_features for one in self._members) if wanted else ()
        self._row_flops = sum(one.flops for one in self._members)
        self._of_images = problem.kind == "image"
        self.step_flops = self._row_flops if self._of_images else 0.0
        self._outputs = problem.outputs
        self._kept: Told | None = None
        self.counted = torch.from_numpy(_counted(self._train, problem, balanced=distillation.balanced))

    @property
    def is_of_numbers(self) -> bool:
        """Whether labels are numbers."""
        return self._unit is not None

    @property
    def said(self) -> str:
        """What the teachers are and how they are listened to, for reports."""
        options = self.options
        parts = [f"learns by a share of {options.alpha:g} from the answers of {options.said}"]
        if self._unit is None:
            parts.append(f"at temperature {self.temperature:g}")
        if options.feature > 0:
            parts.append(f"and by a weight of {options.feature:g} from its features")
        if options.robust > 0:
            parts.append(f"at attacked rows by {options.robust:g} of that, from the answers at the clean rows")
        if options.balanced:
            parts.append("each group and class counting the same")
        whole = ", ".join(parts)
        return f"{whole}; what was given was trained outside the budget" if options.given else whole

    def prepare(self, ledger: Ledger | None = None) -> None:
        """Ask about all rows of a table, charged as `teacher`; images are asked about step by step.

        Raises:
            UsageError: The answers do not fit into memory.
            InfeasibleError: The budget does not buy them.
        """
        if self._of_images or self._kept is not None:
            return
        self._refuse_beyond_memory()
        pieces = torch.split(torch.from_numpy(self._train.x), ROWS_AT_ONCE)
        if ledger is None:
            self._kept = _joined([self.answer(x) for x in pieces])
            return
        told: list[Told] = []
        with ledger.phase("teacher"):
            cost = len(pieces[0]) * self._row_flops if ledger.clock == "flops" else 0.0
            for x in pieces:
                before = ledger.used()
                if cost > ledger.remaining():
                    raise InfeasibleError(
                        f"budget: it ends when the teacher has answered on {len(told) * ROWS_AT_ONCE} of "
                        f"{len(self._train)} training rows; ask for more, or take a smaller teacher"
                    )
                told.append(self.answer(x))
                ledger.count(flops=len(x) * self._row_flops)
                cost = ledger.used() - before
        self._kept = _joined(told)

    def told(self, rows: Tensor, x: Tensor) -> Told:
        """Return what the teachers say of training rows whose clean inputs are x, which they see where it is new."""
        if self._of_images:
            return self.answer(x)
        self.prepare()
        assert self._kept is not None
        return self._kept.at(rows, x.device)

    def answer(self, x: Tensor) -> Told:
        """Ask the teachers about inputs [n, ...]: the mean of what they say, in evaluation mode and float32."""
        answered = [one.answer(x.to(self._device)) for one in self._members]
        answers = torch.stack([self._softened(z) for z, _ in answered]).mean(0)
        features = [one for _, one in answered if one is not None]
        return Told(answers.to(x.device), torch.cat(features, dim=1).to(x.device) if features else None)

    def _softened(self, z: Tensor) -> Tensor:
        if self._unit is not None:
            return (z - self._unit.shift) / self._unit.scale
        return torch.sigmoid(z / self.temperature) if z.ndim == 1 else torch.softmax(z / self.temperature, dim=1)

    def _refuse_beyond_memory(self) -> None:
        import psutil

        needed = 4.0 * len(self._train) * (self._outputs + sum(self.widths))
        free = STORE_SHARE * psutil.virtual_memory().available
        if needed > free:
            raise UsageError(
                f"distillation: the teachers' answers on {len(self._train)} rows take {in_bytes(needed)}, of the free "
                f"memory {in_bytes(free)} may be used; " + ("leave out feature" if self.widths else "use fewer rows")
            )


def teaching_of(
    distillation: Distillation | None, problem: Problem, unit: Unit | None, device: torch.device, *, attacked: bool
) -> Teaching | None:
    """Return the teachers of a distillation, see `Teaching`; None without one.

    Raises:
        UsageError: Features are asked for in a training of several processes, which would train a map each.
    """
    if distillation is None:
        return None
    if distillation.feature > 0 and present_team() is not None:
        raise UsageError("distillation: feature is learned in one process; start without torchrun, or leave it out")
    return Teaching(distillation, problem, unit, device, attacked=attacked)


def refuse_unsuited(distillation: Distillation, problem: Problem, *, attacked: bool) -> None:
    """Raise `UsageError` for an option of a distillation that would have no effect on a problem.

    Args:
        distillation: What is asked for.
        problem: The problem.
        attacked: Whether the training attacks rows.
    """
    if problem.task == "regression" and distillation.temperature is not None:
        raise UsageError("distillation: a number has no temperature; leave it out")
    if distillation.robust > 0 and not attacked:
        raise UsageError(
            "distillation: robust pulls the answers at attacked rows, and nothing is attacked without a target on "
            "robustness; leave it out, or add the target"
        )
    grouped = bool((problem.splits["train"].groups >= 0).any())
    if distillation.balanced and problem.task == "regression" and not grouped:
        raise UsageError("distillation: balanced needs groups or classes, and here are neither; leave it out")


def balance_of(cells: NDArray[np.int64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights [n] with which every cell that is present weighs the same, of weighted mean 1.

    Args:
        cells: [n] which cell a row is in.
        weight: [n] what the rows weigh without.
    """
    _, codes = np.unique(cells, return_inverse=True)
    mass = np.bincount(codes, weights=weight)
    factor = np.divide(weight.sum(), np.count_nonzero(mass) * mass, out=np.zeros_like(mass), where=mass > 0)
    made: NDArray[np.float64] = factor[codes]
    return made


def _counted(train: Split, problem: Problem, *, balanced: bool) -> NDArray[np.float32]:
    """Return what each training row counts [n]; rows of unknown group are a group of their own.

    Balanced Knowledge Distillation (Zhang et al. 2021) weighs by the frequency of a class; differs in that here classes
    count the same within each group.
    """
    weight = np.ones(len(train)) if train.weight is None else train.weight.astype(np.float64)
    weight = weight / weight.mean()
    if balanced:
        classes = np.zeros(len(train), dtype=np.int64) if problem.task == "regression" else train.y.astype(np.int64)
        weight = weight * balance_of((train.groups + 1) * (int(classes.max()) + 1) + classes, weight)
    counted: NDArray[np.float32] = weight.astype(np.float32)
    return counted


def _joined(told: list[Told]) -> Told:
    features = [one.features for one in told if one.features is not None]
    return Told(torch.cat([one.answers for one in told]), torch.cat(features) if features else None)
