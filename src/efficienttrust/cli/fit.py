"""The verb `fit`: the best model for a table under a budget and targets, as a deployable file with proof."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from efficienttrust.cli._data_options import NO_DATA_OPTIONS, DataOptions
from efficienttrust.cli._interrupt import stop_on_interrupt
from efficienttrust.cli._output import fit_document, print_failures, print_json, print_summary
from efficienttrust.cli._progress import progress_display
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.pipeline import Run
    from efficienttrust.pipeline.spec import FitSpec

SINGULAR = {"relations": "relation", "limitations": "limitation", "levels": "level"}
"""Names of a spec whose option is given once for each text."""


def fit(
    source: str | None = None,
    /,
    *,
    data: DataOptions = NO_DATA_OPTIONS,
    budget: str | None = None,
    target: list[str] | None = None,
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
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
    baseline: str | None = None,
    level: list[str] | None = None,
    seed: int | None = None,
    split_seed: int | None = None,
    use_groups_at_prediction: bool | None = None,
    force: bool | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    strict: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train a model under a budget, check every target on the deployed file, and write a report.

    Options given together with a YAML file replace what the file says. Exit codes: 0 done, 1 a target was missed and
    `--strict` was given, or the limit on memory was exceeded, 2 wrong usage or input, 3 infeasible: the arithmetic of
    the budget or a rigorous bound excludes it (see `efficienttrust limits`), 130 interrupted (the state is saved; run
    the same command again to continue).

    Args:
        source: A data set by name (see `efficienttrust data list`), your copy of one as `diabetes130:PATH` or
            `cifar10:PATH`, a .csv, .csv.gz or .parquet file, images as `folder:PATH`, or a .yaml file that states
            everything. Left out with `--from`.
        data: What the columns of the data mean.
        budget: Limits, as `time=20s cpu, size=300kB`.
        target: A target, as `demographic_parity_difference <= 0.05`; may be repeated.
        from_: Folder of a curve of `efficienttrust frontier`, from which a model is deployed without training again, in
            place of a source.
        policy: Who steers the training: plan (the default), rule, pid, dual, rl, conditional, or static with
            any dials, as `static(lambda_fair=1, trades=6)`.
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
        baseline: Folder of a finished run of fit: what is not given is as it was there, and levels are shares of it.
        level: A share of what the baseline used, as `time=50%`; may be repeated.
        seed: Seed of the split and of the training; 0 by default.
        split_seed: Seed of the split, where runs of several seeds shall share one.
        use_groups_at_prediction: Let the deployed model use the sensitive columns for group thresholds.
        force: Train even towards a target that a rigorous bound excludes.
        out: Folder of the run; `runs/NAME` by default.
        overwrite: Replace the folder of an earlier run.
        show_small_cells: Show figures about fewer than ten people; without it those of clinical data are withheld from
            the report and from what is printed.
        strict: Exit with 1 when a target is missed.
        json: Print one JSON document on stdout instead of the summary.
        quiet: Print no progress.
    """
    training = {
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
        "baseline": baseline,
        "levels": level,
        "seed": seed,
        "split_seed": split_seed,
        "use_groups_at_prediction": use_groups_at_prediction,
    }
    if from_ is not None:
        _refuse_with_curve({"source": source, **data.values(), **training, "force": force})
        run, folder = _deployed(from_, target or (), budget, out, overwrite, show_small_cells, quiet)
    elif source is None:
        raise UsageError(
            "fit needs a SOURCE to learn from, as `efficienttrust fit adult`, or a curve with --from FOLDER"
        )
    else:
        is_file = Path(source).suffix.lower() in {".yaml", ".yml"}
        asked = {"source": None if is_file else source, **data.values(), **training}
        from efficienttrust.pipeline.spec import fit_spec

        spec = fit_spec({**asked, "budget": budget, "targets": target}, file=Path(source) if is_file else None)
        run, folder = _trained(spec, out, overwrite, show_small_cells, quiet, force=bool(force))
    from efficienttrust import pipeline

    shown = pipeline.for_readers(run.document, show_small_cells=show_small_cells)
    if json:
        print_json(fit_document(shown, folder))
    else:
        print_summary(shown, folder)
    print_failures(run.failed)
    missed = any(verdict.status in {"missed", "infeasible"} for verdict in run.verdicts)
    return int(bool(run.failed) or (strict and missed))


def _trained(
    spec: FitSpec, out: Path | None, overwrite: bool, show_small_cells: bool, quiet: bool, *, force: bool
) -> tuple[Run, Path]:
    """Train what a spec asks for; return the run and its folder."""
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
            force=force,
            out=folder,
            overwrite=overwrite,
            show_small_cells=show_small_cells,
            progress=progress,
            constraints=record,
        )
    return run, folder


def _deployed(
    curve: Path, targets: Sequence[str], budget: str | None, out: Path | None, overwrite: bool, show_small_cells: bool,
    quiet: bool,
) -> tuple[Run, Path]:  # fmt: skip
    """Deploy a model from a curve; return the run and its folder."""
    from efficienttrust import pipeline

    recorded = pipeline.load_frontier(curve).document["problem"]
    folder = out or Path("runs") / recorded["name"]
    told = show_small_cells or not recorded["clinical"]
    with stop_on_interrupt(), progress_display(quiet=quiet, compare_groups=told) as progress:
        run = pipeline.deploy(
            curve,
            targets=targets,
            budget=budget,
            out=folder,
            overwrite=overwrite,
            show_small_cells=show_small_cells,
            progress=progress,
        )
    return run, folder


def _refuse_with_curve(options: Mapping[str, object]) -> None:
    """Refuse what a model of a curve cannot follow any more.

    Raises:
        UsageError: Something of the data or of the training is asked for.
    """
    given = [name for name, value in options.items() if value is not None]
    if not given:
        return
    if "source" in given:
        raise UsageError(f"--from has its data on record: leave out {options['source']}")
    named = ", ".join(f"--{SINGULAR.get(name, name).replace('_', '-')}" for name in given)
    raise UsageError(f"{named}: settled when the curve was made; leave out with --from, or make another curve")
