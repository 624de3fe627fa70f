"""`limit`: a problem with limitations put into it, in the order given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from efficienttrust.data._problem import Problem
from efficienttrust.data.limitations._limitation import Limitation, limitations, parse_limitation
from efficienttrust.data.limitations._rows import LIMITED
from efficienttrust.errors import UsageError


def limit(problem: Problem, texts: str | Sequence[str], seed: int = 0) -> Problem:
    """Put limitations into a problem, one after the other.

    Rows leave one by one, also where a unit (a patient) has several. The encoder keeps the means, spreads, ranges and
    categories of the whole training split: they are the ruler by which `eps` is measured, and a ruler that changed with
    the level would make levels incomparable. Only missing indicators and `(missing)` slots are added where cells went.

    Args:
        problem: Loaded data; not changed.
        texts: One limitation or several, e.g. `"label_noise(0.2)"` or `["fewer_rows(0.5)", "missing_sensitive(0.7)"]`.
        seed: Seed of all draws, 0 or more.

    Returns:
        The limited problem. Its notes and its fingerprint say what was done; `settings` still load the data without
        limitations. At level 0 everywhere it is the very object that was given.

    Raises:
        UsageError: A limitation that cannot be read, does not fit the problem, or takes away the last row of a class.
    """
    if seed < 0:
        raise UsageError(f"the seed of the limitations is {seed}. Give a whole number of 0 or more.")
    for limitation in map(parse_limitation, [texts] if isinstance(texts, str) else texts):
        if limitation.level:
            problem = _apply(problem, limitation, seed)
    return problem


def _apply(before: Problem, limitation: Limitation, seed: int) -> Problem:
    kind = limitations.get(limitation.name)
    # a second one of the same kind must draw anew: with the draws of the first it would undo it, as labels flip back
    earlier = sum(note.startswith(f"limited by {kind.name}(") for note in before.notes)
    after, said = kind.run(before, limitation, (seed, kind.name, earlier))
    _refuse_lost(before, after, limitation)
    identity = json.dumps([before.fingerprint, limitation.text, seed], ensure_ascii=False)
    return replace(
        after,
        notes=(*before.notes, f"limited by {limitation} with seed {seed}: {said}", *_empty_groups(before, after)),
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
    )


def _refuse_lost(before: Problem, after: Problem, limitation: Limitation) -> None:
    """Raise `UsageError` where a split lost a class, all values of a number but one, or its last weight above 0."""
    for name in LIMITED:
        old, new = before.splits[name], after.splits[name]
        if before.classes:
            if len(lost := np.setdiff1d(old.y, new.y)):
                raise UsageError(
                    f"limitation {limitation} leaves no row labelled {before.classes[int(lost[0])]!r} in split "
                    f"{name!r}: lower its level"
                )
        elif len(np.unique(new.y)) < 2:
            raise UsageError(
                f"limitation {limitation} leaves fewer than two values of the label in split {name!r}: lower its level"
            )
        if new.weight is not None and not new.weight.any():
            raise UsageError(f"limitation {limitation} leaves no row with a weight in split {name!r}: lower its level")


def _empty_groups(before: Problem, after: Problem) -> list[str]:
    notes = []
    for attribute, names in before.attribute_names.items():
        counts = [
            np.bincount(p.splits["train"].codes[attribute] + 1, minlength=len(names) + 1)[1:] for p in (before, after)
        ]
        lost = [repr(name) for name, old, new in zip(names, *counts, strict=True) if old and not new]
        if lost:
            notes.append(f"no training row is known to be {' or '.join(lost)} ({attribute}) any more")
    return notes
