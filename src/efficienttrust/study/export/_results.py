"""From a store to one table: a row for each trial that has ended, the columns of `study/_columns.py`."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.study._columns import ASKED, COST, FACTOR, GROUP, IDENTITY, METRIC, OVERRUN, RUN, VERDICT
from efficienttrust.study.store import ENDED, Store, StoredTrial

if TYPE_CHECKING:
    import polars as pl

SCHEMA_VERSION = 1
HIT = "hit"
_ORDER = (FACTOR, METRIC, GROUP, VERDICT, HIT, COST, ASKED, OVERRUN, RUN)


@dataclass(frozen=True, eq=False)
class Results:
    """The table of results.

    Attributes:
        frame: One row per trial, in the order of the plan; what is missing is NaN, or null in a column of texts.
        metadata: design, environment, command, identities (by the number in `run.identity`), counts by state.
    """

    frame: pl.DataFrame
    metadata: Mapping[str, Any]


def results(store: Store) -> Results:
    """Read the table of results of a store.

    Raises:
        UsageError: No study has begun in it, or no trial has ended yet.
    """
    identity, counts = store.identity(), store.counts()
    columns = _Columns()
    for stored in store.trials(*ENDED):
        columns.add(stored)
    if not columns.rows:
        raise UsageError(f"{store.address}: no trial has ended yet; `efficienttrust study run` runs them")
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "design": identity.design,
        "environment": identity.environment,
        "command": identity.command,
        "identities": {str(number): one.as_plain() for number, one in store.identities().items()},
        "counts": counts,
    }
    factors = [one["name"] for one in identity.design.get("factors", ())]
    return Results(columns.frame(factors), metadata)


def cells_of(stored: StoredTrial) -> tuple[dict[str, str], dict[str, float]]:
    """Return the columns of a trial that has ended, texts and figures, without those of `IDENTITY`."""
    outcome = stored.outcome
    assert outcome is not None, "the trial has ended"
    texts = {FACTOR + name: level for name, level in stored.trial.factors.items()}
    figures = dict(outcome.figures)
    texts |= {VERDICT + target: status for target, status in _verdicts(outcome.details.get("verdicts", ()))}
    if outcome.status == "infeasible" and (targets := stored.trial.settings.get("targets")):
        for target in targets:
            texts.setdefault(VERDICT + target, "infeasible")
        figures.setdefault(HIT, 0.0)
    if stored.started is not None:
        figures.setdefault(RUN + "started", stored.started)
        if stored.finished is not None:
            figures.setdefault(RUN + "seconds", stored.finished - stored.started)
    if stored.identity is not None:
        figures[RUN + "identity"] = float(stored.identity)
    return texts, figures


def metadata_text(found: Results) -> str:
    """Return the metadata as strict JSON."""
    return json.dumps(found.metadata, allow_nan=False)


def _verdicts(verdicts: Any) -> Iterable[tuple[str, str]]:
    """Yield target and status, from a mapping or from the list of a run's document."""
    if isinstance(verdicts, Mapping):
        yield from ((target, one if isinstance(one, str) else one["status"]) for target, one in verdicts.items())
    else:
        yield from ((one["target"], one["status"]) for one in verdicts)


class _Columns:
    """Columns that grow by a row and may begin late; arrays of doubles, as 100,000 rows of objects take gigabytes."""

    def __init__(self) -> None:
        self.rows = 0
        self._identity: dict[str, list[Any]] = {name: [] for name in IDENTITY}
        self._texts: dict[str, list[str | None]] = {}
        self._figures: dict[str, array[float]] = {}

    def add(self, stored: StoredTrial) -> None:
        outcome, trial = stored.outcome, stored.trial
        assert outcome is not None, "the trial has ended"
        own = (trial.key, trial.cell, outcome.status, outcome.reason, stored.attempts, trial.seed, stored.worker)
        for name, value in zip(IDENTITY, own, strict=True):
            self._identity[name].append(value)
        texts, figures = cells_of(stored)
        for name, text in texts.items():
            if (column := self._texts.get(name)) is None:
                column = self._texts[name] = []
            if len(column) < self.rows:
                column.extend([None] * (self.rows - len(column)))
            column.append(text)
        for name, figure in figures.items():
            if (values := self._figures.get(name)) is None:
                values = self._figures[name] = array("d")
            if len(values) < self.rows:
                values.extend([math.nan] * (self.rows - len(values)))
            values.append(figure)
        self.rows += 1

    def frame(self, factors: list[str]) -> pl.DataFrame:
        import numpy as np
        import polars as pl

        data: dict[str, Any] = {name: pl.Series(name, values) for name, values in self._identity.items()}
        place = {FACTOR + name: position for position, name in enumerate(factors)}

        def order(name: str) -> tuple[int, int, str]:
            kind = next((rank for rank, prefix in enumerate(_ORDER) if name.startswith(prefix)), len(_ORDER))
            return kind, place.get(name, len(place)), name

        for name in sorted({*self._texts, *self._figures}, key=order):
            if name in self._texts:
                texts = self._texts[name]
                data[name] = pl.Series(name, [*texts, *[None] * (self.rows - len(texts))], dtype=pl.String)
            else:
                values = np.full(self.rows, np.nan)
                values[: len(self._figures[name])] = self._figures[name]
                data[name] = values
        return pl.DataFrame(data)
