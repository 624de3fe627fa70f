"""The verb `fit`: the best model for a table under a budget and targets, as a deployable file with proof."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from efficienttrust.cli._interrupt import stop_on_interrupt
from efficienttrust.cli._output import fit_document, print_failures, print_json, print_summary
from efficienttrust.cli._progress import progress_display


def fit(
    source: str,
    /,
    *,
    label: str | None = None,
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    task: str | None = None,
    sensitive: list[str] | None = None,
    weight: str | None = None,
    split_column: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    immutable: list[str] | None = None,
    relation: list[str] | None = None,
    drop: list[str] | None = None,
    use_sensitive_as_input: bool | None = None,
    budget: str | None = None,
    target: list[str] | None = None,
    policy: str | None = None,
    model: str | None = None,
    trainer: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    compile: str | None = None,
    augment: str | None = None,
    distil: float | None = None,
    prune: str | None = None,
    quantize: str | None = None,
    limit: int | None = None,
    resolution: int | None = None,
    limitation: list[str] | None = None,
    baseline: str | None = None,
    level: list[str] | None = None,
    seed: int | None = None,
    split_seed: int | None = None,
    use_groups_at_prediction: bool | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    strict: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train a model under a budget, check every target on the deployed file, and write a report.

    Options given together with a YAML file replace what the file says. Exit codes: 0 done, 1 a target was missed and
    `--strict` was given, or the limit on memory was exceeded, 2 wrong usage or input, 3 infeasible, 130 interrupted
    (the state is saved; run the same command again to continue).

    Args:
        source: A data set by name (see `efficienttrust data list`), your copy of one as `diabetes130:PATH` or
            `cifar10:PATH`, a .csv, .csv.gz or .parquet file, images as `folder:PATH`, or a .yaml file that states
            everything.
        label: Column to predict.
        positive: Value of the label that counts as 1.
        task: What is learned: binary, multiclass, or regression for a number; by default what the label says.
        sensitive: Sensitive columns, as `sex,age_band`; their intersections are the groups.
        weight: Column of sample weights.
        split_column: Column that says train, monitor, calibrate, certify or test for every row.
        unit: Column whose equal values are never divided between splits, such as a patient.
        time: Column that orders the rows: oldest in train, newest in test.
        immutable: Columns that a perturbation may not change.
        relation: A relation between numeric columns that a perturbed row has to satisfy, as
            `capital_gain >= capital_loss`; may be repeated.
        drop: Columns to leave out.
        use_sensitive_as_input: Let the model read the sensitive columns as inputs.
        budget: Limits, as `time=20s cpu, size=300kB, latency=2ms`.
        target: A target, as `demographic_parity_difference <= 0.05`; may be repeated.
        policy: Who steers the training: plan (the default), pid, rule or static.
        model: What is trained: a network by name with options, as `resnet20(width=0.5)`, your own as `module:function`,
            trees, lightgbm, or auto, which tries several; by default mlp for tables and resnet8 for images.
        trainer: Family of what is trained: network (the default), trees, lightgbm or auto; `--model` says it too.
        device: Where networks other than mlp are trained: auto (a GPU when there is one), cpu, cuda or cuda:1.
        precision: Of their training: fp32, bf16, fp16, or auto: bf16 for images where the hardware multiplies it.
        compile: Whether training goes through `torch.compile`: on, off, or auto, which is on a GPU where it pays.
        augment: Strength of augmentations of images, as `crop=1, flip=0.5`; `none` for none.
        distil: Share of a network's loss, 0 to 1, on the probabilities of boosted trees that are trained first.
        prune: A pruning while training, as `gradual:0.8`, which leaves a fifth of the weights.
        quantize: How the deployed network is quantised: int8, int8_dynamic, int4, weights:BITS, none, or auto, which is
            int8 where that lets a wider network meet a limit on size or latency.
        limit: Use at most so many images, drawn at random.
        resolution: Average images over areas until their shorter side has so many pixels.
        limitation: What the data shall lack, as `label_noise(0.2)` or `fewer_rows(0.5)`; may be repeated.
        baseline: Folder of a finished run of fit: what is not given is as it was there, and levels are shares of it.
        level: A share of what the baseline used, as `time=50%`; may be repeated.
        seed: Seed of the split and of the training; 0 by default.
        split_seed: Seed of the split, where runs of several seeds shall share one.
        use_groups_at_prediction: Let the deployed model use the sensitive columns for group thresholds.
        out: Folder of the run; `runs/NAME` by default.
        overwrite: Replace the folder of an earlier run.
        show_small_cells: Show figures about fewer than ten people; without it those of clinical data are withheld from
            the report and from what is printed.
        strict: Exit with 1 when a target is missed.
        json: Print one JSON document on stdout instead of the summary.
        quiet: Print no progress.
    """
    from efficienttrust.pipeline.spec import fit_spec

    is_file = Path(source).suffix.lower() in {".yaml", ".yml"}
    spec = fit_spec(
        {
            "source": None if is_file else source,
            "label": label,
            "positive": positive,
            "task": task,
            "sensitive": _joined(sensitive),
            "weight": weight,
            "split_column": split_column,
            "unit": unit,
            "time": time,
            "immutable": _joined(immutable),
            "relations": relation,
            "drop": _joined(drop),
            "use_sensitive_as_input": use_sensitive_as_input,
            "budget": budget,
            "targets": target,
            "policy": policy,
            "model": model,
            "trainer": trainer,
            "device": device,
            "precision": precision,
            "compile": compile,
            "augment": augment,
            "distil": distil,
            "prune": prune,
            "quantize": quantize,
            "limit": limit,
            "resolution": resolution,
            "limitations": limitation,
            "baseline": baseline,
            "levels": level,
            "seed": seed,
            "split_seed": split_seed,
            "use_groups_at_prediction": use_groups_at_prediction,
        },
        file=Path(source) if is_file else None,
    )

    from efficienttrust import pipeline

    quiet = quiet or int(os.environ.get("RANK", "0")) > 0  # under torchrun one process speaks
    record = None
    if spec.baseline is None:
        problem = pipeline.load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    else:
        at_levels = pipeline.constrained(spec)
        spec, problem, record = at_levels.spec, at_levels.problem, at_levels.record
    if not quiet:
        for note in pipeline.notes_for_readers(problem, show_small_cells=show_small_cells):
            print(f"note: {note}", file=sys.stderr)
    folder = out or Path("runs") / problem.name
    train = pipeline.fit  # loads the libraries now: a Ctrl-C meanwhile ends the process, as there is nothing to save
    told = show_small_cells or problem.card is None or not problem.card.clinical
    with stop_on_interrupt(), progress_display(quiet=quiet, compare_groups=told) as progress:
        run = train(
            problem,
            **spec.training(),
            out=folder,
            overwrite=overwrite,
            show_small_cells=show_small_cells,
            progress=progress,
            constraints=record,
        )
    shown = pipeline.for_readers(run.document, show_small_cells=show_small_cells)
    if json:
        print_json(fit_document(shown, folder))
    else:
        print_summary(shown, folder)
    print_failures(run.failed)
    missed = any(verdict.status in {"missed", "infeasible"} for verdict in run.verdicts)
    return int(bool(run.failed) or (strict and missed))


def _joined(names: list[str] | None) -> str | None:
    return None if names is None else ",".join(names)
