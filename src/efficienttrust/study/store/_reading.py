"""What stands in a store; each function one transaction that reads."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, tuple_

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome, Trial
from efficienttrust.study.store._clock import Instant
from efficienttrust.study.store._identity import StudyIdentity
from efficienttrust.study.store._planning import identity_of
from efficienttrust.study.store._schema import attempts, events, identities, outcomes, store, trials
from efficienttrust.study.store._text import figures_of
from efficienttrust.study.store._values import ENDED, STATES, Attempt, CellCount, StoredTrial

PAGE = 1000  # trials read in one transaction

Cursor = tuple[int, str]
"""Position and key of a trial, after which the next page begins."""


def counts(connection: Connection, now: Instant) -> dict[str, int]:
    """Return how many planned trials are in each state."""
    rows = connection.execute(select(trials.c.state, func.count()).where(trials.c.planned).group_by(trials.c.state))
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in rows}


def page(connection: Connection, now: Instant, states: Collection[str], after: Cursor | None) -> list[StoredTrial]:
    """Return the next planned trials in these states, in the order of the plan."""
    current = and_(attempts.c.key == trials.c.key, attempts.c.token == trials.c.token)
    result = and_(outcomes.c.key == attempts.c.key, outcomes.c.token == attempts.c.token)
    last = (attempts.c.worker, attempts.c.identity, attempts.c.reason, attempts.c.traceback, attempts.c.started)
    what = (*trials.c, *last, attempts.c.finished, outcomes.c.figures, outcomes.c.details)
    query = (
        select(*what)
        .select_from(trials.outerjoin(attempts, current).outerjoin(outcomes, result))
        .where(trials.c.planned)
        .order_by(trials.c.position, trials.c.key)
        .limit(PAGE)
    )
    if set(states) != set(STATES):
        # As an expression, which no index serves: by that of states, every page would sort all that are left.
        query = query.where(func.coalesce(trials.c.state, "").in_(states))
    if after is not None:
        query = query.where(tuple_(trials.c.position, trials.c.key) > tuple_(*after))
    return [_stored(row) for row in connection.execute(query)]


def cursor(connection: Connection, now: Instant, key: str) -> Cursor:
    """Return where a trial stands."""
    position: int = connection.execute(select(trials.c.position).where(trials.c.key == key)).scalar_one()
    return position, key


def keys_like(connection: Connection, now: Instant, beginning: str) -> list[str]:
    """Return the keys that begin so."""
    like = trials.c.key.startswith(beginning, autoescape=True)
    return [key for (key,) in connection.execute(select(trials.c.key).where(like).order_by(trials.c.key))]


def attempts_at(connection: Connection, now: Instant, key: str) -> list[Attempt]:
    """Return all attempts at a trial, the first one first."""
    rows = connection.execute(select(*attempts.c).where(attempts.c.key == key).order_by(attempts.c.token))
    return [
        Attempt(
            number=row.number, token=row.token, worker=row.worker, state=row.state, reason=row.reason,
            traceback=row.traceback, started=row.started, finished=row.finished, identity=row.identity,
        )
        for row in rows
    ]  # fmt: skip


def costs(connection: Connection, now: Instant) -> dict[str, float]:
    """Return the mean seconds of trials that came to a result, by cell."""
    seconds = func.avg(attempts.c.finished - attempts.c.started)
    joined = trials.join(attempts, attempts.c.key == trials.c.key)
    ended = attempts.c.state.in_([state for state in ENDED if state != "failed"])
    rows = connection.execute(select(trials.c.cell, seconds).select_from(joined).where(ended).group_by(trials.c.cell))
    return {cell: float(mean) for cell, mean in rows}


def cells(connection: Connection, now: Instant) -> list[CellCount]:
    """Return how many planned trials of each cell are in each state, and their predicted seconds."""
    query = (
        select(trials.c.cell, func.min(trials.c.factors), trials.c.state, func.count(), func.sum(trials.c.cost))
        .where(trials.c.planned)
        .group_by(trials.c.cell, trials.c.state)
        .order_by(func.min(trials.c.position))
    )
    return [CellCount(cell, json.loads(factors), *rest) for cell, factors, *rest in connection.execute(query)]


def current_identity(connection: Connection, now: Instant, address: str) -> StudyIdentity:
    """Return the identity that the plan is of."""
    number = connection.execute(select(store.c.identity)).scalar_one()
    if number is None:
        raise UsageError(f"{address}: no study has begun in this store")
    return identity_of(connection, number)


def all_identities(connection: Connection, now: Instant) -> dict[int, StudyIdentity]:
    """Return all identities by their number, the first one first."""
    rows = connection.execute(select(identities.c.number, identities.c.plain).order_by(identities.c.number))
    return {number: StudyIdentity.from_plain(json.loads(plain)) for number, plain in rows}


def all_events(connection: Connection, now: Instant) -> list[dict[str, Any]]:
    """Return the log, the oldest event first."""
    return [dict(row._mapping) for row in connection.execute(select(*events.c).order_by(events.c.number))]


def _stored(row: Row[Any]) -> StoredTrial:
    trial = Trial(
        key=row.key, cell=row.cell, factors=json.loads(row.factors), settings=json.loads(row.settings), seed=row.seed,
        exclusive=row.exclusive, cost=row.cost,
    )  # fmt: skip
    begun, ended = row.attempts > 0 and row.worker is not None, row.state in ENDED
    outcome = None
    if ended:
        outcome = Outcome(
            status=row.state, figures=figures_of(row.figures or "{}"), reason=row.reason, traceback=row.traceback,
            details=json.loads(row.details or "{}"),
        )  # fmt: skip
    return StoredTrial(
        trial=trial, state=row.state, outcome=outcome, attempts=row.attempts, worker=row.worker if begun else "",
        started=row.started if begun else None, finished=row.finished if ended else None,
        identity=row.identity if begun else None,
    )  # fmt: skip
