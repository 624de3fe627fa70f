"""Relations that the numbers of a row must satisfy: `capital_gain >= capital_loss`, `total == part_a + part_b`.

A user declares them, so that a perturbed row can be refused when it could not exist. They are linear: sums of columns
times factors, compared by `<=`, `>=` or `==`. Names with blanks or signs stand in backticks, as in
`` `hours-per-week` <= 99 ``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.data._encoder import Encoder
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-6
"""Share of the terms' own size by which a relation may be missed: sums of decimal fractions are not exact."""
LONGEST = 1000
"""Characters; a sum of that length stays well inside the recursion limit of Python."""
_NAME = re.compile(r"`([^`]*)`|(?<![\w.])([^\W\d][\w.]*)")
_WORD = re.compile(r"[^\W\d][\w.]*")
_SENSE = re.compile(r"[<>=!]+")
_Form = dict[int | None, float]  # factor of each column by its number, and under None the constant


@dataclass(frozen=True)
class LinearRelation:
    """One relation: the sum of coefficient times column is at most, or equal to, the bound.

    Attributes:
        coefficients: Column to its factor, not 0; in raw units.
        sense: `<=` or `==`.
        bound: The right-hand side.
        text: As the user wrote it; `parse_relation` of it gives the relation again.
    """

    coefficients: Mapping[str, float]
    sense: str
    bound: float
    text: str

    def violated(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which rows [n] break the relation by more than rounding.

        A row with a missing cell in one of the columns breaks nothing.

        Args:
            frame: Raw rows with the columns of the relation.

        Raises:
            UsageError: A column is missing or holds text.
        """
        excess = np.full(len(frame), -self.bound)
        size = np.full(len(frame), abs(self.bound))
        for name, factor in self.coefficients.items():
            if name not in frame.columns:
                raise UsageError(
                    f"relation {self.text!r}: the table has no column {name!r}."
                    f"{did_you_mean(name, map(str, frame.columns))}"
                )
            term = factor * numbers(frame[name])
            excess += term
            size += np.abs(term)
        broken: NDArray[np.bool_] = (excess if self.sense == "<=" else np.abs(excess)) > TOLERANCE * size
        return broken


def parse_relation(text: str, columns: Iterable[str]) -> LinearRelation:
    """Read a relation.

    Args:
        text: A comparison of two sums by `<=`, `>=` or `==`, e.g. `2*a + b <= 100`; parentheses and division by numbers
            are understood; names that are not one word stand in backticks.
        columns: Names of the numeric columns.

    Raises:
        UsageError: The text is no linear comparison, or names an unknown column.
    """
    shown = text.strip()
    if len(shown) > LONGEST:
        raise UsageError(f"relation {_short(shown)} has more than {LONGEST} characters. Split it into several.")
    names: list[str] = []
    masked = _NAME.sub(lambda match: _number_name(match, names), shown)
    senses = _SENSE.findall(masked)
    if len(senses) != 1:
        found = f"{len(senses)} comparisons" if senses else "no comparison"
        raise _fault(shown, f"it holds {found}. Write one <=, >= or == between two sums")
    if senses[0] not in ("<=", ">=", "=="):
        raise _fault(shown, f"{senses[0]!r} is not understood. Compare by <=, >= or ==")
    known = list(columns)
    for name in names:
        if name not in known:
            bare = [column for column in known if column in shown and not _WORD.fullmatch(column)]
            hint = f" Put backticks around `{bare[0]}`." if bare and "`" not in shown else did_you_mean(name, known)
            raise UsageError(f"relation {_short(shown)}: there is no numeric column {name!r}.{hint}")
    sides = zip(masked.split(senses[0]), ("left", "right"), strict=True)
    left, right = (_linear(side, which, shown) for side, which in sides)
    sign = -1.0 if senses[0] == ">=" else 1.0
    coefficients: dict[str, float] = {}
    for form, side in ((left, sign), (right, -sign)):
        for number, factor in form.items():
            if number is not None:
                coefficients[names[number]] = coefficients.get(names[number], 0.0) + side * factor
    coefficients = {name: factor for name, factor in coefficients.items() if factor != 0.0}
    bound = sign * (right.get(None, 0.0) - left.get(None, 0.0)) + 0.0
    if not coefficients:
        raise _fault(shown, "no column is left in it. Name at least one")
    if not all(map(isfinite, (bound, *coefficients.values()))):
        raise _fault(shown, "its numbers are too large. Use smaller units")
    return LinearRelation(coefficients, senses[0].replace(">", "<"), bound, shown)


def encoded_relations(
    relations: Sequence[LinearRelation], encoder: Encoder
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return relations on the encoded numeric columns: `a @ numeric <= b`, or `== b` where `equal`.

    Every row of `a` has Euclidean norm 1, so that `a @ numeric - b` is a distance in training standard deviations and
    one tolerance fits all. An encoded missing cell holds the fill value: leave the relations of such rows alone.

    Args:
        relations: r relations between raw columns.
        encoder: Encodes p numeric columns as (raw - mean) / scale.

    Returns:
        a: float32 [r, p] coefficients.
        b: float32 [r] bounds.
        equal: bool [r], whether the relation is an equation.

    Raises:
        UsageError: A column is no numeric input.
    """
    position = {feature.column: place for place, feature in enumerate(encoder.numeric)}
    a = np.zeros((len(relations), len(encoder.numeric)))
    b = np.array([relation.bound for relation in relations], dtype=np.float64)
    for row, relation in enumerate(relations):
        for name, factor in relation.coefficients.items():
            if name not in position:
                is_text = name in (block.column for block in encoder.categorical)
                kind = "holds categories" if is_text else "is no numeric input of the model"
                raise UsageError(f"relation {relation.text!r}: column {name!r} {kind}.{did_you_mean(name, position)}")
            feature = encoder.numeric[position[name]]
            a[row, position[name]] = factor * feature.scale
            b[row] -= factor * feature.mean
    norm = np.linalg.norm(a, axis=1)
    return (
        (a / norm[:, None]).astype(np.float32),
        (b / norm).astype(np.float32),
        np.array([relation.sense == "==" for relation in relations], dtype=bool),
    )


def _number_name(match: re.Match[str], names: list[str]) -> str:
    """Replace a name by one that Python's parser takes: columns may be called `class` or `hours-per-week`."""
    name = match[2] if match[1] is None else match[1].strip()
    if name not in names:
        names.append(name)
    return f" _{names.index(name)} "


def _linear(side: str, which: str, text: str) -> _Form:
    """Return the factors and the constant of one side."""
    try:
        return _form(ast.parse(side.strip(), mode="eval").body, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise _fault(text, f"its {which} side is no sum of columns and numbers. Write it like 2*a + b") from error


def _form(node: ast.expr, text: str) -> _Form:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return {None: float(node.value)}
    if isinstance(node, ast.Name):
        return {int(node.id.removeprefix("_")): 1.0}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        return _scaled(_form(node.operand, text), -1.0 if isinstance(node.op, ast.USub) else 1.0)
    if isinstance(node, ast.BinOp):
        left, right = _form(node.left, text), _form(node.right, text)
        if isinstance(node.op, ast.Add | ast.Sub):
            other = _scaled(right, 1.0 if isinstance(node.op, ast.Add) else -1.0)
            return {key: left.get(key, 0.0) + other.get(key, 0.0) for key in {**left, **other}}
        if isinstance(node.op, ast.Mult) and {None} in (set(left), set(right)):
            return _scaled(right, left[None]) if set(left) == {None} else _scaled(left, right[None])
        if isinstance(node.op, ast.Div) and set(right) == {None} and right[None] != 0.0:
            return _scaled(left, 1.0 / right[None])
    raise _fault(text, "it is not linear. Use sums of columns times numbers only")


def _scaled(form: _Form, factor: float) -> _Form:
    return {key: value * factor for key, value in form.items()}


def _fault(text: str, what: str) -> UsageError:
    return UsageError(f"cannot read the relation {_short(text)}: {what}.")


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
