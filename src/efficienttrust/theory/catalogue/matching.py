"""The least robust error of any classifier on given rows: a maximum matching of rows that an attack can merge.

Letters: a row's region is where an attack of size eps may move it; two rows of opposite labels conflict where their
regions meet. No classifier is right on both under attack, so the rows on which it is wrong cover all conflicts; and for
every cover there is a classifier that is wrong on nothing else, as the regions of the remaining rows are apart. The
conflict graph has two sides, so the smallest cover is as large as the largest matching (König).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import column, matrix, not_negative
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._conflicts import Boxes, Pairs, meeting_balls, meeting_boxes
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._result import Result, results
from efficienttrust.theory._table_conflicts import meeting_rows
from efficienttrust.theory.catalogue.linear_robustness import label_signs

if TYPE_CHECKING:
    from efficienttrust.data import Domain

MOST_CONFLICTS = 100_000_000
"""Conflicts after which no more are looked for, to bound memory; fewer conflicts give a smaller, valid floor."""
ASSUMPTIONS = (
    "exact for these rows, and so rigorous for a split that a target is judged on; not for the population",
    "the attacker may move every row within eps and sees the classifier",
)
SOURCE = "Bhagoji et al. 2019; Dohmatob 2020. Differs in that a table's domain and groups are understood"


def min_robust_error(
    x: ArrayLike,
    y: ArrayLike,
    eps: float,
    norm: AttackNorm = "linf",
    *,
    domain: Domain | None = None,
    groups: ArrayLike | None = None,
    seen: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Bound:
    """Return the least robust error that any classifier has on these rows.

    Rows that are equal are not matched with each other first: of a+, a-, b- and c+, with b and c within 2 eps of a but
    not of each other, that would leave one conflict of two. Time grows with the pairs of opposite labels (matching
    boxes or distances), memory with the conflicts.

    Args:
        x: Rows [n, d], encoded where there is a domain.
        y: Labels, 0/1 or -1/1 [n].
        eps: Size of the attack; in training-set standard deviations where there is a domain.
        norm: Norm of the attack.
        domain: Of a table: only mutable numeric cells move, in their range and in whole units.
        groups: Codes of groups [n], for the floor of every group; negative codes belong to none.
        seen: Codes [n] of what a classifier sees besides `x` and no attack changes, as the group where its thresholds
            depend on it and `x` does not tell it. Rows of different codes never conflict.
        sample_weight: Refused unless all are equal: the floor counts rows.

    Returns:
        The error: `exact`, or `lower` under l1 and l2 inside a domain and where conflicts exceed `MOST_CONFLICTS`.
        Vacuous where it is 0: no rows conflict. `details`: `wrong` (rows), `conflicts`, `given_up` bool [n] (rows on
        which one best classifier is wrong), and with groups `by_group` (the least error on each group's rows alone,
        by code) and `worst_group` (no classifier's worst group has less).

    Raises:
        UsageError: Other labels than two, unequal weights, or relations between columns.
    """
    rows = matrix(x)
    signs = label_signs(y, len(rows))
    not_negative("eps", eps)
    dual_sizes(rows[0], norm)  # refuses an unknown norm
    if sample_weight is not None and np.ptp(column("sample_weight", sample_weight, len(rows))) > 0:
        raise UsageError("rows of unequal weight are not supported here: the floor counts rows. Leave the weights out")
    codes = np.zeros(len(rows), dtype=np.int64) if seen is None else column("seen", seen, len(rows), np.int64)
    first, second = np.flatnonzero(signs < 0), np.flatnonzero(signs > 0)
    graph, complete = _graph(_pairs(rows, first, second, eps, norm, domain, codes), len(first), len(second))
    matched = _matching(graph)
    wrong = int((matched >= 0).sum())
    given_up = np.zeros(len(rows), dtype=bool)
    given_up[first], given_up[second] = _cover(graph, matched)
    details: dict[str, Any] = {"wrong": wrong, "conflicts": graph.nnz, "given_up": given_up}
    if groups is not None:
        details.update(
            _by_group(graph, column("groups", groups, len(rows), np.int64), first, second, wrong / len(rows))
        )
    surely_all = complete and (domain is None or norm == "linf")
    return Bound(
        value=wrong / len(rows),
        kind="exact" if surely_all else "lower",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        inputs={"rows": len(rows), "columns": rows.shape[1], "eps": eps, "norm": norm, "domain": domain is not None},
        vacuous=wrong == 0,
        reason="" if wrong else "no two rows of different labels can be moved to one point: no obstruction",
        details=details,
    )


def _pairs(
    x: Floats,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    eps: float,
    norm: str,
    domain: Domain | None,
    seen: NDArray[np.int64],
) -> Iterator[Pairs]:
    """Yield the conflicts as positions in `first` and `second`."""
    for code in np.intersect1d(seen[first], seen[second]):
        here, there = np.flatnonzero(seen[first] == code), np.flatnonzero(seen[second] == code)
        a, b = first[here], second[there]
        if domain is not None:
            met = meeting_rows(domain, x, a, b, eps, norm)
        elif norm == "linf":
            met = meeting_boxes(Boxes(x[a] - eps, x[a] + eps), Boxes(x[b] - eps, x[b] + eps))
        else:
            met = meeting_balls(x[a], x[b], eps, norm)
        for i, j in met:
            yield here[i], there[j]


def _graph(pairs: Iterator[Pairs], n_first: int, n_second: int) -> tuple[Any, bool]:
    """Return the conflicts as a sparse matrix [n_first, n_second], and whether all of them were looked at."""
    from scipy.sparse import coo_array, csr_array

    found, others, total, complete = [], [], 0, True
    for i, j in pairs:
        if total + len(i) > MOST_CONFLICTS:
            complete = False
            break
        found.append(i.astype(np.int32))
        others.append(j.astype(np.int32))
        total += len(i)
    if not found:
        return csr_array((n_first, n_second), dtype=bool), complete
    coordinates = (np.concatenate(found), np.concatenate(others))
    return coo_array((np.ones(total, dtype=bool), coordinates), shape=(n_first, n_second)).tocsr(), complete


def _matching(graph: Any) -> NDArray[np.int64]:
    """Return the column that each row is matched with, -1 for none."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if graph.nnz == 0:
        return np.full(graph.shape[0], -1, dtype=np.int64)
    matched: NDArray[np.int64] = maximum_bipartite_matching(csr_matrix(graph), perm_type="column").astype(np.int64)
    return matched


def _cover(graph: Any, matched: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the rows and columns of a smallest cover, from the alternating paths that start at unmatched rows."""
    partner = np.full(graph.shape[1], -1, dtype=np.int64)
    partner[matched[matched >= 0]] = np.flatnonzero(matched >= 0)
    rows, columns = matched < 0, np.zeros(graph.shape[1], dtype=bool)
    newest = np.flatnonzero(rows & (np.diff(graph.indptr) > 0))
    while len(newest):
        reached = np.zeros_like(columns)
        reached[graph[newest].indices] = True
        reached &= ~columns
        columns |= reached
        newest = partner[reached]
        newest = newest[(newest >= 0) & ~rows[newest]]
        rows[newest] = True
    return ~rows, columns


def _by_group(
    graph: Any, groups: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], overall: float
) -> dict[str, Any]:
    """Return the floor of every group's rows alone, and of the worst group."""
    floors = {}
    for code in np.unique(groups[groups >= 0]).tolist():
        inside = graph[np.flatnonzero(groups[first] == code)][:, np.flatnonzero(groups[second] == code)]
        floors[code] = int((_matching(inside) >= 0).sum()) / int((groups == code).sum())
    everyone = bool((groups >= 0).all())
    return {"by_group": floors, "worst_group": max([*floors.values(), *([overall] if everyone else [])], default=0.0)}


results.register("T13", "matching")(
    Result(
        code="T13",
        title="The least robust error of any classifier on given rows",
        statement=(
            "On n rows, the least error that any classifier has under attacks of size eps is (largest matching of rows "
            "of opposite labels whose regions meet)/n: those of l_p balls where the distance is at most 2 eps, those "
            "of a table where categories and immutable cells are equal and the rooms of all others meet. The same on "
            "each group's rows alone bounds that group's robust error from below."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for=(
            "Refuses robustness targets that no model can meet on the rows they are judged on, before any training."
        ),
        vacuous_when="No conflicts: usual in many columns, where it says nothing against a target.",
        functions=("min_robust_error",),
        worked=lambda: min_robust_error([[0.0], [1.0], [2.0], [2.5], [10.0], [11.0]], [0, 0, 0, 1, 1, 1], 0.3),
        worked_text="Least error on {0, 1, 2} against {2.5, 10, 11} under attacks of 0.3: one row of six.",
    )
)
