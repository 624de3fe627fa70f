"""What every model goes through, however its candidates came about: calibrated, exported, measured, proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

from efficienttrust.atats import DecisionRecord
from efficienttrust.data import Problem
from efficienttrust.evaluation.choice import Choice
from efficienttrust.evaluation.proof import Proof
from efficienttrust.evaluation.selection import Guarantee
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._capacity import Capacity
from efficienttrust.pipeline._claim import claimed
from efficienttrust.pipeline._document import make_document
from efficienttrust.pipeline._memory_check import Peaks, check_memory, needed
from efficienttrust.pipeline._progress import ProgressEvent, Tell
from efficienttrust.pipeline._request import Request, check_destination, refuse_memory
from efficienttrust.pipeline._run import Run, frame_of
from efficienttrust.pipeline._selecting import certify_choice
from efficienttrust.pipeline._session import single_thread, warm_up
from efficienttrust.pipeline._shaping import quantised
from efficienttrust.pipeline._stages import calibrate_members, export_chosen, measure_file
from efficienttrust.pipeline._together import help_to_prove, prove_together
from efficienttrust.pipeline.limits import limit_document, raised
from efficienttrust.resources import Ledger
from efficienttrust.training import Candidates, clear_stop
from efficienttrust.training._distributed import Team, rank, team_of

DECISION_COLUMNS = tuple(field.name for field in fields(DecisionRecord))
HISTORY_COLUMNS = ("step", "progress", "used", "accuracy")


class Source(Protocol):
    """Where candidates come from."""

    def capacity(self, problem: Problem, request: Request, ledger: Ledger) -> Capacity:
        """Choose how large the model may be."""
        ...

    def candidates(
        self, problem: Problem, request: Request, ledger: Ledger, capacity: Capacity, out: Path | None, tell: Tell
    ) -> Candidates:
        """Make the candidates inside the budget."""
        ...

    def follow(self, problem: Problem, request: Request, team: Team) -> None:
        """Take part in the making as a process that does not lead."""
        ...


def deliver(
    problem: Problem,
    request: Request,
    source: Source,
    *,
    out: Path | None,
    overwrite: bool,
    show_small_cells: bool,
    progress: Callable[[ProgressEvent], None] | None,
    constraints: Mapping[str, Any] | None = None,
) -> Run:
    """Make candidates inside the budget, choose, calibrate, certify, export, measure and prove; return the run."""
    peaks = Peaks()
    if rank() == 0:
        check_destination(out, overwrite=overwrite)
    clear_stop()
    warm_up(**needed(problem, request))
    peaks.reach("libraries")
    refuse_memory(request.budget)
    with (
        claimed(out if rank() == 0 else None),
        single_thread(),
        team_of(request.identity(problem), problem.preparation) as team,
    ):
        if team is not None and team.share.rank > 0:
            source.follow(problem, request, team)
            help_to_prove(problem, request, team)
            raise SystemExit(0)
        ledger = Ledger(request.budget, clock_override=None if team is None else team.clocks())
        tell = Tell(progress, ledger)
        tell.say(f"{one.target.text}: {one.verdict}: {one.sentence}" for one in request.limits if one.findings)
        ledger.add_prior("data", **(problem.preparation if team is None else team.preparation))
        capacity = source.capacity(problem, request, ledger)
        peaks.reach("probe")
        candidates = source.candidates(problem, request, ledger, capacity, out, tell)
        if team is not None:
            team.leave()
        candidates = quantised(candidates, capacity.quantisation, problem, request, ledger)
        peaks.reach("train")
        choice, tried = calibrate_members(problem, request, ledger, candidates, capacity.export_cost, tell)
        peaks.reach("calibrate")
        choice, selection = certify_choice(
            problem, request, ledger, candidates, choice, tried, capacity.export_cost, tell
        )
        peaks.reach("certify_choice")
        content = export_chosen(problem, request, ledger, candidates, choice, tell)
        peaks.reach("export")
        ledger.close()
        file = measure_file(problem, ledger, content, tell)
        proof = _prove(problem, request, ledger, content, file, candidates, choice, team, selection.guarantee, tell)
        peaks.reach("evaluate")
        failed = check_memory(problem, request, ledger, candidates, peaks)
        limit = _limit(problem, request, ledger, tell) if out is not None else None
        document = make_document(problem, request, ledger, capacity, candidates, choice, tried, file, proof, selection)
        document["failed"] = list(failed)
        document["limits"] = [one.record() for one in request.limits]
        document["limit"] = None if limit is None else raised(limit, _measured(limit, document))
        document["trajectory"] = dict(candidates.trajectory)
        run = Run(
            document=document if constraints is None else {**document, "constraints": constraints},
            content=content,
            scorer=candidates.members[choice.index].scorer,
            decision=choice.decision,
            predictions=proof.predictions,
            history=frame_of(candidates.history, HISTORY_COLUMNS),
            decisions=frame_of(candidates.decisions, DECISION_COLUMNS),
        )
        if out is not None:
            tell("report")
            run.save(out, overwrite=overwrite, show_small_cells=show_small_cells)
    return run


def _limit(problem: Problem, request: Request, ledger: Ledger, tell: Tell) -> dict[str, Any]:
    """Return the limit that the report draws."""
    tell("limit")
    with ledger.phase("limit"):
        return limit_document(problem, request.targets, aware=request.aware, seed=request.seed)


def _measured(limit: Mapping[str, Any], document: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return name, gap and utility of the stages of a run."""
    return [
        (stage["name"], *(float(stage["metrics"][key]["value"]) for key in (limit["metric"], limit["utility_metric"])))
        for stage in document["stages"]
        if {limit.get("metric"), limit.get("utility_metric")} <= stage["metrics"].keys()
    ]


def _prove(
    problem: Problem, request: Request, ledger: Ledger, content: bytes, file: File, candidates: Candidates,
    choice: Choice, team: Team | None, guarantee: Guarantee, tell: Tell,
) -> Proof:  # fmt: skip
    tell("evaluate")
    with ledger.phase("evaluate"):
        scorer = candidates.members[choice.index].scorer
        return prove_together(problem, request, content, file, scorer, choice.decision, team, guarantee)
