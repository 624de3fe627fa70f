"""What the tests of terms need of the design alone: metrics with figures in the same places share it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.study.analysis._linear import Coding, Solved, Sums, Term, gathered, independent, invert, solve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TermDesign:
    """One term in the model in which it is tested.

    Attributes:
        term: The term.
        kind: `II` or `III`.
        columns: Of the model of the test.
        solved: That model.
        mine: Positions of the term's columns among those kept.
        metric: (A⁻¹ of the term)⁻¹: b' metric b is its sum of squares [k, k].
        differs: Whether types II and III differ: another term contains it.
        in_blocks: What turns X̃'y of a block with each pattern of cells into the estimate of the term in that block
            alone, in coordinates in which its squared length is a sum of squares; NaN where its cells do not determine
            it [patterns, k, kept].
    """

    term: Term
    kind: str
    columns: Ints
    solved: Solved
    mine: Ints
    metric: Floats
    differs: bool
    in_blocks: Floats


class ModelDesign:
    """A coded design with its pattern of missing figures.

    Args:
        coding: Of the factors.
        data: Sums of any metric with figures in these places.
        counts: Bootstrap replicates [replicates, blocks].

    Attributes:
        full: The model with all terms.
        lost: Terms of which columns are not estimable.
        terms: Every term in every kind in which it can be tested; type III only without empty cells.
    """

    def __init__(self, coding: Coding, data: Sums, counts: Floats) -> None:
        self._data, self._counts = data, counts
        self.full = solve(data, np.arange(coding.x.shape[1]))
        self.lost = [term for term in coding.terms if not np.isin(term.columns, self.full.kept).all()]
        self._solved: dict[bytes, Solved] = {}
        self._columns: dict[bytes, Ints] = {}
        self._inverses: dict[bytes, Floats] = {}
        self._metrics: dict[int, list[tuple[Ints, Floats]]] = {}
        self.terms: list[TermDesign] = []
        if any(len(term.factors) == 1 for term in self.lost):
            return
        for term in coding.terms:
            if np.isin(term.columns, self.full.kept).any():
                self.terms += [self._term(coding, term, kind) for kind in (("II",) if self.lost else ("II", "III"))]
        self._inverses.clear()

    def _term(self, coding: Coding, term: Term, kind: str) -> TermDesign:
        columns = columns_of(coding, term, kind)
        key = columns.tobytes()
        if key not in self._solved:
            self._columns[key] = columns
            self._solved[key] = solve(self._data, columns)
            self._inverses[key] = _by_pattern(self._data, self._solved[key])
        solved = self._solved[key]
        mine = np.flatnonzero(np.isin(solved.kept, term.columns))
        metric = np.asarray(np.linalg.inv(solved.inverse[np.ix_(mine, mine)]), dtype=float)
        differs = any(set(term.factors) < set(one.factors) for one in coding.terms)
        in_blocks = np.linalg.cholesky(metric).T @ self._inverses[key][:, mine]
        return TermDesign(term, kind, columns, solved, mine, metric, differs, in_blocks)

    @staticmethod
    def key_of(term: TermDesign) -> bytes:
        """Return the name of a term's model in `replicates`."""
        return term.columns.tobytes()

    @functools.cached_property
    def replicates(self) -> list[dict[bytes, Solved]]:
        """Every model in every bootstrap replicate, by the columns that `key_of` names."""
        columns = {**self._columns, self.full.kept.tobytes(): self.full.kept}
        out = []
        for weight in self._counts:
            a = gathered(self._data, weight)
            out.append({key: invert(a, own) for key, own in columns.items()})
        return out

    def replicate_metrics(self, term: TermDesign) -> list[tuple[Ints, Floats]]:
        """Return positions and metric of a term, as `TermDesign` has them, in every bootstrap replicate."""
        if id(term) not in self._metrics:
            key, found = self.key_of(term), []
            for solved in (one[key] for one in self.replicates):
                mine = np.flatnonzero(np.isin(solved.kept, term.term.columns))
                found.append((mine, np.asarray(np.linalg.inv(solved.inverse[np.ix_(mine, mine)]), dtype=float)))
            self._metrics[id(term)] = found
        return self._metrics[id(term)]


def columns_of(coding: Coding, term: Term, kind: str) -> Ints:
    """Return the columns of the model in which a term is tested: all (III), or without terms that contain it (II)."""
    within = [one for one in coding.terms if kind == "III" or not set(term.factors) < set(one.factors)]
    return np.concatenate([one.columns for one in within])


def _by_pattern(data: Sums, solved: Solved) -> Floats:
    """Return A⁻¹ of a block with each pattern of cells; NaN where it has none [patterns, kept, kept]."""
    out = np.full((len(data.a), len(solved.kept), len(solved.kept)), np.nan)
    for index, whole in enumerate(data.a):
        own = whole[np.ix_(solved.kept, solved.kept)]
        if len(independent(own)) == len(own):
            out[index] = np.linalg.inv(own)
    return out
