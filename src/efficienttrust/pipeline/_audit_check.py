"""What can be known before anything is measured: columns, sources and metrics that this audit cannot use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from efficienttrust.data._bundled import data_sets
from efficienttrust.data.images import is_image_source
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.ood import detectors
from efficienttrust.evaluation.shift import environments_of, same_schema
from efficienttrust.evaluation.subjects import Rows
from efficienttrust.metrics import metrics
from efficienttrust.pipeline import _audit_ood
from efficienttrust.pipeline._audit_numbers import refuse_decisions_only
from efficienttrust.pipeline._audit_request import AuditRequest
from efficienttrust.pipeline._audit_shift import frame_of


def check_against_rows(request: AuditRequest, rows: Rows) -> None:
    """Refuse what these rows cannot give, so that no finished measurement is lost to it.

    Raises:
        UsageError: A target's metric has no meaning for the task or names an unknown detector; the environment is no
            column; a set of outside rows is neither a file, nor a named data set, nor a condition on a column; attacks
            or outside rows were asked for and the label is a number.
    """
    for target in request.targets:
        metric = metrics.get(target.metric)
        if rows.task not in metric.tasks:
            raise UsageError(
                f"target {target.text} cannot be judged: {metric.name} is defined for "
                f"{' or '.join(sorted(metric.tasks))} outcomes, these are {rows.task}"
            )
        if "ood" in metric.needs:
            detectors.get(str(dict(target.arguments)["detector"]))
    if rows.task == "regression":
        refuse_decisions_only(request)
    if request.environment is not None:
        frame = frame_of(rows)
        if request.environment not in map(str, frame.columns):
            raise _no_column("environment", request.environment, frame.columns)
        environments_of(frame, request.environment)
    for text in request.ood:
        _check_outside(text, rows)


def _check_outside(text: str, rows: Rows) -> None:
    _, what = _audit_ood._nearness(text)
    if rows.kind == "image":
        if not is_image_source(what):
            raise UsageError(f"ood {what!r} is no set of images: give cifar10:PATH, mnist:PATH or a .npz file")
        path = Path(what if what.lower().endswith(".npz") and ":" not in what else what.partition(":")[2]).expanduser()
        if not path.exists():
            raise UsageError(f"ood {what!r}: there is no file {path}")
    elif what.partition(":")[0] in data_sets.names() or Path(what).exists():
        same_schema(rows.inputs, _audit_ood._other_table(what), rows.problem.encoder.columns)
    elif _audit_ood._held_out(what, rows, rows) is None:
        match = _audit_ood._CONDITION.fullmatch(what)
        if match is not None:
            raise _no_column(f"ood {what!r}", match["column"], rows.inputs.columns)
        raise UsageError(
            f"ood: there is no file {what}, nor is it a condition, as 'age >= 70'."
            f"{did_you_mean(what, data_sets.names())}"
        )


def _no_column(option: str, column: str, known: Iterable[object]) -> UsageError:
    return UsageError(f"{option}: there is no column {column!r}.{did_you_mean(column, map(str, known))}")
