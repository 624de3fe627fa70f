"""The log of a store: what happened that is no outcome."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from efficienttrust.study.store._clock import Instant
from efficienttrust.study.store._schema import events
from efficienttrust.study.store._text import storable


def record(connection: Connection, now: Instant, kind: str, text: str, *, key: str = "", worker: str = "") -> None:
    """Write one event."""
    connection.execute(
        insert(events).values(at=now.wall, kind=kind, key=key, worker=storable(worker), text=storable(text))
    )
