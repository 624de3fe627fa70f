"""What differs between two stores: their studies, their trials, the figures of the trials that both have."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from efficienttrust.study._columns import COST, OVERRUN, RUN
from efficienttrust.study._trial import content_address
from efficienttrust.study.export._results import cells_of
from efficienttrust.study.store import ENDED, Store, StoredTrial, differences

TOLERANCE = 1e-6
_MEASURED = tuple(COST + name for name in ("time_wall", "time_cpu", "memory", "latency", "throughput"))


@dataclass
class ColumnDifference:
    """How one column differs over the trials that both stores have.

    Attributes:
        compared: Trials.
        identical: Of them with the same bits.
        close: Of them within the tolerance, the identical ones included.
        largest: Largest absolute difference of two finite figures; NaN where there is none.
        mean: Mean of second minus first, over pairs of finite figures; NaN where there is none.
    """

    compared: int = 0
    identical: int = 0
    close: int = 0
    largest: float = math.nan
    mean: float = math.nan
    _finite: int = field(default=0, repr=False)

    def add(self, first: float, second: float, tolerance: float) -> tuple[bool, bool]:
        """Count one pair of figures and return whether they are identical and whether they are close."""
        same = struct.pack("d", first) == struct.pack("d", second) or (math.isnan(first) and math.isnan(second))
        near = same or math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance)
        self.compared, self.identical, self.close = self.compared + 1, self.identical + same, self.close + near
        if math.isfinite(first) and math.isfinite(second):
            gap = second - first
            self._finite += 1
            self.largest = abs(gap) if self._finite == 1 else max(self.largest, abs(gap))
            self.mean = gap if self._finite == 1 else self.mean + (gap - self.mean) / self._finite
        return same, near


@dataclass(frozen=True)
class Difference:
    """One trial that came to something else.

    Attributes:
        key: In the first store.
        other: Key in the second store, another one where data or code differ.
        factors: Its levels.
        seed: Its seed.
        what: Lines for reading: the state, or the column with both values.
    """

    key: str
    other: str
    factors: Mapping[str, str]
    seed: int
    what: tuple[str, ...]


@dataclass(frozen=True)
class StoreDifference:
    """What differs between two stores.

    Attributes:
        study: Lines about name, spec, data and code.
        only_first: Keys of planned trials that only the first store has.
        only_second: The same of the second.
        unfinished: Trials of both that have not ended in both.
        compared: Trials that have ended in both.
        other_keys: Of them with the same settings under other data or code.
        trials: Those whose state, texts or figures are not identical.
        apart: How many of them differ by more than the tolerance, or in a state or text.
        columns: By name of the column; wall clock, memory and circumstances are summed up but make no trial differ.
    """

    study: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    unfinished: int
    compared: int
    other_keys: int
    trials: tuple[Difference, ...]
    apart: int
    columns: Mapping[str, ColumnDifference]

    @property
    def same(self) -> bool:
        """Whether both have the same trials that came to the same, bit for bit."""
        return not (self.only_first or self.only_second or self.unfinished or self.trials)


def compare(first: Store, second: Store, *, tolerance: float = TOLERANCE) -> StoreDifference:
    """Compare two stores; trials are matched by key, or else by settings, so that other code or data can be compared.

    Args:
        first: One store.
        second: The other.
        tolerance: Figures are close where they differ by at most this, absolutely or relatively.
    """
    left, right = ({one.trial.key: one for one in store.trials()} for store in (first, second))
    partners = _partners(left, right)
    matched = set(partners.values())
    columns: dict[str, ColumnDifference] = {}
    differing, apart, compared, unfinished, other_keys = [], 0, 0, 0, 0
    for key, partner in partners.items():
        one, other = left[key], right[partner]
        if one.state not in ENDED or other.state not in ENDED:
            unfinished += 1
            continue
        compared, other_keys = compared + 1, other_keys + (one.trial.key != other.trial.key)
        lines, far = _compare_trials(one, other, columns, tolerance)
        if lines:
            apart += far
            trial = one.trial
            differing.append(Difference(trial.key, other.trial.key, trial.factors, trial.seed, tuple(lines)))
    return StoreDifference(
        study=tuple(differences(first.identity(), second.identity())),
        only_first=tuple(key for key in left if key not in partners),
        only_second=tuple(key for key in right if key not in matched),
        unfinished=unfinished, compared=compared, other_keys=other_keys, trials=tuple(differing), apart=apart,
        columns=dict(sorted(columns.items())),
    )  # fmt: skip


def _partners(left: Mapping[str, StoredTrial], right: Mapping[str, StoredTrial]) -> dict[str, str]:
    """Return the key in the second store of each trial of the first that is in both."""
    rest = {content_address(one.trial.settings): key for key, one in right.items() if key not in left}
    found = {}
    for key, one in left.items():
        partner = key if key in right else rest.get(content_address(one.trial.settings))
        if partner is not None:
            found[key] = partner
    return found


def _compare_trials(
    one: StoredTrial, other: StoredTrial, columns: dict[str, ColumnDifference], tolerance: float
) -> tuple[list[str], bool]:
    """Return what differs between two trials, and whether by more than the tolerance."""
    (texts, figures), (other_texts, other_figures) = cells_of(one), cells_of(other)
    lines = [] if one.state == other.state else [f"state: {one.state} | {other.state}"]
    lines += [
        f"{name}: {texts.get(name, '-')} | {other_texts.get(name, '-')}"
        for name in sorted({*texts, *other_texts})
        if texts.get(name) != other_texts.get(name)
    ]
    far = bool(lines)
    for name in sorted({*figures, *other_figures}):
        a, b = figures.get(name, math.nan), other_figures.get(name, math.nan)
        same, near = columns.setdefault(name, ColumnDifference()).add(a, b, tolerance)
        if not same and not name.startswith((RUN, OVERRUN, *_MEASURED)):
            lines.append(f"{name}: {a!r} | {b!r}")
            far = far or not near
    return lines, far
