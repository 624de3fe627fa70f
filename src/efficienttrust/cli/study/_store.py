"""What the verbs that read a store share: how it is found, and how a trial is named for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from efficienttrust.study.store import Store

KEY = 12  # digits of a key that are shown


@contextmanager
def opened(study: str, store: str | None, *, read_only: bool = True) -> Iterator[Store]:
    """Open the store of a study file, or the store itself, and say on stderr what is odd about it."""
    from efficienttrust.study.store import open_store, store_address

    where = store_address(study, store)
    if not read_only:
        open_store(where, read_only=True).close()  # refuses what is not there, which would be created otherwise
    with open_store(where, read_only=read_only) as one:
        for note in one.notes:
            print(f"note: {note}", file=sys.stderr)
        yield one


def levels(factors: Mapping[str, str]) -> str:
    """Return the levels of a cell in one line."""
    return ", ".join(f"{name}={level}" for name, level in factors.items())
