"""The verb `fit`: the best model for the data under a budget and targets, as a deployable file with proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from efficienttrust.atats import DecisionRecord, Policy
from efficienttrust.compression import ModuleScorer, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.choice import Choice, choose, rows_scored
from efficienttrust.evaluation.proof import Proof
from efficienttrust.evaluation.rule_data import Calibrated
from efficienttrust.evaluation.suite import File
from efficienttrust.evaluation.targets import Target
from efficienttrust.models.counting import count_flops
from efficienttrust.pipeline._capacity import Capacity, choose_each, choose_width, choose_widths
from efficienttrust.pipeline._claim import claimed, working_folder
from efficienttrust.pipeline._document import export_metadata, make_document
from efficienttrust.pipeline._file import export_file, open_file, rows_per_second, single_row_call
from efficienttrust.pipeline._progress import ProgressEvent
from efficienttrust.pipeline._request import Request, check_destination, make_request
from efficienttrust.pipeline._room import Room
from efficienttrust.pipeline._run import Run, frame_of
from efficienttrust.pipeline._session import single_thread, warm_up
from efficienttrust.pipeline._together import help_to_prove, prove_together
from efficienttrust.resources import Budget, Ledger, measure_latency
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES
from efficienttrust.training import Candidates, Settings, TrainingTask, clear_stop, lever_of, trainers
from efficienttrust.training._distributed import Team, rank, team_of
from efficienttrust.training._team_step import follow

DECISION_COLUMNS = tuple(field.name for field in fields(DecisionRecord))
HISTORY_COLUMNS = ("step", "progress", "used", "accuracy")

PRUDENCE = 1.3  # on the predicted cost of a calibration

Progress = Callable[[ProgressEvent], None]


def fit(
    problem: Problem,
    *,
    budget: Budget | str,
    targets: Sequence[Target | str],
    policy: Policy | str = "plan",
    trainer: str = "network",
    model: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    use_groups_at_prediction: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train the most trustworthy model that the budget buys, and prove what was delivered.

    Everything from loading the data to the exported file is charged to the budget; importing libraries and the final
    evaluation are not. With `out`, the state is saved while training: after a kill, the same call goes on from there.

    Started by `torchrun`, the processes share every batch of a network; the call returns in process 0 alone, which also
    writes: the others end in it (SystemExit) when training and attacks are over.

    Args:
        problem: From `load_problem` or `load_image_problem`.
        budget: E.g. `"time=20s cpu, size=300kB, latency=2ms"`.
        targets: E.g. `["dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80"]`; may be empty.
        policy: Name of a policy, with options in parentheses, or a policy of your own.
        trainer: `network`, `trees`, `lightgbm` or `auto`.
        model: What is trained: a network by name with options, such as `resnet20(width=0.5)`, `module:function` of your
            own, or the name of another trainer, as `auto`, which tries several and lets the targets decide; by default
            `mlp` for tables and `resnet8` for images.
        settings: Device, precision and augmentation of networks other than `mlp`.
        seed: Seed of everything random in training. (The split has its own: `load_problem(seed=…)`.)
        out: Folder for the run; None keeps it in memory (see `Run.save`).
        overwrite: Replace an earlier run in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        use_groups_at_prediction: Let the deployed model read the sensitive columns. Off: it is attribute-blind.
        progress: Called with signs of life.

    Raises:
        UsageError: Wrong names, values, or a folder that cannot be used.
        InfeasibleError: The arithmetic of the budget excludes what was asked.
        RunInterrupted: A stop was requested; the state is saved.
    """
    destination = None if out is None else Path(out)
    request = make_request(
        problem,
        budget=budget,
        targets=targets,
        policy=policy,
        trainer=trainer,
        model=model,
        settings=settings or Settings(),
        seed=seed,
        aware=use_groups_at_prediction,
    )
    if rank() == 0:
        check_destination(destination, overwrite=overwrite)
    clear_stop()
    warm_up(
        exporter=request.network != "mlp" or request.trainer == "auto" or problem.kind == "image",
        trees=request.trainer in ("lightgbm", "auto") or request.settings.distil > 0,
    )
    with (
        claimed(destination if rank() == 0 else None),
        single_thread(),
        team_of(request.identity(problem), problem.preparation) as team,
    ):
        if team is not None and team.share.rank > 0:
            follow(problem, _task(request, problem, request.options), team)
            help_to_prove(problem, request, team)
            raise SystemExit(0)
        ledger = Ledger(request.budget, clock_override=None if team is None else team.clocks())
        tell = _Tell(progress, ledger)
        ledger.add_prior("data", **(problem.preparation if team is None else team.preparation))
        capacity = _capacity(problem, request, ledger)
        candidates = _train(problem, request, ledger, capacity, destination, tell)
        if team is not None:
            team.leave()
        choice, tried = _calibrate(problem, request, ledger, candidates, capacity, tell)
        content = _export(problem, request, ledger, candidates, choice, tell)
        ledger.close()
        file = _measure(problem, request, ledger, content, tell)
        proof = _prove(problem, request, ledger, content, file, candidates, choice, team, tell)
        document = make_document(problem, request, ledger, capacity, candidates, choice, tried, file, proof)
        run = Run(
            document=document,
            content=content,
            scorer=candidates.members[choice.index].scorer,
            decision=choice.decision,
            predictions=proof.predictions,
            history=frame_of(candidates.history, HISTORY_COLUMNS),
            decisions=frame_of(candidates.decisions, DECISION_COLUMNS),
        )
        if destination is not None:
            tell("report")
            run.save(destination, overwrite=overwrite, show_small_cells=show_small_cells)
    return run


