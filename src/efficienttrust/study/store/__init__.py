"""The store of a study: one SQLite file, or a PostgreSQL database for several machines.

The store alone knows which trials wait, run and have ended. A driver *claims* trials and gets leases; a lease that is
not renewed expires, and its trial is given to whoever claims next. Each lease has a fencing token, larger than all
before it, and an outcome is written only by the holder of the largest: whatever is killed, and whenever, no outcome
that was acknowledged is lost and none is written twice.

A store belongs to one study. It keeps the identity of the study (spec, data, code, environment), refuses to go on with
another one, and says what differs.

    >>> import tempfile
    >>> from efficienttrust.study import Outcome, Trial
    >>> trials = [Trial("ab12", "cell", {"model": "mlp"}, {"model": "mlp", "seed": 0}, seed=0)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> with open_store(f"{folder.name}/study.db") as store:
    ...     store.begin(StudyIdentity("small", "name: small", design={}, data={}, code={}), trials)
    ...     [lease] = store.claim("me", seconds=60)
    ...     store.finish(lease, Outcome("done", {"metric.accuracy": 0.83}))
    ...     store.counts()["done"]
    True
    1
    >>> folder.cleanup()
"""

from efficienttrust.study.store._address import store_address
from efficienttrust.study.store._identity import StudyIdentity, differences
from efficienttrust.study.store._outlook import Outlook, outlook
from efficienttrust.study.store._store import MAX_ATTEMPTS, Store, open_store
from efficienttrust.study.store._values import ENDED, STATES, Attempt, CellCount, Lease, State, StoredTrial

__all__ = [
    "ENDED",
    "MAX_ATTEMPTS",
    "STATES",
    "Attempt",
    "CellCount",
    "Lease",
    "Outlook",
    "State",
    "Store",
    "StoredTrial",
    "StudyIdentity",
    "differences",
    "open_store",
    "outlook",
    "store_address",
]
