"""What the sections of an audit share: the model, the rows, what it answers on them, and what a section hands back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from efficienttrust.evaluation.subjects import Answer, Rows, Subject
from efficienttrust.metrics import Outcome
from efficienttrust.pipeline._audit_request import AuditRequest


@dataclass(frozen=True, eq=False)
class Examination:
    """A model in front of its rows.

    Attributes:
        subject: The model.
        rows: What it is measured on.
        answer: What it answers there.
        request: What is asked for.
    """

    subject: Subject
    rows: Rows
    answer: Answer
    request: AuditRequest

    def outcome(self, sections: Iterable[Section] = ()) -> Outcome:
        """Return what metrics need: the answers on these rows, and what sections found out about them."""
        found: dict[str, dict[str, Any]] = {}
        for section in sections:
            for name, values in section.outcome.items():
                found.setdefault(name, {}).update(values)
        rows, answer = self.rows, self.answer
        return Outcome(
            y=rows.y,
            prediction=answer.prediction,
            score=answer.score,
            groups=rows.groups,
            group_names=rows.group_names,
            attributes=rows.attributes,
            weight=rows.weight,
            task=rows.task,
            classes=rows.classes,
            **found,
        )


@dataclass(frozen=True, eq=False)
class Section:
    """What a section hands back.

    Attributes:
        document: Its part of audit.json; None where nothing was measured.
        outcome: What it adds to the outcome, so that metrics and targets can ask for it: `robust`, `robust_rows`,
            `corrupted` or `ood` -> key -> values.
        alarms: What it found wrong, as entries of `alarms`.
        notes: What a reader must know of a section that was not measured.
    """

    document: Mapping[str, Any] | None = None
    outcome: Mapping[str, Mapping[str, NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]]] = field(default_factory=dict)
    alarms: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
