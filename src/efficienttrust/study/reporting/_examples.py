"""Which test rows a constraint turns wrong, and who they are, from what trials kept beside their figures."""

from __future__ import annotations

import base64
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.report import LEAST
from efficienttrust.study._design import NONE

if TYPE_CHECKING:
    from efficienttrust.data import Problem
    from efficienttrust.study.store import StoredTrial

Bits = NDArray[np.bool_]
_CONSTRAINT, _DATA = "constraint", "data"
_TRAITS = 5  # of a data set and level
_HALF = 0.5  # share of the trials that turn a row wrong, from which on it counts as newly wrong


def examples_of(trials: Callable[[], Iterable[StoredTrial]]) -> dict[str, Any]:
    """Return, as plain values, which rows fail under which constraint.

    Args:
        trials: Gives the finished trials; called twice, so that only the unconstrained ones are held.

    Returns:
        `few`: groups with fewer than ten test rows; `flips`: rows turned wrong and right by data set and constraint;
        `traits`: what the newly wrong rows have in common, none of fewer than ten rows; `notes`.
    """
    free: dict[tuple[Any, ...], Bits] = {}
    few: set[tuple[str, str]] = set()
    notes: set[str] = set()
    for stored in trials():
        few |= _few_groups(stored)
        rows = _rows(stored)
        if "withheld" in rows:
            notes.add(f"{_data(stored)}: {rows['withheld']}.")
        if "wrong" in rows and stored.trial.factors.get(_CONSTRAINT, NONE) == NONE:
            free[_key(stored)] = _wrong(rows)
    changes: dict[tuple[str, str], _Change] = defaultdict(_Change)
    for stored in trials():
        rows, level = _rows(stored), stored.trial.factors.get(_CONSTRAINT, NONE)
        partner = free.get(_key(stored))
        if level != NONE and "wrong" in rows and partner is not None and len(partner) == rows["n"]:
            changes[_data(stored), level].add(partner, _wrong(rows), stored)
    return {
        "few": [{"data": data, "group": group} for data, group in sorted(few)],
        "flips": [one.flips(data, level) for (data, level), one in sorted(changes.items())],
        "traits": list(_traits(changes, notes)),
        "notes": sorted(notes),
    }


class _Change:
    """Rows that a level turned wrong or right, over pairs of trials; single rows only of the first split met."""

    def __init__(self) -> None:
        self.pairs = self.rows = self.newly_wrong = self.newly_right = self.counted = 0
        self.settings: Mapping[str, Any] | None = None
        self.by_row: NDArray[np.int64] | None = None

    def add(self, before: Bits, after: Bits, stored: StoredTrial) -> None:
        turned = after & ~before
        self.pairs, self.rows = self.pairs + 1, len(before)
        self.newly_wrong += int(turned.sum())
        self.newly_right += int((before & ~after).sum())
        if self.settings is None:
            self.settings, self.by_row = stored.trial.settings, np.zeros(len(before), dtype=np.int64)
        if self.by_row is not None and _split(stored.trial.settings) == _split(self.settings):
            self.by_row += turned
            self.counted += 1

    def flips(self, data: str, level: str) -> dict[str, Any]:
        return {"data": data, "constraint": level, "pairs": self.pairs, "rows": self.rows,
                "newly_wrong": self.newly_wrong / self.pairs, "newly_right": self.newly_right / self.pairs}  # fmt: skip


def _traits(changes: Mapping[tuple[str, str], _Change], notes: set[str]) -> Iterator[dict[str, Any]]:
    problems: dict[str, Problem | None] = {}
    for (data, level), change in sorted(changes.items(), key=lambda one: one[0]):
        if change.settings is None or change.by_row is None:
            continue
        if data not in problems:
            problems[data] = _problem(change.settings, data, notes)
        problem = problems[data]
        if problem is None or problem.splits["test"].rows.shape != change.by_row.shape:
            continue
        chosen = change.by_row >= _HALF * change.counted
        if chosen.sum() < LEAST:
            notes.add(f"{data}, {level}: fewer than {LEAST} rows are turned wrong by half of the trials.")
            continue
        found = _common(problem, chosen)
        if not found:
            notes.add(f"{data}, {level}: no trait that may be shown is shared by {LEAST} of the newly wrong rows.")
        yield from ({"data": data, "constraint": level, **trait} for trait in found)


