"""The model and the data of an audit, opened together: a run brings its data, other models need them named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from efficienttrust.data import Problem, load_problem, read_table
from efficienttrust.data.images import ImageSet, is_image_source, load_images
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import (
    Rows,
    Subject,
    image_rows,
    open_deployed,
    open_subject,
    problem_image_rows,
    table_rows,
)
from efficienttrust.pipeline._audit_request import AuditRequest, is_given
from efficienttrust.pipeline._run import Run, load_run, problem_of

OF_RUN = "these are the data of the run: its test split is measured, on which nothing was trained or tuned"
UNKNOWN = "whether the model was trained on any of these rows is not known: if it was, figures are too good"


def run_of(model: Any) -> Run | None:
    """Return the run that a model is or whose folder it names; None for any other model that may exist."""
    if isinstance(model, Run):
        return model
    if isinstance(model, str | Path):
        if (Path(model) / "run.json").exists():
            return load_run(model)
        if not Path(model).suffix and ":" not in str(model) and not Path(model).exists():  # the folder of a run
            raise UsageError(
                f"there is no model {model}. Give an .onnx, .joblib, .pkl or .skops file, `module:function` of a torch "
                "model, or the folder of a run"
            )
    return None


def open_rows(data: Any, settings: Mapping[str, Any], request: AuditRequest, run: Run | None) -> Rows:
    """Load the data and choose the rows.

    Args:
        data: A data set by name or as `NAME:PATH`, a file, images as `cifar10:PATH`, a frame, a torch or Hugging Face
            data set of images, a `Problem` or an `ImageSet`; None for a run takes the run's own.
        settings: Options for `load_problem` or `load_images`; what is None or empty was not given.
        request: Which rows, how many.
        run: The run that is audited.

    Raises:
        UsageError: The data cannot be used, or options do not fit them.
    """
    given = {name: value for name, value in settings.items() if is_given(name, value)}
    loaded, own = _loaded(data, given, request, run)
    if isinstance(loaded, ImageSet):
        return _limited(image_rows(loaded), request)
    which = request.rows or ("test" if own or loaded.kind == "image" else _which(loaded))
    if loaded.kind == "image":
        rows = problem_image_rows(loaded, which)
    else:
        in_memory = data is not None and not isinstance(data, str | Path | Problem)
        regrouped = own is not None and own is not loaded and which == "test"  # other groups are split otherwise
        rows = table_rows(loaded, "all" if regrouped else which, read_table(data) if in_memory else None)
        if own is not None and regrouped:
            held_out = np.flatnonzero(np.isin(rows.row, own.splits["test"].rows))
            rows = replace(rows.take(held_out), which="test split")
    said = ""
    if own is not None:
        said = _trained_on(own) if which != "test" else "" if data is None else OF_RUN
    elif loaded.kind == "table" and rows.which != "test split":
        said = "all rows of the file are measured"
    return _limited(replace(rows, notes=(*rows.notes, *filter(None, [said])), of_run=own is not None), request)


def _loaded(
    data: Any, given: Mapping[str, Any], request: AuditRequest, run: Run | None
) -> tuple[Problem | ImageSet, Problem | None]:
    """Return the data, and where they are those of the run, as the run read them."""
    if data is None:
        if run is None:
            raise UsageError("which data is the model audited on? Add --data NAME, a file, or cifar10:PATH")
        own = _data_of(run, given)
        return own, own
    if isinstance(data, Problem | ImageSet):
        if given:
            raise UsageError(
                f"data that are loaded already cannot take {', '.join(given)}: load them with these options"
            )
        same = run is not None and data.fingerprint == run.document["problem"]["fingerprint"]
        return data, data if same and isinstance(data, Problem) else None
    if is_image_source(data):
        if run is not None and not given and str(data) == run.document["problem"]["source"]:
            own = _data_of(run, given)
            return own, own
        return _images(data, given, request), None
    if run is None:
        return load_problem(data, **given, seed=request.seed), None
    if (found := _same_data(run, data)) is not None:
        recorded: dict[str, Any] = dict(found.settings)
        return load_problem(data, **(recorded | dict(given))) if _differs(given, recorded) else found, found
    recorded = run.document["problem"]["settings"]
    kept: dict[str, Any] = {name: recorded.get(name) for name in ("label", "positive", "task", "sensitive")}
    return load_problem(data, **(kept | dict(given)), seed=request.seed), None


def open_model(
    model: Any, rows: Rows, run: Run | None, *, weights: Path | None, trust_pickle: bool, inputs: str
) -> Subject:
    """Open the model on its rows; raises `UsageError` when it does not fit them."""
    if run is None:
        subject = open_subject(
            model,
            rows,
            weights=weights,
            trust_pickle=trust_pickle,
            inputs=inputs,  # type: ignore[arg-type]
        )
    elif weights is not None:
        raise UsageError("--weights belong to a torch model `module:function`; a run has its own")
    else:
        source = str(model) if isinstance(model, str | Path) else "<run>"
        name = Path(source).name if isinstance(model, str | Path) else run.document["problem"]["name"]
        subject = open_deployed(run.content, rows, name=name, source=source, parent=(run.scorer, run.decision))
    known = rows.of_run or ("data" in subject.facts and rows.which == "test split")
    return subject if known else replace(subject, notes=(*subject.notes, UNKNOWN))


def _data_of(run: Run, given: Mapping[str, Any]) -> Problem:
    """Load the data of a run again and check that they are the same."""
    recorded = run.document["problem"]
    if given:
        raise UsageError(f"a run brings its own data and settings: leave out --{next(iter(given)).replace('_', '-')}")
    if recorded["source"].startswith("<"):
        raise UsageError("the run was made from a frame in memory: give its data (audit(run, problem))")
    problem = problem_of(recorded)
    if problem.fingerprint != recorded["fingerprint"]:
        raise UsageError(
            f"the data at {recorded['source']} are not those of the run (hash {problem.fingerprint[:12]}, recorded "
            f"{recorded['fingerprint'][:12]}): name the data to audit on with --data"
        )
    return problem


def _same_data(run: Run, data: object) -> Problem | None:
    """Return the data as the run read them, if they are the run's (one fingerprint); None for any others."""
    recorded = run.document["problem"]
    if recorded.get("kind") == "image":
        return None
    try:
        found = load_problem(data, **recorded["settings"])
    except UsageError:  # a file without the run's columns
        return None
    return found if found.fingerprint == recorded["fingerprint"] else None


