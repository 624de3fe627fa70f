"""What is to be run: the plan of a study enters its store, and a changed study is refused until that is accepted."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Trial, content_address
from efficienttrust.study.store._clock import Instant
from efficienttrust.study.store._database import lock
from efficienttrust.study.store._events import record
from efficienttrust.study.store._identity import StudyIdentity, differences, shown
from efficienttrust.study.store._schema import identities, store, trials
from efficienttrust.study.store._text import plain_text
from efficienttrust.study.store._values import ENDED

ROWS = 1000  # of a plan that are written out at a time, so that a long one takes little memory


class Begun(NamedTuple):
    """Under which identity a driver claims: its number, and the hash of what decides results."""

    identity: int
    content: str


def begin(
    connection: Connection, now: Instant, *, identity: StudyIdentity, planned: Sequence[Trial], accept_change: bool,
    address: str,
) -> Begun:  # fmt: skip
    """Enter a study and its trials.

    Raises:
        UsageError: The store is of another study, or spec, data or code changed since it began.
    """
    lock(connection)
    content = identity.content()
    current = connection.execute(select(store.c.content, store.c.identity)).one()
    changed = current.content not in (None, content)
    if changed:
        before = identity_of(connection, current.identity)
        _refuse_change(before, identity, address, accept_change)
        record(connection, now, "changed", "\n".join(differences(before, identity)))
    number = _number_of(connection, now, identity)
    _add(connection, _take_over(connection, planned) if changed else _append(connection, planned), move=changed)
    connection.execute(update(store).values(content=content, identity=number))
    return Begun(number, content)


def identity_of(connection: Connection, number: int) -> StudyIdentity:
    """Return an identity by its number."""
    plain = connection.execute(select(identities.c.plain).where(identities.c.number == number)).scalar_one()
    return StudyIdentity.from_plain(json.loads(plain))


def refuse_changed_plan(connection: Connection, now: Instant, content: str) -> None:
    """Raise `UsageError` where another driver accepted a change of the study since this one began."""
    if connection.execute(select(store.c.content)).scalar_one() != content:
        raise UsageError("the study was changed by another driver since this one began; run it again")


def retry(connection: Connection, now: Instant, states: Collection[str], keys: Collection[str] | None) -> int:
    """Let trials in these states wait again; return how many."""
    chosen = [trials.c.state.in_(states), trials.c.planned]
    if keys is not None:
        chosen.append(trials.c.key.in_(list(keys)))
    count = connection.execute(update(trials).where(*chosen).values(state="waiting", losses=0)).rowcount
    record(connection, now, "retry", f"{count} trials that were {' or '.join(sorted(states))}")
    return count


def _refuse_change(before: StudyIdentity, now: StudyIdentity, address: str, accept_change: bool) -> None:
    if before.name != now.name:
        raise UsageError(
            f"{address} is the store of the study {before.name!r}, not of {now.name!r}; name another store"
        )
    if not accept_change:
        raise UsageError(
            f"{address}: the study changed since it began; go on with --accept-change, which keeps results whose "
            f"settings are the same, or begin another store with --store\n{shown(differences(before, now))}"
        )


def _number_of(connection: Connection, now: Instant, identity: StudyIdentity) -> int:
    address = content_address(json.loads(json.dumps(identity.as_plain(), allow_nan=False)))
    known: int | None = connection.execute(select(identities.c.number).where(identities.c.address == address)).scalar()
    if known is not None:
        return known
    number = (connection.execute(select(func.max(identities.c.number))).scalar() or 0) + 1
    plain = plain_text(identity.as_plain())
    connection.execute(insert(identities).values(number=number, address=address, began=now.wall, plain=plain))
    record(connection, now, "began", identity.command)
    return number


def _append(connection: Connection, planned: Sequence[Trial]) -> list[tuple[int, Trial]]:
    """Return the trials with positions behind those of the plan, of which they may be a part."""
    last: int | None = connection.execute(select(func.max(trials.c.position)).where(trials.c.planned)).scalar()
    return list(enumerate(planned, start=0 if last is None else last + 1))


def _take_over(connection: Connection, planned: Sequence[Trial]) -> list[tuple[int, Trial]]:
    """Empty the plan but for results that stand for a trial of the new one; return the trials that none stands for.

    A trial of the same settings under other data or code has another key. That its result counts all the same is what
    accepting a change means; the number of its identity tells it from the others.
    """
    connection.execute(update(trials).values(planned=False))
    keys = {trial.key for trial in planned}
    results = connection.execute(
        select(trials.c.key, trials.c.settings_address)
        .where(trials.c.state.in_([state for state in ENDED if state != "failed"]))
        .order_by(trials.c.position)
    ).all()
    standing = {row.settings_address: row.key for row in results if row.key not in keys}
    rest, kept = [], []
    for position, trial in enumerate(planned):
        key = standing.get(content_address(trial.settings))
        if key is None:
            rest.append((position, trial))
        else:
            kept.append({"at": position, "this": key})
    if kept:
        keep = update(trials).where(trials.c.key == bindparam("this")).values(planned=True, position=bindparam("at"))
        connection.execute(keep, kept)
    return rest


def _add(connection: Connection, placed: Sequence[tuple[int, Trial]], *, move: bool) -> None:
    """Enter the trials that the store lacks; those that it has become planned, and take their position if they move."""
    known = {row.key: row for row in connection.execute(select(trials.c.key, trials.c.position, trials.c.cost))}
    new, again = [], []
    for position, trial in placed:
        row = known.get(trial.key)
        if row is None:
            new.append((position, trial))
        elif move or row.cost != trial.cost:
            at = position if move else row.position
            again.append({"this": trial.key, "predicted": float(trial.cost), "at": at})
    for first in range(0, len(new), ROWS):
        rows = [_row(trial, position) for position, trial in new[first : first + ROWS]]
        connection.execute(insert(trials), rows)
    if again:
        change = update(trials).where(trials.c.key == bindparam("this"))
        connection.execute(change.values(planned=True, cost=bindparam("predicted"), position=bindparam("at")), again)


def _row(trial: Trial, position: int) -> dict[str, Any]:
    return {
        "key": trial.key, "position": position, "planned": True, "cell": trial.cell,
        "factors": json.dumps(dict(trial.factors)), "settings": plain_text(trial.settings),
        "settings_address": content_address(trial.settings), "seed": trial.seed, "exclusive": trial.exclusive,
        "cost": float(trial.cost), "state": "waiting", "token": 0, "attempts": 0, "losses": 0, "claim": "",
        "granted": 0.0, "expires": 0.0, "boot": "", "boot_expires": 0.0,
    }  # fmt: skip
