"""Alarms about the figures under attack: the evidence of an audit, and what its alarms say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.evaluation.subjects import Rows
from efficienttrust.pipeline._audit_examination import Examination

if TYPE_CHECKING:
    from torch import Tensor

OF_ANSWERS = ("constant_predictor", "inputs_off_scale")
"""Alarms that any audit looks for; the others need attacks, so suite `standard` or a target under attack."""
FULL = 200
"""Rows that alarms look at, where rows are small."""
FEWEST = 50
CELLS = 150_000
"""Of all those rows together: pictures have many."""
PASSES = 400
"""Forward and backward passes a row that all alarms together take, about."""
PROBED = 16


def alarms_about(
    exam: Examination, rows: Rows, eps: float, norm: str, *, seconds: float | None = None
) -> tuple[Mapping[str, Any], ...]:
    """Return every alarm about attacks on the rows, as entries of `alarms`; what `Subject.checks` says is left out.

    Args:
        exam: Model, rows, answers, request.
        rows: The rows that were attacked.
        eps: The radius in question.
        norm: Its norm.
        seconds: Wall time that they should not take longer than; it decides on how many rows they look.
    """
    import torch

    from efficienttrust.evaluation.alarms import gather, raise_alarms
    from efficienttrust.evaluation.artefacts import gradient_victim, region_of, subject_victim

    subject = exam.subject
    shipped, leader = subject_victim(subject, rows), gradient_victim(subject, rows)
    cells = rows.x[0].size if len(rows) else 1
    most = max(FEWEST, min(FULL, CELLS // max(cells, 1)))
    y, regions = torch.from_numpy(rows.y), region_of(rows, norm)
    if seconds is not None:
        few = torch.arange(min(PROBED, len(rows)))
        begin = time.perf_counter()
        with torch.no_grad():
            (leader or shipped).bind(few)(regions(eps).origin[few])
        one = (time.perf_counter() - begin) / len(few)
        most = max(PROBED, min(most, int(seconds / (PASSES * max(one, 1e-9)))))
    image = rows.kind == "image"
    evidence = gather(
        leader or shipped,
        regions,
        y,
        eps,
        widest=_widest(rows, norm),
        deployed=None if leader is None else shipped,
        pixels=image,
        seed=exam.request.seed,
        most=most,
    )
    return tuple(asdict(alarm) for alarm in raise_alarms(evidence, [check.name for check in subject.checks]))


def alarms_about_answers(exam: Examination) -> tuple[Mapping[str, Any], ...]:
    """Return the alarms that need no attack, only what was answered anyway, as entries of `alarms`.

    All rows are looked at, so that a class that is seldom decided is not taken for one that never is.
    """
    import torch

    from efficienttrust.evaluation.alarms import Evidence, alarms
    from efficienttrust.threats import ball

    rows = exam.rows
    x = torch.from_numpy(rows.x) if rows.kind == "image" else torch.zeros(len(rows), 1)
    decided = torch.nn.functional.one_hot(torch.from_numpy(exam.answer.prediction).long(), len(rows.classes))
    evidence = Evidence(
        victim=_Answered(decided.float()),
        regions=lambda eps: ball(x, eps),
        y=torch.from_numpy(rows.y),
        eps=0.0,
        widest=0.0,
        pixels=rows.kind == "image",
    )
    return tuple(asdict(alarms.get(name)(evidence)) for name in OF_ANSWERS)


@dataclass(eq=False)
class _Answered:
    """A victim that repeats what was answered already, whatever the points are.

    Attributes:
        decided: [n, K] 1 in the column of the decision.
        differentiable: It has no gradient.
    """

    decided: Tensor
    differentiable: bool = False

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function from points to the answers of these rows."""
        return lambda _points: self.decided[rows]


def _widest(rows: Rows, norm: str) -> float:
    """Return a radius that reaches from any end of what a row may be to the other."""
    if rows.kind == "image":
        return 1.0 if norm == "linf" else float(np.sqrt(rows.x[0].size))
    domain = rows.problem.domain
    width = np.append(domain.upper - domain.lower, 0.0).astype(np.float64)
    return float(width.max() if norm == "linf" else np.linalg.norm(width))