def _differs(given: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    """Tell whether an option says something else than the settings of the run."""

    def listed(value: object) -> list[str]:
        names = value if isinstance(value, list | tuple) else str(value).split(",")
        return [str(name).strip() for name in names]

    return any(listed(value) != listed(recorded.get(name)) for name, value in given.items())


def _trained_on(problem: Problem) -> str:
    sizes = {name: len(part.y) for name, part in problem.splits.items()}
    total = sum(sizes.values())
    seen = total - sizes["test"] - sizes["certify"]
    where = f"{seen:,} of these {total:,} rows (train, monitor and calibrate)"
    return f"the model was trained or tuned on {where}: figures are too good; --rows test leaves them out"


def _images(source: object, given: Mapping[str, Any], request: AuditRequest) -> ImageSet:
    foreign = [name for name in given if name not in ("label", "sensitive")]
    if foreign:
        raise UsageError(f"images have no columns: leave out --{foreign[0].replace('_', '-')}")
    return load_images(source, **given, part=request.rows or "test", limit=request.limit, seed=request.seed)


def _which(problem: Problem) -> Literal["test", "all"]:
    """Return the test split of named data and of data with a split column, and all rows of others."""
    own = problem.card is not None or problem.settings.get("split_column")
    return "test" if own else "all"


def _limited(rows: Rows, request: AuditRequest) -> Rows:
    if request.limit is not None and request.limit < len(rows):
        chosen = np.sort(np.random.default_rng(request.seed).permutation(len(rows))[: request.limit])
        note = f"{request.limit} of {len(rows)} rows, drawn with seed {request.seed}"
        rows = replace(rows.take(chosen), notes=(*rows.notes, note))
    if rows.task != "regression" and len(np.unique(rows.y)) < 2:
        only = rows.classes[int(rows.y[0])]
        raise UsageError(f"the {len(rows)} rows hold one class only, {only!r}: nothing can be compared; give more rows")
    return replace(rows, notes=(*rows.notes, *_empty_groups(rows)))


def _empty_groups(rows: Rows) -> list[str]:
    if rows.by_class:
        return []
    empty = []
    for attribute, (codes, names) in rows.attributes.items():
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        empty += [
            f"group {name!r} of {attribute!r} has no row here: what compares groups cannot be estimated"
            for name, count in zip(names, counts, strict=True)
            if not count
        ]
    return empty
