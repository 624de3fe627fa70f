"""The verb `audit`: how trustworthy and how costly an existing model is, as deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target, check_targets
from efficienttrust.pipeline._audit_alarms import alarms_about_answers
from efficienttrust.pipeline._audit_check import check_against_rows
from efficienttrust.pipeline._audit_clean import clean_section, predictions_table
from efficienttrust.pipeline._audit_corruptions import corruptions_section
from efficienttrust.pipeline._audit_document import audit_command, audit_document, named
from efficienttrust.pipeline._audit_examination import Examination, Section
from efficienttrust.pipeline._audit_numbers import NO_ALARMS, not_of_numbers
from efficienttrust.pipeline._audit_ood import ood_section
from efficienttrust.pipeline._audit_open import open_model, open_rows, run_of
from efficienttrust.pipeline._audit_request import check_audit_folder, make_audit_request, wrong_units
from efficienttrust.pipeline._audit_resources import resources_section
from efficienttrust.pipeline._audit_result import Audit
from efficienttrust.pipeline._audit_robustness import robustness_section
from efficienttrust.pipeline._audit_shift import shift_section
from efficienttrust.pipeline._audit_verdicts import judge
from efficienttrust.pipeline._session import single_thread
from efficienttrust.resources import Budget, Ledger

Tell = Callable[[str], None]


def audit(
    model: Any,
    data: Any = None,
    *,
    sensitive: str | Sequence[str] = (),
    label: str | None = None,
    positive: object = None,
    task: str | None = None,
    weight: str | None = None,
    split_column: str | None = None,
    drop: str | Sequence[str] = (),
    immutable: str | Sequence[str] = (),
    relations: str | Sequence[str] = (),
    use_sensitive_as_input: bool = False,
    suite: str = "standard",
    targets: Sequence[Target | str] = (),
    eps: float | str | Sequence[float | str] | None = None,
    norm: str = "linf",
    seconds: float | None = None,
    environment: str | None = None,
    ood: str | Sequence[str] = (),
    rows: str | None = None,
    limit: int | None = None,
    inputs: str = "auto",
    weights: Path | str | None = None,
    trust_pickle: bool = False,
    seed: int = 0,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    progress: Tell | None = None,
) -> Audit:
    """Measure an existing model as it is deployed.

    Args:
        model: Path of an ONNX file, of a pickled or skops estimator, `module:function` of a torch model, the folder of
            a run; or a fitted estimator, a `torch.nn.Module`, a `Run`, a function from a frame (or images) to scores
            (of a label that is a number: to predictions).
        data: A bundled name, a table file, images (`cifar10:../data`, `set.npz`), a frame, a `Problem` or an
            `ImageSet`. A run brings its own.
        sensitive: Sensitive columns (or arrays of a `.npz`); several give their intersections.
        label: Label column (or array).
        positive: Value of the label that counts as 1.
        task: `binary`, `multiclass`, or `regression` for a label that is a number; by default what the label says.
        weight: Column of sample weights.
        split_column: Column that says which rows are the test split.
        drop: Columns to leave out.
        immutable: Columns that an attack may not change.
        relations: Relations between numeric columns that an attacked row has to satisfy, as `"income >= loan"`.
        use_sensitive_as_input: The encoded matrix holds the sensitive columns too.
        suite: `quick` (the rows as they are, and resources), `standard` (attacks too) or `full` (everything).
        targets: E.g. `["dpd <= 0.05"]`; each gets a verdict.
        eps: Radii of attacks: in standard deviations for tables, of pixels in [0, 1] for images (`"2/255,8/255"`).
        norm: `linf` or `l2`.
        seconds: Wall seconds for attacks.
        environment: Column that names the environment of a row, for natural shift.
        ood: Further data that are out of distribution.
        rows: `test` or `all`; by default the test split of bundled data, of a run and of a split column, else all.
        limit: Measure at most so many rows, drawn at random.
        inputs: `raw` or `encoded`, where a table of numbers could be fed either way.
        weights: Parameters of a torch model, as safetensors.
        trust_pickle: Load pickles, which runs code from the file.
        seed: Seed of splits, draws and attacks.
        out: Folder for the audit; None keeps it in memory (see `Audit.save`).
        overwrite: Replace an earlier audit in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        progress: Called with a line whenever something begins.

    Raises:
        UsageError: Wrong names or values; a model that cannot be read, or does not fit the data.
    """
    destination = None if out is None else Path(out)
    request = make_audit_request(
        suite=suite, targets=targets, eps=eps, norm=norm, seconds=seconds, seed=seed, environment=environment, ood=ood,
        rows=rows, limit=limit,
    )  # fmt: skip
    check_audit_folder(destination, overwrite=overwrite)
    settings = {
        "label": label, "positive": positive, "task": task, "sensitive": sensitive, "weight": weight,
        "split_column": split_column, "drop": drop, "immutable": immutable, "relations": relations,
        "use_sensitive_as_input": use_sensitive_as_input,
    }  # fmt: skip
    tell = progress or (lambda _line: None)
    ledger = Ledger(Budget())
    with single_thread():
        with ledger.phase("open"):
            tell("opening the data and the model")
            run = run_of(model)
            measured_on = open_rows(data, settings, request, run)
            kept, dropped = check_targets(request.targets, tuple(measured_on.attributes))
            check_against_rows(request, measured_on)
            path = None if weights is None else Path(weights)
            subject = open_model(model, measured_on, run, weights=path, trust_pickle=trust_pickle, inputs=inputs)
        with ledger.phase("answer"):
            tell(f"{subject.name} answers {len(measured_on)} rows")
            exam = Examination(subject, measured_on, subject.answer(measured_on.inputs), request)
        of_numbers = measured_on.task == "regression"
        sections = {name: Section() for name in SECTIONS}
        for name in (name for name in SECTIONS if name in request.sections):
            tell(name)
            with ledger.phase(name):
                try:
                    nothing = not_of_numbers(name) if of_numbers else None
                    sections[name] = nothing or SECTIONS[name](exam)
                except UsageError as error:
                    if all(one.document is None for one in sections.values()):
                        raise  # nothing is lost yet
                    sections[name] = Section(notes=(f"{name} was not measured: {error}",))
        if not sections["robustness"].alarms and not of_numbers:
            sections["robustness"] = replace(sections["robustness"], alarms=alarms_about_answers(exam))
        outcome = exam.outcome(sections.values())
        with ledger.phase("metrics"):
            tell("metrics")
            found, groups = clean_section(outcome, kept, by_class=measured_on.by_class)
            attacked = sections["robustness"]
            fired = [*map(asdict, subject.checks), *attacked.alarms]
            complete = attacked.document is None or bool(attacked.document["complete"])
            verdicts = judge(kept, found, outcome, alarms=fired, complete=complete)
    document = audit_document(
        exam,
        found,
        groups,
        verdicts,
        sections,
        command=audit_command(
            named(model),
            None if data is None else named(data),
            {
                **settings, "suite": suite, "target": [target.text for target in kept],
                "eps": list(request.eps), "norm": None if norm == "linf" else norm, "seconds": seconds,
                "environment": environment, "ood": list(request.ood), "rows": rows, "limit": limit,
                "inputs": None if inputs == "auto" else inputs, "weights": weights, "trust_pickle": trust_pickle,
                "seed": seed or None,
            },
        ),
        warnings=(*wrong_units(request, measured_on.kind), *dropped, *([NO_ALARMS] if of_numbers else [])),
        ledger=ledger.to_dict(),
    )  # fmt: skip
    finished = Audit(document, predictions_table(measured_on, exam.answer, outcome))
    if destination is not None:
        tell("report")
        finished.save(destination, overwrite=overwrite, show_small_cells=show_small_cells)
    return finished


SECTIONS: Mapping[str, Callable[[Examination], Section]] = {
    "robustness": robustness_section,
    "corruptions": corruptions_section,
    "ood": ood_section,
    "shift": shift_section,
    "resources": resources_section,
}
"""Name of a part of audit.json -> what measures it, given model, rows and answers; in the order of running."""