def _common(problem: Problem, chosen: Bits) -> list[dict[str, Any]]:
    """Return the traits whose share among the chosen rows differs most from the test split."""
    import pandas as pd

    inputs = problem.inputs.loc[problem.splits["test"].rows]
    found: list[dict[str, Any]] = []
    for name in inputs.columns:
        column = inputs[name]
        if pd.api.types.is_numeric_dtype(column) and column.nunique() > 10:
            middle = column.median()
            sides = np.where(column > middle, f"{name} > {middle:g}", f"{name} <= {middle:g}")
            cells = np.where(column.notna(), sides, f"{name} missing")
        else:
            cells = np.array([f"{name} = {value}" for value in column])
        for trait in np.unique(cells):
            has = cells == trait
            count, base = int((has & chosen).sum()), float(has.mean())
            if count >= LEAST and int(chosen.sum()) - count not in range(1, LEAST):
                share = count / int(chosen.sum())
                found.append({"trait": str(trait)[:80], "count": count, "share": share, "base": base})
    return sorted(found, key=lambda one: (-(one["share"] - one["base"]), one["trait"]))[:_TRAITS]


def _problem(settings: Mapping[str, Any], data: str, notes: set[str]) -> Problem | None:
    """Load the data of a trial again, as they were when it ran; a note where that is impossible."""
    from efficienttrust.pipeline import load_data
    from efficienttrust.pipeline.spec import FitSpec, fit_spec

    try:
        own = {name: value for name, value in settings.items() if name in FitSpec.model_fields and name != "data"}
        read = {name: value for name, value in settings["data"].items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were said when the trial ran
            spec = fit_spec({**own, **read})
            problem = load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    except Exception as error:
        notes.add(f"{data} cannot be read again ({' '.join(str(error).split())[:160]}): who the rows are is not shown.")
        return None
    if problem.card is not None and problem.card.clinical:
        return None
    if problem.kind != "table":
        notes.add(f"{data} is no table: who the rows are is not shown.")
        return None
    return problem


def _few_groups(stored: StoredTrial) -> set[tuple[str, str]]:
    """Return groups with fewer test rows than may be shown."""
    details = stored.outcome.details if stored.outcome is not None else {}
    found = set()
    for row in details.get("groups") or ():
        count = row.get("n")
        if isinstance(count, str) or (isinstance(count, int | float) and count < LEAST):  # a text: it is withheld
            found.add((_data(stored), f"{row.get('attribute')}={row.get('group')}"))
    return found


def _rows(stored: StoredTrial) -> Mapping[str, Any]:
    found: Any = stored.outcome.details.get("rows") if stored.outcome is not None else None
    return found if isinstance(found, Mapping) else {}


def _wrong(rows: Mapping[str, Any]) -> Bits:
    packed = np.frombuffer(base64.b64decode(rows["wrong"]), dtype=np.uint8)
    return np.unpackbits(packed, count=int(rows["n"])).astype(bool)


def _data(stored: StoredTrial) -> str:
    return stored.trial.factors.get(_DATA, "all")


def _key(stored: StoredTrial) -> tuple[Any, ...]:
    """Return what a trial shares with its unconstrained partner: all other factors, seed and split."""
    factors = tuple(sorted((name, level) for name, level in stored.trial.factors.items() if name != _CONSTRAINT))
    return factors, stored.trial.seed, _split(stored.trial.settings)


def _split(settings: Mapping[str, Any]) -> Any:
    return settings.get("split_seed", settings.get("seed"))
