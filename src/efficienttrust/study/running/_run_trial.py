"""One trial, in this process: from its settings to its outcome."""

from __future__ import annotations

import hashlib
import os
import pickle
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.study._trial import Outcome, canonical

if TYPE_CHECKING:
    from efficienttrust.data import Problem
    from efficienttrust.pipeline.methods import MethodResult
    from efficienttrust.pipeline.spec import FitSpec

FIT = "fit"
CACHE_BYTES = 2_000_000_000
"""Of prepared data that a cache holds at most; what does not fit is prepared again."""


def run_trial(settings: Mapping[str, Any], *, cache: Path | None = None) -> Outcome:
    """Run one trial and return what it came to; no exception leaves it.

    On the clocks of steps, samples and FLOPs the same settings give the same figures, bit for bit, but for those of
    clocks and memory (`cost.time_*`, `cost.memory`, `cost.latency`, `cost.throughput`) and circumstances (`run.*`).

    Args:
        settings: The keys of the YAML file of `fit` (see `pipeline.spec`), and `method` (a name in `pipeline.methods`,
            or `fit`), `threads` (1) and `measure` (`{"latency": true}` keeps latency and throughput).
        cache: Folder in which prepared tables are kept for the next trial on them; written by trials alone.
    """
    try:
        plain = dict(settings)
        method, threads = plain.pop("method", FIT), plain.pop("threads", 1)
        latency = bool(plain.pop("measure", {}).get("latency", False))
        if threads != 1:
            raise UsageError(
                f"threads {threads}: a trial runs in one thread, so that sums come out in one order; use 1"
            )
        spec = _spec_of(plain)
        problem = _problem_of(spec, cache)
        result = _fitted(problem, spec) if method == FIT else _by_method(method, problem, spec)
        from efficienttrust.study.running._figures import outcome_of

        return outcome_of(result, problem, latency=latency)
    except InfeasibleError as error:
        return Outcome("infeasible", reason=_line(error))
    except Exception as error:
        return Outcome("failed", reason=f"{type(error).__name__}: {_line(error)}", traceback=traceback.format_exc())


def _spec_of(settings: Mapping[str, Any]) -> FitSpec:
    from efficienttrust.pipeline.spec import fit_spec

    data = {name: value for name, value in settings["data"].items() if value is not None}
    own = {name: value for name, value in settings.items() if name != "data"}
    known = {*_names_of("FitSpec")}
    if unknown := sorted({*own} - known):
        raise UsageError(f"unknown settings: {', '.join(unknown)}")
    if unknown := sorted({*data} - {*_names_of("DataSpec")}):
        raise UsageError(f"unknown settings of data: {', '.join(unknown)}")
    return fit_spec({**own, **data})


def _names_of(model: str) -> list[str]:
    from efficienttrust.pipeline import spec

    return list(getattr(spec, model).model_fields)


def _problem_of(spec: FitSpec, cache: Path | None) -> Problem:
    """Load the data, or what an earlier trial prepared of them; the budget is charged the first preparation."""
    from efficienttrust.pipeline import load_data

    what = {"data": spec.data.model_dump(mode="json"), "seed": spec.data_seed}
    kept = None if cache is None else cache / f"{hashlib.sha256(canonical(what).encode()).hexdigest()}.pickle"
    if kept is not None and kept.exists():
        with kept.open("rb") as file:
            found: Problem = pickle.load(file)
        return found
    problem = load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    if kept is not None and problem.kind == "table":
        _keep(problem, kept)
    return problem


def _keep(problem: Problem, file: Path) -> None:
    content = pickle.dumps(problem, protocol=5)
    if len(content) + sum(one.stat().st_size for one in file.parent.glob("*.pickle")) > CACHE_BYTES:
        return
    partial = file.with_suffix(f".{os.getpid()}")
    try:
        partial.write_bytes(content)
        os.replace(partial, file)
    except OSError:  # the disk is full: the next trial prepares the data again
        partial.unlink(missing_ok=True)


def _fitted(problem: Problem, spec: FitSpec) -> MethodResult:
    from efficienttrust.pipeline import fit
    from efficienttrust.pipeline.methods import MethodResult
    from efficienttrust.resources import Budget

    run = fit(problem, **spec.training())
    time = run.ledger["time"]
    asked = Budget.parse(spec.budget_text)
    return MethodResult(FIT, spec.seed, asked, run, time["clock"], float(time["used"]), f"policy {spec.policy}")


def _by_method(method: str, problem: Problem, spec: FitSpec) -> MethodResult:
    from efficienttrust.pipeline.methods import run_method

    chosen = {"policy": "policy", "trainer": "trainer", "use_groups_at_prediction": "use of groups at prediction"}
    for name, said in chosen.items():
        if getattr(spec, name) != type(spec).model_fields[name].default:
            raise UsageError(f"method {method} chooses its own {said}: leave out {getattr(spec, name)}")
    training = spec.training()
    return run_method(
        method,
        problem,
        budget=training["budget"],
        targets=training["targets"],
        seed=training["seed"],
        model=training["model"],
        settings=training["settings"],
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
