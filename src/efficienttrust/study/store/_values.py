"""What a store hands out: leases, trials with their state, attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from efficienttrust.study._trial import Outcome, Trial

State = Literal["waiting", "running", "done", "failed", "infeasible"]
STATES: tuple[State, ...] = ("waiting", "running", "done", "failed", "infeasible")
ENDED: tuple[State, ...] = ("done", "failed", "infeasible")


@dataclass(frozen=True, eq=False)
class Lease:
    """The right to run one trial until it expires, unless it is renewed.

    Attributes:
        key: Of the trial.
        attempt: Which attempt this is, from 1.
        token: Fencing token: of two leases of one trial, the later one has the larger token, and only the holder of
            the largest can write.
        settings: Everything that decides the result.
        factors: Level by factor.
        seed: Of split and training.
        exclusive: Nothing else may run beside it on its machine.
        cost: Predicted seconds of one core; 0 where nothing is known.
        expires: Unix time by the clock of the store.
        cell: Content address of the factor levels.
    """

    key: str
    attempt: int
    token: int
    settings: Mapping[str, Any]
    factors: Mapping[str, str]
    seed: int
    exclusive: bool
    cost: float
    expires: float
    cell: str = ""


@dataclass(frozen=True, eq=False)
class StoredTrial:
    """A trial with what became of it.

    Attributes:
        trial: As planned.
        state: Where it stands.
        outcome: Of the last attempt; None until it has ended.
        attempts: How many were begun and not given back.
        worker: Who has it or had it last.
        started: Unix time of the last attempt; None before the first.
        finished: Unix time; None until it has ended.
        identity: Number of the identity (see `Store.identities`) under which the last attempt ran; None before.
    """

    trial: Trial
    state: State
    outcome: Outcome | None
    attempts: int
    worker: str
    started: float | None
    finished: float | None
    identity: int | None


@dataclass(frozen=True, eq=False)
class Attempt:
    """One attempt at a trial.

    Attributes:
        number: From 1.
        token: Fencing token of its lease.
        worker: Who had it.
        state: `running`, `lost` (its lease expired), `done`, `failed` or `infeasible`.
        reason: Why it failed, or is infeasible.
        traceback: Of a failure.
        started: Unix time.
        finished: Unix time; None while it runs.
        identity: Number of the identity under which it ran.
    """

    number: int
    token: int
    worker: str
    state: str
    reason: str
    traceback: str
    started: float
    finished: float | None
    identity: int


@dataclass(frozen=True)
class CellCount:
    """How many trials of a cell are in one state, and the seconds of one core that were predicted for all of them."""

    cell: str
    factors: Mapping[str, str]
    state: State
    count: int
    cost: float
