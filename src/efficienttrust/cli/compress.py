"""The verb `compress`: a smaller or faster model from a run, deployed and proved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from efficienttrust.cli._interrupt import stop_on_interrupt
from efficienttrust.cli._output import fit_document, print_compression, print_failures, print_json, print_summary
from efficienttrust.cli._progress import progress_display
from efficienttrust.errors import UsageError


def _in_order(_type: Any, tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Keep the order in which steps of several kinds were given."""
    return [((token.keyword or "").lstrip("-"), token.value) for token in tokens]


def compress(
    run: Path,
    /,
    *,
    step: Annotated[
        list[tuple[str, str]] | None,
        Parameter(name=["--prune", "--quantize", "--distil", "--recover"], converter=_in_order, n_tokens=1),
    ] = None,
    to: str | None = None,
    budget: str | None = None,
    target: list[str] | None = None,
    policy: str | None = None,
    dense: list[Path] | None = None,
    seed: int | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    strict: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Compress the network of a run; measure on the deployed file what that did, and to whom.

    Steps are applied in the order in which they are given. What recovers after `--quantize` trains with rounded
    weights; before it, the trained weights are rounded. Exit codes: 0 done, 1 a target was missed or a limit exceeded
    and `--strict` was given, or more memory was held than allowed, 2 wrong usage or input, 3 limits that
    nothing can meet.

    Args:
        run: Folder of a run of a network.
        step: A step; may be repeated, in order. `--prune METHOD:SHARE`: magnitude, layerwise, structured, random,
            gradual or iterative. `--quantize METHOD`: int8, int8_dynamic, int8_static, int4 or weights:BITS.
            `--distil "STUDENT, alpha=0.5, temperature=2"`: learn from the network as it is; the student is a network as
            `mlp(widths=32)`, or the compressed network itself. `--recover 5s`: train what there is.
        to: Limits to meet, as `size=60kB, latency=0.2ms`, in place of steps, which are then chosen.
        budget: What it may cost, as `time=30s cpu`; by default what the recoveries take, and 30 s with `--to`.
        target: A target, as `demographic_parity_difference <= 0.05`; by default those of the run.
        policy: Who steers the recoveries; by default the policy of the run.
        dense: A further run of the same data with another seed, for the ensemble that exemplars are judged by; may be
            repeated.
        seed: Seed of everything random; by default that of the run.
        out: Folder of the new run; `RUN-compressed` by default.
        overwrite: Replace the folder of an earlier run.
        show_small_cells: Show figures about fewer than ten people.
        strict: Exit with 1 when a target is missed or a limit exceeded.
        json: Print one JSON document on stdout instead of the summary.
        quiet: Print no progress.
    """
    if not step and to is None:
        raise UsageError(
            "compress: say what to do with --prune, --quantize, --distil or --recover, or what to meet with --to"
        )

    from efficienttrust import pipeline

    folder = out or run.with_name(f"{run.name}-compressed")
    work = pipeline.compress
    with stop_on_interrupt(), progress_display(quiet=quiet, compare_groups=show_small_cells) as progress:
        made = work(
            run,
            step or (),
            to=to,
            budget=budget,
            targets=target,
            policy=policy,
            dense=tuple(dense or ()),
            seed=seed,
            out=folder,
            overwrite=overwrite,
            show_small_cells=show_small_cells,
            progress=progress,
        )
    shown = pipeline.for_readers(made.document, show_small_cells=show_small_cells)
    if json:
        print_json({**fit_document(shown, folder), "compression": shown["compression"]})
    else:
        print_compression(shown)
        print_summary(shown, folder)
    exceeded = [name for name, entry in made.ledger.items() if name != "time" and (entry or {}).get("overrun")]
    for name in (one for one in exceeded if one != "memory" and not quiet):
        print(f"note: the limit on {name} is exceeded", file=sys.stderr)
    missed = any(verdict.status in {"missed", "infeasible"} for verdict in made.verdicts)
    print_failures(made.failed)
    return int(bool(made.failed) or (strict and (missed or bool(exceeded))))
