"""Who may run which trial: leases with fencing tokens, each function one transaction.

A token is larger than all earlier ones of its trial, and a write names the token: whoever lost the lease writes
nothing. All functions may be run again after a commit whose acknowledgement was lost, and then do nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from efficienttrust.study._trial import Outcome
from efficienttrust.study.store._clock import Instant, has_expired, restart_future_leases
from efficienttrust.study.store._events import record
from efficienttrust.study.store._schema import attempts, outcomes, store, trials
from efficienttrust.study.store._text import figures_text, plain_text, storable
from efficienttrust.study.store._values import ENDED, Lease


def claim(
    connection: Connection, now: Instant, *, worker: str, identity: int, content: str, name: str, seconds: float,
    limit: int, exclusive: bool | None, keys: Collection[str] | None, max_attempts: int, again: bool,
) -> list[Lease]:  # fmt: skip
    """Lease the waiting trials with the longest predicted cost.

    `name` names the call: where it is tried `again`, the leases that a lost acknowledgement was about are found by it.
    """
    if again:
        claimed = connection.execute(select(*trials.c).where(trials.c.claim == name, trials.c.state == "running")).all()
        if claimed:
            return _leases(claimed)
    restart_future_leases(connection, now)
    _give_up_lost_leases(connection, now, max_attempts)
    chosen = (
        select(trials.c.key)
        .where(trials.c.state == "waiting", trials.c.planned)
        .where(select(store.c.one).where(store.c.content == content).exists())
        .order_by(trials.c.cost.desc(), trials.c.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if exclusive is not None:
        chosen = chosen.where(trials.c.exclusive == exclusive)
    if keys is not None:
        chosen = chosen.where(trials.c.key.in_(list(keys)))
    # As a common table expression it is run once; PostgreSQL may run a subquery, and skip what it locked, again.
    taken = (
        update(trials)
        .where(trials.c.key.in_(select(chosen.cte("chosen").c.key)))
        .values(
            state="running", token=trials.c.token + 1, attempts=trials.c.attempts + 1, claim=name,
            granted=now.wall, expires=now.wall + seconds, boot=now.boot, boot_expires=now.since_boot + seconds,
        )
        .returning(*trials.c)
    )  # fmt: skip
    rows = connection.execute(taken).all()
    if rows:
        begun = [
            {"key": row.key, "token": row.token, "number": row.attempts, "worker": storable(worker),
             "identity": identity, "state": "running", "reason": "", "traceback": ""}
            for row in rows
        ]  # fmt: skip
        connection.execute(insert(attempts).values(started=now.wall), begun)
    return _leases(rows)


def renew(connection: Connection, now: Instant, leases: Sequence[Lease], seconds: float) -> list[bool]:
    """Let leases last so many seconds from now; false where one is lost."""
    until = {
        "granted": now.wall, "expires": now.wall + seconds, "boot": now.boot, "boot_expires": now.since_boot + seconds,
    }  # fmt: skip
    # In the order of the keys, so that two clients that renew the same rows cannot lock each other out.
    held: dict[int, bool] = {}
    for position in sorted(range(len(leases)), key=lambda position: leases[position].key):
        renewed = connection.execute(update(trials).where(*_held(leases[position])).values(**until))
        held[position] = renewed.rowcount == 1
    return [held[position] for position in range(len(leases))]


def finish(connection: Connection, now: Instant, lease: Lease, outcome: Outcome) -> bool:
    """Write the outcome of a trial; false where the lease is lost, and then nothing of it is written."""
    ended = connection.execute(update(trials).where(*_held(lease)).values(state=outcome.status, losses=0))
    if ended.rowcount == 0:
        return _has_finished(connection, now, lease)
    connection.execute(
        update(attempts)
        .where(attempts.c.key == lease.key, attempts.c.token == lease.token)
        .values(
            state=outcome.status, reason=storable(outcome.reason), traceback=storable(outcome.traceback),
            finished=now.wall,
        )
    )  # fmt: skip
    connection.execute(
        insert(outcomes).values(
            key=lease.key, token=lease.token, figures=figures_text(outcome.figures), details=plain_text(outcome.details)
        )
    )
    return True


def release(connection: Connection, now: Instant, lease: Lease) -> bool:
    """Give a trial back without an attempt; false where the lease is lost."""
    back = update(trials).where(*_held(lease)).values(state="waiting", attempts=trials.c.attempts - 1)
    if connection.execute(back).rowcount == 0:
        return False
    connection.execute(delete(attempts).where(attempts.c.key == lease.key, attempts.c.token == lease.token))
    return True


def _give_up_lost_leases(connection: Connection, now: Instant, max_attempts: int) -> None:
    """Make trials whose lease has expired wait again, or fail where that happened too often."""
    lost = connection.execute(
        select(trials.c.key, trials.c.token, trials.c.losses)
        .where(trials.c.state == "running", has_expired(now))
        .with_for_update(skip_locked=True)
    ).all()
    for row in lost:
        losses = row.losses + 1
        failed = losses >= max_attempts
        reason = f"lost {losses} {'time' if losses == 1 else 'times'}" if failed else ""
        connection.execute(
            update(trials).where(trials.c.key == row.key).values(state="failed" if failed else "waiting", losses=losses)
        )
        attempt = (attempts.c.key == row.key, attempts.c.token == row.token)
        connection.execute(update(attempts).where(*attempt).values(state="lost", reason=reason, finished=now.wall))
        worker = connection.execute(select(attempts.c.worker).where(*attempt)).scalar_one()
        record(connection, now, "lost", reason or "its lease expired", key=row.key, worker=worker)


def _held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return trials.c.key == lease.key, trials.c.token == lease.token, trials.c.state == "running"


def _has_finished(connection: Connection, now: Instant, lease: Lease) -> bool:
    """Return whether this very lease wrote its outcome before; else note that its holder came too late."""
    row = connection.execute(select(trials.c.token, trials.c.state).where(trials.c.key == lease.key)).one_or_none()
    written = select(outcomes.c.key).where(outcomes.c.key == lease.key, outcomes.c.token == lease.token)
    if row is not None and row.token == lease.token and row.state in ENDED and connection.execute(written).first():
        return True
    record(connection, now, "fenced", f"attempt {lease.attempt} came too late", key=lease.key)
    return False


def _leases(rows: Sequence[Row[Any]]) -> list[Lease]:
    return [
        Lease(
            key=row.key, attempt=row.attempts, token=row.token, settings=json.loads(row.settings),
            factors=json.loads(row.factors), seed=row.seed, exclusive=row.exclusive, cost=row.cost,
            expires=row.expires, cell=row.cell,
        )
        for row in sorted(rows, key=lambda row: (-row.cost, row.position))
    ]  # fmt: skip
