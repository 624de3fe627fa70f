"""MLflow: one run for each trial, under one run for the study."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from efficienttrust.errors import UsageError
from efficienttrust.study._columns import FACTOR
from efficienttrust.study.export._registry import exporters
from efficienttrust.study.export._results import cells_of
from efficienttrust.study.store import ENDED, Store, StoredTrial

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
LONGEST_TAG = 5000  # characters that servers of MLflow take
MOST_METRICS = 1000  # in one request
STATUS = {"done": "FINISHED", "failed": "FAILED", "infeasible": "FINISHED"}


@exporters.register("mlflow")
def write_mlflow(store: Store, where: str) -> str:
    """Log one run for each trial that has ended, under a new parent run in the experiment of the study's name.

    Factors and seed become parameters, finite figures metrics (names without the signs that MLflow refuses), verdicts,
    state and reason tags; what cannot be estimated is left out. Needs the extra `mlflow`.

    Args:
        store: Of the study.
        where: Folder, or a tracking URI as `http://HOST:5000` or `sqlite:///mlflow.db` (which needs all of MLflow).

    Returns:
        Experiment and parent run, for people.

    Raises:
        UsageError: MLflow is not installed, or refuses.
    """
    identity = store.identity()
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise UsageError("MLflow is not installed: pip install 'efficienttrust[mlflow]'") from None
    try:
        client = MlflowClient(tracking_uri=_tracking_uri(where))
        found = client.get_experiment_by_name(identity.name)
        experiment = found.experiment_id if found else client.create_experiment(identity.name)
        design = {name: str(value)[:LONGEST_TAG] for name, value in identity.design.items() if isinstance(value, str)}
        parent = client.create_run(experiment, run_name=identity.name, tags={**design, "command": identity.command})
        for stored in store.trials(*ENDED):
            _log(client, experiment, parent.info.run_id, stored)
        client.set_terminated(parent.info.run_id)
    except (MlflowException, ImportError, OSError) as error:
        raise UsageError(f"MLflow at {where}: {' '.join(str(error).split())}") from error
    return f"{where}, experiment {identity.name!r}, run {parent.info.run_id}"


def _tracking_uri(where: str) -> str:
    if "://" in where:
        return where
    # MLflow writes folders only for who says that he wants it, as it prefers databases, which its small package lacks.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return Path(where).absolute().as_uri()


def _log(client: MlflowClient, experiment: str, parent: str, stored: StoredTrial) -> None:
    from mlflow.entities import Metric, Param

    assert stored.started is not None
    assert stored.finished is not None
    assert stored.outcome is not None
    begun, ended = (round(1000 * one) for one in (stored.started, stored.finished))
    texts, figures = cells_of(stored)
    tags = {
        "mlflow.parentRunId": parent, "trial": stored.trial.key, "cell": stored.trial.cell, "state": stored.state,
        "reason": stored.outcome.reason[:LONGEST_TAG], "worker": stored.worker,
        **{_name(name): text for name, text in texts.items() if not name.startswith(FACTOR)},
    }  # fmt: skip
    run = client.create_run(experiment, start_time=begun, tags=tags, run_name=stored.trial.key[:12]).info.run_id
    params = [Param(_name(name.removeprefix(FACTOR)), text) for name, text in texts.items() if name.startswith(FACTOR)]
    metrics = [Metric(_name(name), value, ended, 0) for name, value in figures.items() if math.isfinite(value)]
    client.log_batch(run, params=[*params, Param("seed", str(stored.trial.seed))])
    for batch in _batches(metrics, MOST_METRICS):
        client.log_batch(run, metrics=batch)
    client.set_terminated(run, STATUS[stored.state], ended)


def _name(column: str) -> str:
    """Return a column's name in the signs that MLflow takes; different columns stay different in practice."""
    signs = {"<=": "at most", ">=": "at least", "=": " ", "(": " ", ")": "", ",": ""}
    for sign, word in signs.items():
        column = column.replace(sign, word)
    return re.sub(r"\s+", " ", re.sub(r"[^\w\-./: ]", "_", column)).strip()


def _batches(values: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    rest: Iterator[Any] = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