def _capacity(problem: Problem, request: Request, ledger: Ledger) -> Capacity:
    room = _room(problem, request)
    if request.trainer == "auto":
        return choose_each(room, ledger, seed=request.seed)
    if request.trainer != "network":
        return Capacity({}, "trees have no width; they grow until a limit is reached", 0.0)
    if request.network != "mlp" or problem.task != "binary" or request.options:
        return choose_width(room, ledger, network=request.network, options=request.options, seed=request.seed)
    return choose_widths(room, ledger, seed=request.seed)


def _room(problem: Problem, request: Request) -> Room:
    head = any(lever_of(target, problem.task) == "fairness" for target in request.targets)
    return Room(problem, request.budget, request.aware, head, export_metadata(problem, request))


def _train(
    problem: Problem, request: Request, ledger: Ledger, capacity: Capacity, out: Path | None, tell: _Tell
) -> Candidates:
    tell("train")
    task = replace(
        _task(request, problem, capacity.options),
        exceeded=None if request.trainer == "network" else _room(problem, request).exceeded,
        export_cost=capacity.export_cost,
        checkpoint=None if out is None else working_folder(out) / "checkpoint.pt",
        on_progress=lambda step, metrics, action: tell("train", step, metrics, action),
    )
    return trainers.get(request.trainer)(task).fit(problem, ledger, request.policy)


def _task(request: Request, problem: Problem, options: Mapping[str, Any]) -> TrainingTask:
    return TrainingTask(
        targets=request.targets,
        seed=request.seed,
        aware=request.aware,
        network=request.network,
        options=options,
        settings=request.settings,
        identity=request.identity(problem),
    )


def _calibrate(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, capacity: Capacity, tell: _Tell
) -> tuple[Choice, list[Calibrated | None]]:
    tell("calibrate")
    passes, members = rows_scored(problem, request.targets, SHORT_PASSES), candidates.members
    full = [_flops_per_row(member.scorer) * passes for member in members]
    limited = ledger.clock in ("wall", "cpu", "flops") and math.isfinite(ledger.limit)
    dearest, last = 0.0, ledger.used()

    def affordable(index: int) -> float:
        nonlocal dearest, last
        now = ledger.used()
        dearest, last = max(dearest, now - last) if index else 0.0, now
        if not limited:
            return 1.0
        left = ledger.remaining() - 2.0 * max(capacity.export_cost, candidates.export_cost)
        predicted = members[index].calibration_cost if index else candidates.calibration_cost
        need = PRUDENCE * (dearest if predicted is None else predicted)
        if ledger.clock == "flops":  # counted once, at the end
            need = sum(full[: index + 1])
        share = left / need if need > 0 else 1.0
        return share if index == 0 or predicted is not None else float(share >= 1.0)

    with ledger.phase("calibrate"):
        choice, tried = choose(
            problem,
            [member.scorer for member in members],
            request.targets,
            candidates.head,
            aware=request.aware,
            seed=request.seed,
            affordable=affordable,
        )
        counted = sum(one for one, found in zip(full, tried, strict=True) if found is not None)
        ledger.count(flops=choice.effort * counted)
    return choice, tried


def _flops_per_row(scorer: Scorer) -> float:
    if isinstance(scorer, ModuleScorer):
        import torch

        return count_flops(scorer.module, [torch.zeros(1, *scorer.shape)]).per_row
    return 2.0 * scorer.n_parameters


def _export(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, choice: Choice, tell: _Tell
) -> bytes:
    tell("export")
    with ledger.phase("export"):
        scorer = candidates.members[choice.index].scorer
        return export_file(problem, scorer, choice.decision, export_metadata(problem, request))


def _measure(problem: Problem, request: Request, ledger: Ledger, content: bytes, tell: _Tell) -> File:
    """Verify the limits on the delivered file: size, parameters, latency, throughput, and the peak of memory."""
    tell("measure")
    import resource
    import sys

    with ledger.phase("measure"):
        file = open_file(problem, content)
        ledger.measured("size", float(file.size_bytes))
        ledger.measured("parameters", float(file.n_parameters))
        report = measure_latency(single_row_call(problem, file))
        ledger.measured(
            "latency", report.cpu_p95_ms if report.contended else report.p95_ms,
            p50=report.p50_ms, p95=report.p95_ms, p99=report.p99_ms, cpu_p50=report.cpu_p50_ms,
            cpu_p95=report.cpu_p95_ms, n=report.n, contended=report.contended,
        )  # fmt: skip
        ledger.measured("throughput", rows_per_second(problem, file))
        unit = 1 if sys.platform == "darwin" else 1024
        ledger.measured("memory", float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit))
    return file


def _prove(
    problem: Problem, request: Request, ledger: Ledger, content: bytes, file: File, candidates: Candidates,
    choice: Choice, team: Team | None, tell: _Tell,
) -> Proof:  # fmt: skip
    tell("evaluate")
    with ledger.phase("evaluate"):
        scorer = candidates.members[choice.index].scorer
        return prove_together(problem, request, content, file, scorer, choice.decision, team)


class _Tell:
    """Turns signs of life into events."""

    def __init__(self, progress: Progress | None, ledger: Ledger) -> None:
        self._progress, self._ledger, self._limit = progress, ledger, ledger.limit
        self._step = 0

    def __call__(
        self, phase: str, step: int | None = None, metrics: Mapping[str, float] | None = None, action: str = ""
    ) -> None:
        if self._progress is None:
            return
        self._step = self._step if step is None else step
        ledger = self._ledger
        fraction = ledger.used() / self._limit if math.isfinite(self._limit) else 0.0
        self._progress(
            ProgressEvent(fraction, ledger.used(), self._limit, ledger.clock, phase, self._step, metrics or {}, action)
        )
