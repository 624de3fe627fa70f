"""Compression-identified exemplars: the rows that the compressed model decides unlike the dense models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Array, Pair
from efficienttrust.evaluation.harm._paired import error_change, error_of, share
from efficienttrust.metrics import Estimate

MOST_LISTED = 50


@dataclass(frozen=True)
class Exemplar:
    """One row.

    Attributes:
        row: Its number in the source (first data row = 0).
        label: Its label: name of the class, or the number.
        before: The dense models' decision, or their mean number.
        after: The compressed model's.
        moved: How far its margin moved from the model that was compressed, in logits; of a regression its number.
    """

    row: int
    label: str | float
    before: str | float
    after: str | float
    moved: float


@dataclass(frozen=True)
class Exemplars:
    """The rows that a compression singles out.

    Attributes:
        n: How many there are: all rows whose decision differs from the dense models' most frequent one. A regression
            has none, and lists the rows that moved most.
        share: Their share of all rows; None for a regression.
        dense_models: Dense models whose decisions were counted.
        churn: Share of rows on which the model that was compressed differs itself from the most frequent decision: what
            another seed does without any compression. NaN with one dense model, which cannot tell; None for a
            regression.
        error_before: Error rate among them of the dense models' most frequent decision; for a regression mean absolute
            error of their mean over the listed rows.
        error_after: That of the compressed model.
        error_change: After minus before, with a paired interval.
        rows: Up to 50 of them, those that moved farthest first, equal ones by row.
    """

    n: int
    share: Estimate | None
    dense_models: int
    churn: Estimate | None
    error_before: Estimate
    error_after: Estimate
    error_change: Estimate
    rows: tuple[Exemplar, ...]


def exemplars_of(problem: Problem, pair: Pair, level: float) -> Exemplars:
    """Return the exemplars of a pair of models."""
    part, moved = pair.split, pair.moved
    differs = pair.modal != pair.after.decision if pair.decides else moved > 0
    found = np.flatnonzero(differs)
    listed = found[np.lexsort((part.rows[found], -moved[found]))][:MOST_LISTED]
    about = found if pair.decides else np.sort(listed)
    weight = None if part.weight is None else part.weight[about]
    modal = pair.modal != part.y if pair.decides else np.abs(pair.modal - part.y)
    before, after = np.asarray(modal[about], dtype=np.float64), pair.errors(pair.after)[about]
    return Exemplars(
        n=len(found) if pair.decides else 0,
        share=share(differs, part.weight, level) if pair.decides else None,
        dense_models=pair.dense_models,
        churn=_churn(pair, level),
        error_before=error_of(pair, before, weight, level),
        error_after=error_of(pair, after, weight, level),
        error_change=error_change(pair, before, after, weight, level),
        rows=tuple(_exemplar(problem, pair, int(place), moved) for place in listed),
    )


def _churn(pair: Pair, level: float) -> Estimate | None:
    if not pair.decides:
        return None
    if pair.dense_models < 2:
        return Estimate.missing(len(pair), "one dense model: how its seed alone moves rows is not known")
    return share(pair.before.decision != pair.modal, pair.split.weight, level)


def _exemplar(problem: Problem, pair: Pair, place: int, moved: Array) -> Exemplar:
    row = int(pair.split.rows[place])
    codes = (pair.split.y[place], pair.modal[place], (pair.after.decision if pair.decides else pair.after.score)[place])
    label, before, after = (problem.classes[int(code)] if pair.decides else float(code) for code in codes)
    return Exemplar(row, label, before, after, float(moved[place]))
