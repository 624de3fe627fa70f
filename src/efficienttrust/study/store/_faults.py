"""What a database says, as one line that says what to do; passwords are cut out of it."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from efficienttrust.errors import UsageError
from efficienttrust.study.store._address import Address

_SQLITE = (
    ("file is not a database", "is no store of a study; nothing was written"),
    ("malformed", "the file is damaged; nothing was written: restore a copy, or try `sqlite3 FILE .recover`"),
    ("full", "the disk is full; nothing of this step was written and the rest is intact: make room and run again"),
    ("i/o error", "the disk is full or fails; nothing of this step was written: see to it and run again"),
    ("readonly", "the store can only be read: make the file and its folder writable, or copy it elsewhere"),
    ("locked", "another program has kept the store locked for a minute; end it, or use PostgreSQL for many writers"),
    ("unable to open", "cannot be opened: is the folder there, and may you write in it?"),
)  # fmt: skip
_TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")  # serialisation, deadlock, shutdown, crash, starting up
_LOGIN = ("password", "authentication", "pg_hba", "role ")


def is_transient(error: DBAPIError) -> bool:
    """Return whether the same transaction may succeed later: the server went away, or two transactions collided."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TRANSIENT


def fault(error: DBAPIError, address: Address) -> UsageError:
    """Return the error for the user."""
    text = " ".join(str(error.orig).split())
    for secret in address.secrets():
        text = text.replace(secret, "***")
    if address.path is not None:
        known = next((advice for sign, advice in _SQLITE if sign in text.lower()), None)
        return UsageError(f"{address.shown}: {known or 'SQLite says: ' + text}")
    advice = ""
    if any(sign in text for sign in _LOGIN):
        advice = "; check user and password (PGPASSWORD or ~/.pgpass keep it out of the command line)"
    elif "connection" in text or "resolve" in text:
        advice = "; check host and port, and that the server runs"
    return UsageError(f"{address.shown}: PostgreSQL says: {text}{advice}")
