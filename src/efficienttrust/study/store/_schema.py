"""The tables of a store, as the newest version has them; how older ones become so is in `_migrations`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

store = Table(
    "study_store",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False, comment="always 1: the table has one row"),
    Column("version", Integer, nullable=False, comment="of these tables"),
    Column("content", Text, comment="hash of name, design, data and code of the plan; null before the study began"),
    Column("identity", Integer, comment="that the plan is of"),
)

identities = Table(
    "identities",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("address", Text, nullable=False, unique=True, comment="hash of all of it"),
    Column("began", Double, nullable=False),
    Column("plain", Text, nullable=False, comment="StudyIdentity as JSON"),
)

trials = Table(
    "trials",
    metadata,
    Column("key", Text, primary_key=True),
    Column("position", Integer, nullable=False, comment="in the plan"),
    Column("planned", Boolean, nullable=False, comment="false: an accepted change took it out of the plan"),
    Column("cell", Text, nullable=False),
    Column("factors", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("settings_address", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    Column("cost", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("token", BigInteger, nullable=False, comment="of the last lease; only its holder can write"),
    Column("attempts", Integer, nullable=False),
    Column("losses", Integer, nullable=False, comment="attempts lost since the last retry"),
    Column("claim", Text, nullable=False, comment="names one call of claim, so that it can be repeated"),
    Column("granted", Double, nullable=False, comment="wall clock, as expires"),
    Column("expires", Double, nullable=False),
    Column("boot", Text, nullable=False, comment="boot of the machine whose clock since boot also counts"),
    Column("boot_expires", Double, nullable=False),
    Index("trials_by_state", "state", "cost", "position"),
    Index("trials_by_position", "position", "key"),
    Index("trials_by_settings", "settings_address"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", Text, ForeignKey("trials.key"), primary_key=True),
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("identity", Integer, ForeignKey("identities.number"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("finished", Double),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("figures", Text, nullable=False, comment="JSON; what is no finite number is a text: nan, inf, -inf"),
    Column("details", Text, nullable=False, comment="JSON"),
    ForeignKeyConstraint(["key", "token"], ["attempts.key", "attempts.token"]),
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False, comment="began, changed, lost, fenced, retry"),
    Column("key", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("text", Text, nullable=False),
)
