"""When a lease expires, though clocks are set back and machines boot anew.

PostgreSQL's server is the clock of all its clients. With SQLite all clients are on one machine, whose clock since boot
nobody can set: it decides about every lease granted since that boot. For any other lease the wall clock decides, and
one that seems to be granted in the future begins anew now: it is neither taken from its holder, who renews it, nor
kept for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Double, and_, cast, extract, func, literal, or_, update

from efficienttrust.study.store._schema import trials

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Instant:
    """Now: Unix time as an expression of SQL, the machine's boot (empty where unknown) and the seconds since it."""

    wall: ColumnElement[float]
    boot: str = ""
    since_boot: float = 0.0


Clock = Callable[[], Instant]


def server_clock() -> Instant:
    """Return the time of PostgreSQL's server at the begin of the transaction."""
    return Instant(cast(extract("epoch", func.now()), Double))


def machine_clock() -> Instant:
    """Return the time of this machine."""
    if _BOOT_ID.exists() and hasattr(time, "CLOCK_BOOTTIME"):
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return Instant(literal(time.time(), Double), boot, time.clock_gettime(time.CLOCK_BOOTTIME))
    return Instant(literal(time.time(), Double))


def has_expired(now: Instant) -> ColumnElement[bool]:
    """Return whether the lease of a row of `trials` has expired."""
    by_wall = trials.c.expires <= now.wall
    if not now.boot:
        return by_wall
    same = trials.c.boot == now.boot
    return or_(and_(same, trials.c.boot_expires <= now.since_boot), and_(~same, by_wall))


def restart_future_leases(connection: Connection, now: Instant) -> None:
    """Let leases of which the wall clock alone decides, and that it says begin in the future, begin now."""
    future = [trials.c.state == "running", trials.c.granted > now.wall]
    if now.boot:
        future.append(trials.c.boot != now.boot)
    length = trials.c.expires - trials.c.granted
    connection.execute(update(trials).where(*future).values(granted=now.wall, expires=now.wall + length))
