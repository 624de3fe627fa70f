"""Complementary suppression: which further cells must be withheld so that totals do not give the small ones away.

A table of counts obeys equations: the groups of an attribute add up to all rows, the intersections with one group add
up to that group. A reader who knows the visible cells can solve them. A withheld cell is given away where all equations
together determine it, and where one of them leaves a single value for it, given that a small cell lies in [0, least)
and any other at or above `least`. As long as that happens, the smallest visible cell of its equations is withheld too.

References:
    Hundepool et al. 2012, "Statistical Disclosure Control", chapter 4. Differs in that bounds are
    looked at in one equation at a time: a reader who joins them over several may still narrow a cell down.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

Cell = tuple[str, str]
"""Attribute and group."""
Equation = Sequence[tuple[Cell, int]]
"""Cells with their signs; the signed counts add up to a number that the reader knows."""
Bounds = Callable[[Cell], tuple[float, float]]
ANY_COUNT = (0.0, math.inf)
SINGULAR = 1e-9
"""Below it a singular value, or what a solution moves a cell by, is 0; the coefficients are 0 and 1."""


def equations_of(cells: Iterable[Cell]) -> list[Equation]:
    """Return the equations between the groups of a table; intersections are named `a & b`, as their attributes are."""
    groups: dict[str, list[str]] = {}
    for attribute, group in cells:
        groups.setdefault(attribute, []).append(group)
    found: list[Equation] = [[((attribute, name), 1) for name in names] for attribute, names in groups.items()]
    single = [attribute for attribute in groups if " & " not in attribute]
    joint = " & ".join(single)
    if len(single) > 1 and joint in groups:
        parts = {" & ".join(parts): parts for parts in itertools.product(*(groups[one] for one in single))}
        inside = [(name, parts[name]) for name in groups[joint] if name in parts]
        for place, attribute in enumerate(single):
            for group in groups[attribute]:
                line = [((joint, name), 1) for name, part in inside if part[place] == group]
                if line:
                    found.append([*line, ((attribute, group), -1)])
    return found


def protected(
    equations: Sequence[Equation], counts: Mapping[Cell, int], hidden: Iterable[Cell], bounds: Bounds
) -> set[Cell]:
    """Return the hidden cells and as many others as keep every hidden one from being computed.

    Where an equation has no visible cell left, its total alone may still tell: nothing more can be withheld in it.

    Args:
        equations: From `equations_of`.
        counts: Count of every cell.
        hidden: Cells that are withheld in any case.
        bounds: Least and greatest value that a reader takes a withheld cell for.
    """
    withheld = set(hidden)

    def smallest_visible(among: Iterable[Equation]) -> Cell | None:
        visible = {cell for equation in among for cell, _ in equation} - withheld
        return min(visible, key=lambda cell: (counts[cell], cell)) if visible else None

    def next_cell() -> Cell | None:
        for equation in equations:
            if _gives_away(equation, counts, withheld, bounds) and (cell := smallest_visible([equation])):
                return cell
        for given_away in _determined(equations, withheld):
            holding = [equation for equation in equations if any(cell == given_away for cell, _ in equation)]
            if cell := smallest_visible(holding):
                return cell
        return None

    while (cell := next_cell()) is not None:
        withheld.add(cell)
    return withheld


def _determined(equations: Sequence[Equation], withheld: set[Cell]) -> list[Cell]:
    """Return the withheld cells that the equations determine: no solution of the homogeneous system moves them."""
    cells = sorted({cell for equation in equations for cell, _ in equation if cell in withheld})
    if not cells:
        return []
    place = {cell: number for number, cell in enumerate(cells)}
    import numpy as np

    matrix = np.zeros((len(equations), len(cells)))
    for row, equation in enumerate(equations):
        for cell, sign in equation:
            if cell in place:
                matrix[row, place[cell]] = sign
    _, singular, right = np.linalg.svd(matrix)
    free = right[np.count_nonzero(singular > SINGULAR) :]
    return [cell for cell in cells if not np.any(np.abs(free[:, place[cell]]) > SINGULAR)]


def _gives_away(equation: Equation, counts: Mapping[Cell, int], withheld: set[Cell], bounds: Bounds) -> bool:
    unknown = [(cell, sign) for cell, sign in equation if cell in withheld]
    total = sum(sign * counts[cell] for cell, sign in unknown)
    for cell, sign in unknown:
        least, most = bounds(cell)
        low = high = float(total)
        for other, its_sign in unknown:
            if other != cell:
                ends = [its_sign * end for end in bounds(other)]
                low, high = low - max(ends), high - min(ends)
        ends = sorted((sign * low, sign * high))
        if max(least, ends[0]) >= min(most, ends[1]):
            return True
    return False
