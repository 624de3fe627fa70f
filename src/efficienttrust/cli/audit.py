"""The verb `audit`: how trustworthy and how costly an existing model is, as deployed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from efficienttrust.cli._audit_lines import bound_of, reasons, section_lines
from efficienttrust.cli._output import VERDICT_KEYS, print_json
from efficienttrust.cli._tables import interval, print_table, text

SHOWN = ("accuracy", "balanced_accuracy", "auc", "worst_group_accuracy")
GAPS = ("demographic_parity_difference", "equalized_odds_difference")
OF_NUMBERS = ("r2", "mean_absolute_error", "root_mean_squared_error", "mean_outcome_gap", "rmse_gap")
PARTS = ("metrics", "groups", "robustness", "alarms", "corruptions", "ood", "shift", "resources", "ledger")


def audit(
    model: str,
    /,
    *,
    data: str | None = None,
    label: str | None = None,
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    task: str | None = None,
    sensitive: list[str] | None = None,
    weight: str | None = None,
    split_column: str | None = None,
    drop: list[str] | None = None,
    immutable: list[str] | None = None,
    relation: list[str] | None = None,
    use_sensitive_as_input: bool = False,
    suite: str = "standard",
    target: list[str] | None = None,
    eps: str | None = None,
    norm: str = "linf",
    seconds: float | None = None,
    environment: str | None = None,
    ood: list[str] | None = None,
    rows: str | None = None,
    limit: int | None = None,
    inputs: str = "auto",
    weights: Path | None = None,
    trust_pickle: bool = False,
    seed: int = 0,
    out: Path | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    strict: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Measure an existing model as it is deployed, and write a report.

    Exit codes: 0 done, 1 a target was missed and `--strict` was given, 2 wrong usage or input.

    Args:
        model: An .onnx, .joblib, .pkl or .skops file, `module:function` of a torch model, or the folder of a run (which
            brings its data).
        data: A data set by name, your copy of one as `diabetes130:PATH` or `cifar10:PATH`, a .csv, .csv.gz or .parquet
            file, or images as `folder:PATH` or a .npz file.
        label: Column to predict; of a .npz file, the array.
        positive: Value of the label that counts as 1.
        task: What the label is: binary, multiclass, or regression for a number; by default what the label says.
        sensitive: Sensitive columns or arrays, as `sex,age_band`; their intersections are the groups.
        weight: Column of sample weights.
        split_column: Column that says which rows are the test split.
        drop: Columns to leave out.
        immutable: Columns that an attack may not change.
        relation: A relation between numeric columns that an attacked row has to satisfy; may be repeated.
        use_sensitive_as_input: The encoded matrix holds the sensitive columns too.
        suite: quick (the rows as they are, and resources), standard (attacks too) or full (everything).
        target: A target, as `demographic_parity_difference <= 0.05`; may be repeated.
        eps: Radii of attacks, as `0.1,0.25` (standard deviations) or `2/255,8/255` (pixels).
        norm: Norm of attacks, linf or l2.
        seconds: Wall seconds for attacks.
        environment: Column that names the environment of a row, for natural shift.
        ood: Further data that are out of distribution.
        rows: Which rows: test or all; by default the test split where the data have one of their own.
        limit: Measure at most so many rows, drawn at random.
        inputs: How a table of numbers is fed to a foreign model: auto, raw or encoded.
        weights: Parameters of a torch model, a .safetensors file.
        trust_pickle: Load pickles; this runs code from the file.
        seed: Seed of splits, draws and attacks.
        out: Folder of the audit; `audits/NAME` by default.
        overwrite: Replace the folder of an earlier audit.
        show_small_cells: Show figures about fewer than ten people; without it those of clinical data are withheld from
            the report and from what is printed.
        strict: Exit with 1 when a target is missed.
        json: Print one JSON document on stdout instead of the summary.
        quiet: Print no progress.
    """
    from efficienttrust import pipeline

    asked: dict[str, Any] = {
        "suite": suite,
        "targets": target or (),
        "eps": eps,
        "norm": norm,
        "seconds": seconds,
        "environment": environment,
        "ood": _names(ood),
        "rows": rows,
        "limit": limit,
        "seed": seed,
    }
    pipeline.make_audit_request(**asked)  # a misspelt option is reported before torch is loaded
    folder = out or Path("audits") / _name_of(model)
    finished = pipeline.audit(
        model,
        data,
        **asked,
        label=label,
        positive=positive,
        task=task,
        sensitive=_names(sensitive),
        weight=weight,
        split_column=split_column,
        drop=_names(drop),
        immutable=_names(immutable),
        relations=relation or (),
        use_sensitive_as_input=use_sensitive_as_input,
        inputs=inputs,
        weights=weights,
        trust_pickle=trust_pickle,
        out=folder,
        overwrite=overwrite,
        show_small_cells=show_small_cells,
        progress=None if quiet else _say,
    )
    document = pipeline.for_readers(finished.document, show_small_cells=show_small_cells)
    if not quiet:
        for note in document["data"]["notes"]:
            print(f"note: {note}", file=sys.stderr)
    if json:
        print_json(_printed(document, folder))
    else:
        _print_summary(document, folder)
    return int(strict and any(verdict["status"] in {"missed", "infeasible"} for verdict in document["verdicts"]))


def _printed(document: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """Return what `audit --json` prints: the document with verdicts as `fit` prints them and paths of the files."""
    return {
        "model": document["model"],
        "data": document["data"],
        "verdicts": [{key: verdict.get(key) for key in VERDICT_KEYS} for verdict in document["verdicts"]],
        **{part: document[part] for part in PARTS},
        "artifacts": {name: str(folder / path) for name, path in document["artifacts"].items()},
    }


def _print_summary(document: Mapping[str, Any], folder: Path) -> None:
    """Print verdicts, the main figures, a line a section and the alarms; the last line is the path of the report."""
    model, data = document["model"], document["data"]
    print(
        f"{model['source']} on {text(data['n'])} rows of {data['name']} ({data['rows']}); answers: {model['outputs']}"
    )
    verdicts = document["verdicts"]
    if verdicts:
        rows = [(one["target"], _status(one), one["value"], interval(one), bound_of(one), one["n"]) for one in verdicts]
        print_table(["target", "verdict", "value", "interval", "one-sided bound", "n"], rows)
    for one in verdicts:
        print(f"{one['target']}: {one['reason']}")
    shown = [
        entry for name, entry in document["metrics"].items() if name.partition("(")[0] in (*SHOWN, *GAPS, *OF_NUMBERS)
    ]
    print_table(
        ["metric", "value", "interval", "n"],
        [(entry["name"], float(entry["value"]), interval(entry), entry["n"]) for entry in shown],
    )
    for line in (*reasons(shown), *section_lines(document)):
        print(line)
    for alarm in document["alarms"]:
        if alarm["fired"]:
            print(f"alarm {alarm['name']}: {alarm['detail']}")
    print(folder / "report.html")


def _status(verdict: Mapping[str, Any]) -> str:
    return f"{verdict['status']}, {verdict['qualifier']}" if verdict["qualifier"] else str(verdict["status"])


def _name_of(model: str) -> str:
    """Return the name of the default folder: that of the file without suffix, or `package.models.build`."""
    if ":" in model and not Path(model).exists():
        return model.replace(":", ".").replace("/", ".")
    path = Path(model)
    return path.stem if path.suffix else path.name or "audit"


def _names(names: list[str] | None) -> str:
    return ",".join(names or ())


def _say(line: str) -> None:
    print(line, file=sys.stderr)
