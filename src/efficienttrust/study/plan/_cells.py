"""From factors and a design to cells: combinations of levels, in a fixed order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from efficienttrust.study.plan._fraction import RegularFraction, regular_fraction
from efficienttrust.study.spec._models import DesignSpec

Cell = tuple[str, ...]
"""A level for each factor, in the order of the factors."""
ORDERS = {"IV": 4, "V": 5}


def cells_of(levels: Mapping[str, tuple[str, ...]], design: DesignSpec) -> tuple[list[Cell], str]:
    """Return the cells of a design without repetition, and its fraction in words.

    Crossed cells come first, in the order of the levels, later factors changing fastest; then the included ones.

    Args:
        levels: Levels by factor, in the order of the study file.
        design: Whose names are known to be right.

    Raises:
        UsageError: The fraction that is asked for does not exist.
    """
    fraction = _fraction(levels, design)
    places = {name: index for index, name in enumerate(levels)}
    kept = (
        cell
        for cell in _crossed(levels, design)
        if (fraction is None or _in_fraction(cell, levels, places, fraction))
        and not any(_matches(cell, one, places) for one in design.exclude)
    )
    cells = dict.fromkeys(itertools.chain(kept, _included(levels, design)))
    return list(cells), "" if fraction is None else fraction.text


def fractionated(levels: Mapping[str, tuple[str, ...]], design: DesignSpec) -> tuple[str, ...]:
    """Return the factors of which a fraction is taken."""
    if design.fraction is None:
        return ()
    if design.fraction.of:
        return design.fraction.of
    held = {*design.block, *design.nest, *(outer for one in design.nest.values() for outer in one)}
    crossed = [*levels] if design.cross is None else design.cross
    return tuple(name for name in levels if name in crossed and name not in held and len(levels[name]) in (2, 4))


def _crossed(levels: Mapping[str, tuple[str, ...]], design: DesignSpec) -> Iterator[Cell]:
    crossed = set(levels) if design.cross is None else set(design.cross)
    free = [(levels[name] if name in crossed else levels[name][:1]) for name in levels if name not in design.nest]
    names = [name for name in levels if name not in design.nest]
    for chosen in itertools.product(*free):
        cell = dict(zip(names, chosen, strict=True))
        inner = [_nested(name, cell, design) for name in design.nest]
        for more in itertools.product(*inner):
            whole = {**cell, **dict(zip(design.nest, more, strict=True))}
            yield tuple(whole[name] for name in levels)


def _nested(name: str, cell: Mapping[str, str], design: DesignSpec) -> Sequence[str]:
    [(outer, inner)] = design.nest[name].items()
    return inner[cell[outer]]


def _included(levels: Mapping[str, tuple[str, ...]], design: DesignSpec) -> Iterator[Cell]:
    for one in design.include:
        yield from itertools.product(*(one.get(name, levels[name][:1]) for name in levels))


def _matches(cell: Cell, pattern: Mapping[str, tuple[str, ...]], places: Mapping[str, int]) -> bool:
    return all(cell[places[name]] in wanted for name, wanted in pattern.items())


def _fraction(levels: Mapping[str, tuple[str, ...]], design: DesignSpec) -> RegularFraction | None:
    if design.fraction is None:
        return None
    return regular_fraction(
        {name: len(levels[name]) for name in fractionated(levels, design)}, ORDERS[design.fraction.resolution]
    )


def _in_fraction(
    cell: Cell, levels: Mapping[str, tuple[str, ...]], places: Mapping[str, int], fraction: RegularFraction
) -> bool:
    return fraction.holds({name: levels[name].index(cell[places[name]]) for name in fraction.factors})
