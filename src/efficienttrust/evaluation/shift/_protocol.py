"""Train in some environments, test in others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.data import Problem, load_problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift._environments import environments_of, listed
from efficienttrust.evaluation.shift._held_out import HeldOut, held_out_category

if TYPE_CHECKING:
    import pandas as pd

SPLIT_COLUMN = "(environment split)"


@dataclass(frozen=True, eq=False)
class EnvironmentSplit:
    """Environments to train in and environments to test in.

    Attributes:
        column: The column that names the environment.
        train: Names of the training environments.
        test: Names of the test environments.
        rows: Rows of the training (`inside`) and of the test environments (`outside`); a row without one is in neither.
    """

    column: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    rows: HeldOut

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that have an environment, with a further column that says `train` or `test`.

        Give its name, `SPLIT_COLUMN`, to `load_problem` as the split column.
        """
        if SPLIT_COLUMN in frame.columns:
            raise UsageError(f"the table has a column {SPLIT_COLUMN!r} already. Rename it.")
        marked = frame.copy(deep=False)
        marked[SPLIT_COLUMN] = np.where(self.rows.outside, "test", "train")
        return marked[self.rows.inside | self.rows.outside]


def environment_split(frame: pd.DataFrame, column: str, held_out: object) -> EnvironmentSplit:
    """Hold out environments for the test; all others are for training.

    Args:
        frame: The table.
        column: The column that names the environment.
        held_out: Name of the test environment, or a sequence of them.

    Raises:
        UsageError: An unknown column or environment, or no environment left to train in.
    """
    environments = environments_of(frame, column)
    if len(environments.names) == 1:
        raise UsageError(
            f"column {column!r} has one environment only, {environments.names[0]!r}. Two are needed: one to train in."
        )
    rows = held_out_category(frame, column, held_out)
    out = environments.chosen(held_out)
    named = list(zip(environments.names, out, strict=True))
    return EnvironmentSplit(
        column,
        tuple(name for name, chosen in named if not chosen),
        tuple(name for name, chosen in named if chosen),
        rows,
    )


def leave_one_environment_out(frame: pd.DataFrame, column: str) -> Iterator[EnvironmentSplit]:
    """Yield one split per environment, with that one held out.

    References:
        Gulrajani and Lopez-Paz 2021 call it the leave-one-domain-out protocol.
    """
    for name in environments_of(frame, column).names:
        yield environment_split(frame, column, name)


def load_environment_split(frame: pd.DataFrame, column: str, held_out: object, **settings: Any) -> Problem:
    """Return a problem that is trained in some environments and tested in others.

    The monitor, calibrate and certify splits are cut out of the training environments. The column itself is no input
    (its test values are new to the model), but may be a sensitive attribute.

    Args:
        frame: The table.
        column: The column that names the environment.
        held_out: Name of the test environment, or a sequence of them.
        settings: Further arguments of `load_problem`: `label` and others, but no `split_column`.

    Raises:
        UsageError: As `environment_split` and `load_problem`.
    """
    if settings.get("split_column") is not None:
        raise UsageError(f"the environments of {column!r} make the splits. Leave out the split column.")
    split = environment_split(frame, column, held_out)
    drop, sensitive = settings.get("drop", ()), settings.get("sensitive", ())
    dropped = [part.strip() for part in drop.split(",") if part.strip()] if isinstance(drop, str) else list(drop)
    named = [part.strip() for part in sensitive.split(",")] if isinstance(sensitive, str) else listed(sensitive)
    roles = {settings.get(role) for role in ("label", "weight", "unit", "time")}
    if column not in {*dropped, *named, *roles}:
        dropped.append(column)
    return load_problem(split.table(frame), **settings | {"drop": dropped, "split_column": SPLIT_COLUMN})
