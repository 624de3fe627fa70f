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
    if run is not None and data is None:
        problem = _data_of(run, given)
        which = request.rows or "test"
        return _limited(
            problem_image_rows(problem, which) if problem.kind == "image" else table_rows(problem, which), request
        )
    if data is None:
        raise UsageError("which data is the model audited on? Add --data NAME, a file, or cifar10:PATH")
    if isinstance(data, Problem | ImageSet):
        if given:
            raise UsageError(
                f"data that are loaded already cannot take {', '.join(given)}: load them with these options"
            )
        loaded: Problem | ImageSet = data
        same = run is not None and data.fingerprint == run.document["problem"]["fingerprint"]
        own = data if same and isinstance(data, Problem) else None
    elif is_image_source(data):
        mine = run is not None and not given and str(data) == run.document["problem"]["source"]
        own = _data_of(run, given) if run and mine else None
        loaded = own or _images(data, given, request)
    elif run is not None and (own := _same_data(run, data)) is not None:
        recorded: dict[str, Any] = dict(own.settings)
        loaded = load_problem(data, **(recorded | given)) if _differs(given, recorded) else own
    else:
        own = None
        if run is not None:
            recorded = run.document["problem"]["settings"]
            given = {name: recorded.get(name) for name in ("label", "positive", "task", "sensitive")} | given
        loaded = load_problem(data, **given, seed=request.seed)
    if isinstance(loaded, ImageSet):
        return _limited(image_rows(loaded), request)
    said = "" if own is None else OF_RUN if (request.rows or "test") == "test" else _trained_on(own)
    if loaded.kind == "image":
        rows = problem_image_rows(loaded, request.rows or "test")
        rows = replace(rows, notes=(*rows.notes, *filter(None, [said])), of_run=own is not None)
        return _limited(rows, request)
    in_memory = not isinstance(data, str | Path | Problem)
    which = request.rows or ("test" if own else _which(loaded))
    regrouped = own is not None and own is not loaded and which == "test"  # other groups are split otherwise
    rows = table_rows(loaded, "all" if regrouped else which, read_table(data) if in_memory else None)
    if own is not None and regrouped:
        held_out = np.flatnonzero(np.isin(rows.row, own.splits["test"].rows))
        rows = replace(rows.take(held_out), which="test split")
    said = said or ("" if rows.which == "test split" else "all rows of the file are measured")
    return _limited(replace(rows, notes=(*rows.notes, *filter(None, [said])), of_run=own is not None), request)


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
