"""What run.json says of a compression: the chain, both files' figures, and whether it is real."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from efficienttrust.compression import QuantisedScorer
from efficienttrust.data import Problem
from efficienttrust.pipeline._origin import file_of
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._run import Run
from efficienttrust.pipeline.compressing._chain import Chain
from efficienttrust.pipeline.compressing._figures import label, measure_both

METRIC_KEYS = ("value", "low", "high", "n")


def compression_entry(
    problem: Problem, *, before: Run, after: Run, chain: Chain, notes: Sequence[str],
    searched: Mapping[str, Any] | None,
) -> dict[str, Any]:  # fmt: skip
    """Return `document["compression"]` without the comparison of answers.

    Args:
        problem: The problem.
        before: The run that it came from.
        after: The compressed run.
        chain: What was done.
        notes: What a reader must know.
        searched: How the chain was chosen; None where the user gave it.
    """
    runs = (before, after)
    figures = measure_both(
        problem, [file_of(run) for run in runs], [run.scorer for run in runs], [run.content for run in runs]
    )
    for one, run in zip(figures, runs, strict=True):
        one["metrics"] = {key: {name: m.get(name) for name in METRIC_KEYS} for key, m in run.metrics.items()}
    kind, why = label(figures[0], figures[1], chain.texts)
    scorer = after.scorer
    quantisation = None
    if isinstance(scorer, QuantisedScorer):
        quantisation = {"method": scorer.method, "bits": scorer.bits, **scorer.facts}
    told = [note for one in figures for note in one.pop("notes")]
    return {
        "chain": chain.texts,
        "label": kind,
        "why": why,
        "before": figures[0],
        "after": figures[1],
        "quantisation": quantisation,
        "search": searched,
        "notes": [*dict.fromkeys([*notes, *told])],
    }


def command(folder: Path | None, chain: Chain, to: str | None, request: Request) -> str:
    """Return the command line that makes this run again."""
    words = ["efficienttrust", "compress", "RUN" if folder is None else str(folder)]
    if to is not None:
        words += ["--to", to]
    else:
        for verb, text in chain.words:
            words += [f"--{verb}", text]
    if to is not None or request.asked.time != chain.time():
        words += ["--budget", str(request.asked)] if str(request.asked) else []
    for target in request.targets:
        words += ["--target", target.text]
    return shlex.join([*words, "--policy", request.policy_text, "--seed", str(request.seed)])
