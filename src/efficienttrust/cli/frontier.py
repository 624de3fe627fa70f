"""The verb `frontier`: what can be had for what, from one training; and from where to deploy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from efficienttrust.cli._data_options import NO_DATA_OPTIONS, DataOptions
from efficienttrust.cli._interrupt import stop_on_interrupt
from efficienttrust.cli._output import print_json
from efficienttrust.cli._progress import progress_display
from efficienttrust.cli._tables import interval, print_table, text


def frontier(
    source: str,
    /,
    *,
    data: DataOptions = NO_DATA_OPTIONS,
    budget: str | None = None,
    axis: list[str] | None = None,
    points: int | None = None,
    policy: str | None = None,
    model: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    compile: str | None = None,
    augment: str | None = None,
    seed: int | None = None,
    split_seed: int | None = None,
    use_groups_at_prediction: bool | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Train one network for all settings of its dials, and measure the curve of what it can be made to do.

    Prints the points to pick from; `efficienttrust fit --from FOLDER --target ...` deploys one without training again.
    Exit codes: 0 done, 2 wrong usage or input, 3 infeasible, 130 interrupted (nothing is kept).

    Args:
        source: A data set by name (see `efficienttrust data list`), your copy of one as `diabetes130:PATH` or
            `cifar10:PATH`, a .csv, .csv.gz or .parquet file, or images as `folder:PATH`.
        data: What the columns of the data mean.
        budget: Limits, as `time=60s` or `time=20s cpu, size=300kB`.
        axis: What is traded for utility, as `dpd` or `robust_accuracy(pgd, eps=0.1)`; may be repeated, once for each
            kind. By default a gap where there are groups, and accuracy under attack where something can be attacked.
        points: Points kept, at most; 20 by default.
        policy: Who steers the training; by default conditional, all over the range of the dials. With one that is not
            conditional, as plan, the points are those of its candidates, and none can be deployed from the curve.
        model: The network by name with options, or your own as `module:function`; by default mlp for tables and
            resnet8 for images.
        device: Where networks other than mlp are trained: auto (a GPU when there is one), cpu, cuda or cuda:1.
        precision: Of their training: fp32, bf16, fp16, or auto: bf16 for images where the hardware multiplies it.
        compile: Whether training goes through `torch.compile`: on, off, or auto, which is on a GPU where it pays.
        augment: Strength of augmentations of images, as `crop=1, flip=0.5`; `none` for none.
        seed: Seed of the split and of the training; 0 by default.
        split_seed: Seed of the split, where curves of several seeds shall share one.
        use_groups_at_prediction: Let the models use the sensitive columns for group thresholds.
        out: Folder of the curve; `frontiers/NAME` by default.
        overwrite: Replace the folder of an earlier curve.
        show_small_cells: Show figures about fewer than ten people; without it those of clinical data are withheld from
            the page, the table and from what is printed.
        json: Print one JSON document on stdout instead of the table.
        quiet: Print no progress.
    """
    from efficienttrust.pipeline.spec import fit_spec

    spec = fit_spec(
        {
            "source": source,
            **data.values(),
            "budget": budget,
            "policy": policy,
            "model": model,
            "device": device,
            "precision": precision,
            "compile": compile,
            "augment": augment,
            "seed": seed,
            "split_seed": split_seed,
            "use_groups_at_prediction": use_groups_at_prediction,
        }
    )

    from efficienttrust import pipeline

    problem = pipeline.load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    if not quiet:
        for note in pipeline.notes_for_readers(problem, show_small_cells=show_small_cells):
            print(f"note: {note}", file=sys.stderr)
    folder = out or Path("frontiers") / problem.name
    from efficienttrust.pipeline.frontier import frontier as make

    told = show_small_cells or problem.card is None or not problem.card.clinical
    asked = spec.training()
    chosen = {name: asked[name] for name in ("budget", "model", "settings", "seed", "use_groups_at_prediction")}
    chosen |= {} if policy is None else {"policy": policy}
    chosen |= {} if points is None else {"points": points}
    with stop_on_interrupt(), progress_display(quiet=quiet, compare_groups=told) as progress:
        made = make(
            problem,
            axes=axis or (),
            **chosen,
            out=folder,
            overwrite=overwrite,
            show_small_cells=show_small_cells,
            progress=progress,
        )
    shown = pipeline.frontier_for_readers(made.document, show_small_cells=show_small_cells)
    if json:
        print_json(frontier_document(shown, folder))
    else:
        print_frontier(shown, folder)
    return 0


def frontier_document(document: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """Return what `frontier --json` prints: the axes, the points, the ledger and the paths of the artefacts."""
    from efficienttrust.pipeline.frontier import FILES

    kept = ("axes", "points", "ledger", "fallbacks", "command")
    return {
        **{name: document[name] for name in kept},
        "artifacts": {name: str(folder / path) for name, path in FILES.items()},
    }


def print_frontier(document: Mapping[str, Any], folder: Path) -> None:
    """Print the points to pick from, how to deploy one, and what was spent; the last line is the path of the page."""
    from efficienttrust.report import suggested_command

    points = document["points"]
    if points:
        keys = list(points[0]["test"])
        dials = list(dict.fromkeys(dial for one in points for dial in one["setting"] or {}))
        rows = [
            (
                one["name"],
                *(_value(one["test"][key]) for key in keys),
                *((one["setting"] or {}).get(dial) for dial in dials),
            )
            for one in points
        ]
        print_table(["point", *keys, *dials], rows, title="on test, 95 % intervals")
    else:
        print("no point: the budget ended before a model had a decision rule")
    if suggested := suggested_command(document, str(folder)):
        print(f"to deploy a model near {suggested[0]}: {suggested[1]}")
    elif points:
        print("the policy leaves no network of all settings, so nothing can be deployed from this curve")
    time = document["ledger"]["time"]
    limit = "" if time["asked"] is None else f" of {text(time['asked'])}"
    print(f"time ({time['clock']}): {text(time['used'])}{limit}")
    for fallback in document["fallbacks"]:
        print(f"note: {fallback}")
    print(folder / "report.html")


def _value(measured: Mapping[str, Any]) -> str:
    """Return a value with its interval; what is withheld is said so."""
    if str(measured.get("note") or "").startswith("withheld"):
        return "withheld"
    shown = text(float(measured["value"]))
    return shown if interval(measured) == "-" else f"{float(measured['value']):.3f} {interval(measured)}"
