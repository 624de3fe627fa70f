"""What is asked of a distillation, as a user writes it and as a training takes it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.compression import Scorer
from efficienttrust.errors import UsageError, unknown_name

TEMPERATURE = 2.0  # where none is given
MOST_MEMBERS = 64


@dataclass(frozen=True, kw_only=True)
class _Terms:
    alpha: float = 0.5
    temperature: float | None = None
    feature: float = 0.0
    robust: float = 0.0
    balanced: bool = False

    def __post_init__(self) -> None:
        for name in ("alpha", "robust"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"distillation: {name}={getattr(self, name):g} is a share; give a number from 0 to 1")
        if self.temperature is not None and not 0 < self.temperature < math.inf:
            raise UsageError(f"distillation: temperature={self.temperature:g}; give a number above 0, as 2 or 4")
        if not 0 <= self.feature < math.inf:
            raise UsageError(f"distillation: feature={self.feature:g} is a weight; give 0 or more, as 0.1")


@dataclass(frozen=True, kw_only=True, eq=False)
class Distillation(_Terms):
    """What a training learns from teachers.

    Attributes:
        teachers: Scorers of the same problem; several answer with the mean of their probabilities.
        alpha: Share of the loss on the teachers' answers, in [0, 1].
        temperature: Softens both sides, > 0; None is 2. Numbers have none.
        feature: Weight of the distance to the teachers' features, ≥ 0; 0 leaves features alone.
        robust: Factor on `alpha` at attacked rows, in [0, 1]: 0 learns them from the label alone.
        balanced: Whether each group and class counts the same in what is taken from the teachers.
        given: Whether the teachers were trained outside the budget.
        said: What the teachers are, for reports.
    """

    teachers: tuple[Scorer, ...]
    given: bool
    said: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.teachers:
            raise UsageError("distillation: there is no teacher; give at least one scorer")


@dataclass(frozen=True, kw_only=True)
class DistilOptions(_Terms):
    """A distillation as it was written; see `Distillation` for what both have.

    Attributes:
        student: Network that is trained, as `mlp(widths=32-16)`; empty for the one that is there.
        ensemble: Further copies of the teacher that are trained with other seeds, inside the budget.
    """

    student: str = ""
    ensemble: int = 0

    def taught_by(self, teachers: Sequence[Scorer]) -> Distillation:
        """Return the distillation from the network as it was, the first teacher, and the further ones."""
        terms = {field.name: getattr(self, field.name) for field in dataclasses.fields(_Terms)}
        said = "the network before compression"
        if len(teachers) > 1:
            said += f" and {len(teachers) - 1} more of its kind, trained inside the budget"
        return Distillation(teachers=tuple(teachers), given=True, said=said, **terms)


def parse_distillation(text: str) -> DistilOptions:
    """Read `[STUDENT][, alpha=0.7][, temperature=4][, feature=0.1][, robust=1][, balanced=1][, ensemble=3]`.

    Raises:
        UsageError: No such network or option, an option given twice, or one that is no number of its range.
    """
    what = f"--distil {text.strip()}"
    parts = [part.strip() for part in _split(text)]
    student = ""
    if parts and "=" not in parts[0].partition("(")[0]:
        student = parts.pop(0)
        _refuse_unknown(student)
    known = [field.name for field in dataclasses.fields(DistilOptions) if field.name != "student"]
    options: dict[str, float] = {}
    for part in filter(None, parts):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UsageError(f"{what}: {part!r} is not of the form OPTION=NUMBER; the student stands first")
        if name not in known:
            raise unknown_name(f"option of {what}", name, known)
        if name in options:
            raise UsageError(f"{what}: {name} is given twice: leave out one of the two")
        try:
            options[name] = float(value)
        except ValueError:
            options[name] = math.nan
        if not math.isfinite(options[name]):
            raise UsageError(f"{what}: write {name}=NUMBER, not {part!r}")
    balanced, members = options.pop("balanced", 0.0), options.pop("ensemble", 0.0)
    if balanced not in (0, 1):
        raise UsageError(f"{what}: balanced={balanced:g} is on or off, give 1 or 0")
    if members not in range(MOST_MEMBERS + 1):
        raise UsageError(f"{what}: ensemble={members:g}; give a whole number from 0 to {MOST_MEMBERS}")
    return DistilOptions(student=student, ensemble=int(members), balanced=bool(balanced), **options)


def _split(text: str) -> list[str]:
    """Split at commas that stand outside parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _refuse_unknown(student: str) -> None:
    from efficienttrust.models import parse_network

    if student:
        parse_network(student)
