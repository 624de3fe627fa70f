"""What a study file says that cannot be, beyond the form of its values: names, sums, and what does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.pipeline._strict_yaml import Location
from efficienttrust.study._design import NONE
from efficienttrust.study.plan._fraction import regular_fraction
from efficienttrust.study.spec._fits import misfits
from efficienttrust.study.spec._hypotheses import column_of
from efficienttrust.study.spec._models import HypothesisSpec, StudySpec
from efficienttrust.study.spec._settings import OWN, Resolver

Fault = tuple[Location, str]
SETS = {"model": "model", "mitigation": "policy"}
"""What a patch calls that which two of the factors say."""
BLAMED = ("constraint", "mitigation", "model", "data")
"""At whose level a misfit of several factors is told: the first of them."""
Levels = Mapping[str, tuple[str, ...]]


def faults_of_names(spec: StudySpec) -> Iterator[Fault]:
    """Yield the faults that need no cell: names that are not there, contrasts that do not sum to 0."""
    levels = spec.levels()
    for name, own in spec.factors.items():
        if name in (*OWN, "seed"):
            yield ("factors", name), f"{name} is a factor already; choose another name"
        if not own:
            yield ("factors", name), "it has no levels; leave it out"
    for name in OWN:
        yield from _same_levels(spec, name)
    yield from _faults_of_design(spec, levels)
    seen: set[str] = set()
    for index, one in enumerate(spec.hypotheses):
        if one.name in seen:
            yield ("hypotheses", index, "name"), f"{one.name} is declared twice; give each its own name"
        seen.add(one.name)
        yield from ((("hypotheses", index, *path), what) for path, what in _faults_of_hypothesis(one, spec, levels))


def _same_levels(spec: StudySpec, factor: str) -> Iterator[Fault]:
    means: dict[str, str] = {}
    for name, value in getattr(spec, factor).items():
        text = value if isinstance(value, str) else value.text if factor == "constraint" else value.model_dump_json()
        if text in means:
            yield (factor, name), f"it is the same as {means[text]}; leave out one of the two"
        means.setdefault(text, name)


def _faults_of_design(spec: StudySpec, levels: Levels) -> Iterator[Fault]:
    design = spec.design
    if design.cross is not None and not design.cross:
        yield ("design", "cross"), "nothing is crossed; name factors, or leave it out to cross all"
    for key in ("cross", "block"):
        named = getattr(design, key) or ()
        for index, name in enumerate(named):
            if name in named[:index]:
                yield ("design", key, index), f"{name} is named twice; keep one"
            yield from _unknown(("design", key, index), "factor", name, levels)
    for key in ("include", "exclude"):
        for index, one in enumerate(getattr(design, key)):
            if not one:
                yield ("design", key, index), "no factor is named"
            yield from _faults_of_pattern(("design", key, index), one, levels)
    for inner, outers in design.nest.items():
        yield from _faults_of_nest(inner, outers, spec, levels)
    if design.fraction is not None:
        held = {*design.block, *design.nest, *(outer for one in design.nest.values() for outer in one)}
        for index, name in enumerate(design.fraction.of):
            place: Location = ("design", "fraction", "of", index)
            yield from _unknown(place, "factor", name, levels)
            if name in held:
                yield place, f"{name} is a block or nested, of which no fraction is taken"
            elif design.cross is not None and name not in design.cross:
                yield place, f"{name} is not crossed"
            elif name in levels and (len(levels[name]) < 2 or len(levels[name]) & (len(levels[name]) - 1)):
                try:
                    regular_fraction({name: len(levels[name])}, 4)
                except UsageError as error:
                    yield place, str(error)


def _faults_of_nest(
    inner: str, outers: Mapping[str, Mapping[str, tuple[str, ...]]], spec: StudySpec, levels: Levels
) -> Iterator[Fault]:
    place: Location = ("design", "nest", inner)
    yield from _unknown(place, "factor", inner, levels)
    if len(outers) != 1:
        yield place, f"{inner} is nested in exactly one factor; name one"
        return
    [(outer, inside)] = outers.items()
    yield from _unknown((*place, outer), "factor", outer, levels)
    if outer == inner or outer in spec.design.nest:
        yield (*place, outer), f"{inner} cannot be nested in {outer}, which is nested itself"
    for level in levels.get(outer, ()):
        if not inside.get(level):
            yield (*place, outer), f"it says no level of {inner} for {level}; give at least one"
    for level, own in inside.items():
        yield from _unknown((*place, outer, level), f"level of {outer}", level, levels.get(outer, (level,)))
        for index, one in enumerate(own):
            known = levels.get(inner, (one,))
            yield from _unknown((*place, outer, level, index), f"level of {inner}", one, known)


def _faults_of_pattern(place: Location, pattern: Mapping[str, tuple[str, ...]], levels: Levels) -> Iterator[Fault]:
    for name, wanted in pattern.items():
        yield from _unknown((*place, name), "factor", name, levels)
        for one in wanted if name in levels else ():
            yield from _unknown((*place, name), f"level of {name}", one, levels[name])


def _faults_of_hypothesis(one: HypothesisSpec, spec: StudySpec, levels: Levels) -> Iterator[Fault]:
    try:
        column_of(one.metric, [*spec.targets, *(text for data in spec.data.values() for text in data.targets or ())])
    except UsageError as error:
        yield ("metric",), str(error)
    yield from _unknown(("factor",), "factor", one.factor, levels)
    if one.factor in spec.design.block:
        yield ("factor",), f"{one.factor} is a block, whose effect is not tested; see design.block"
    for level, _weight in one.contrast.items() if one.factor in levels else ():
        yield from _unknown(("contrast", level), f"level of {one.factor}", level, levels[one.factor])
    weights = [*one.contrast.values()]
    if not all(map(math.isfinite, weights)) or not any(weights):
        yield ("contrast",), "give a weight other than 0 for at least two levels"
    elif abs(math.fsum(weights)) > 1e-9 * max(map(abs, weights)):
        yield ("contrast",), f"the weights sum to {math.fsum(weights):g}; a contrast sums to 0"
    yield from _faults_of_pattern(("where",), one.where, levels)
    if one.factor in one.where:
        yield ("where", one.factor), "it is the factor of the contrast; leave out levels by leaving out their weights"
    if one.test == "equivalence":
        if not one.margin:
            yield (
                ("margin",),
                "equivalence needs a margin above 0, in the unit of the metric: what is too small to matter",
            )
        if one.direction != "two-sided":
            yield ("direction",), "equivalence is in both directions; leave it out"
    if one.test == "superiority" and one.direction == "two-sided":
        yield ("direction",), "superiority has a direction; give greater or less"
    if one.test == "difference" and one.margin:
        yield ("margin",), "a difference is tested against 0; choose superiority or equivalence, or leave it out"


def _unknown(place: Location, kind: str, name: str, known: Iterable[str]) -> Iterator[Fault]:
    names = [*known]
    if name not in names:
        yield place, f"unknown {kind} {name!r}.{did_you_mean(name, names)}"


def faults_of_cells(spec: StudySpec, resolver: Resolver, cells: list[tuple[str, ...]]) -> Iterator[Fault]:
    """Yield what does not go together in the cells of the design, each reason once.

    Raises:
        UsageError: The design leaves no cell.
    """
    if not cells:
        yield ("design",), "no cell is left: exclude takes them all"
        return
    factors = [*spec.levels()]
    said: set[tuple[str, ...]] = set()
    for cell in cells:
        levels = dict(zip(factors, cell, strict=True))
        for path, what in _faults_of_cell(spec, resolver, levels):
            if (*map(str, path), what) not in said:
                said.add((*map(str, path), what))
                yield path, what


def _faults_of_cell(spec: StudySpec, resolver: Resolver, levels: Mapping[str, str]) -> Iterator[Fault]:
    place: Location
    try:
        settings = resolver.unconstrained(levels)
        situation = resolver.situation(settings)
    except UsageError as error:
        yield ("model", levels["model"]), str(error)
        return
    found = False
    patched = resolver.patched_by(levels)
    for names, reason in misfits(settings, resolver.constraints[levels["constraint"]], situation, patched):
        found = True
        # What sets the model or the policy is what does not fit, be it a further factor or the shared settings.
        names = tuple(patched.get(SETS[name], name) if name in SETS else name for name in names)
        concerned = [name for name in names if name in levels]
        where = ", ".join(f"{name}: {levels[name]}" for name in concerned)
        first = next((name for name in (*BLAMED, *concerned) if name in concerned), "settings")
        rest = ", ".join(f"{name} {levels[name]}" if name in levels else name for name in names if name != first)
        hint = f", or exclude {{{where}}} in design.exclude" if concerned else ""
        place = (first, levels[first]) if first in OWN else ("factors", first, levels[first]) if concerned else (first,)
        yield place, f"does not go with {rest or first}: {reason}; leave it out{hint}"
    if not found and levels["constraint"] != NONE:
        try:
            resolver.settings(levels)
        except UsageError as error:
            yield ("constraint", levels["constraint"]), str(error)
