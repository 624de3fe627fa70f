"""The verb `compress`: a smaller, faster model from a run, deployed, proved, and with those whom it hurt by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from efficienttrust.atats import Policy
from efficienttrust.compression import ModuleScorer, NetworkScorer, TreeScorer, parent_of
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.evaluation.group_head import head_of
from efficienttrust.evaluation.proof import prove
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._capacity import Capacity
from efficienttrust.pipeline._claim import claimed
from efficienttrust.pipeline._deliver import DECISION_COLUMNS, HISTORY_COLUMNS
from efficienttrust.pipeline._document import make_document
from efficienttrust.pipeline._memory_check import Peaks, broken
from efficienttrust.pipeline._origin import data_of, file_hash, refuse_edited
from efficienttrust.pipeline._progress import ProgressEvent, Tell
from efficienttrust.pipeline._request import Request, check_destination, make_request, refuse_memory
from efficienttrust.pipeline._run import Run, frame_of, load_run
from efficienttrust.pipeline._session import single_thread, warm_up
from efficienttrust.pipeline._stages import calibrate_members, export_chosen, measure_file
from efficienttrust.pipeline.compressing._chain import Chain, parse_chain
from efficienttrust.pipeline.compressing._document import command, compression_entry
from efficienttrust.pipeline.compressing._forge import Forge, Recipe
from efficienttrust.pipeline.compressing._harm import harm_of
from efficienttrust.resources import Budget, Ledger
from efficienttrust.resources.budget import TimeLimit
from efficienttrust.training import Candidates, Settings, clear_stop, lever_of


@dataclass(frozen=True, eq=False)
class Source:
    """The run that is compressed.

    Attributes:
        run: The run.
        folder: Where it lies; None of one in memory.
        scorer: Its float network.
        dense: Runs whose decisions together are the dense ensemble, that run among them.
    """

    run: Run
    folder: Path | None
    scorer: NetworkScorer | ModuleScorer
    dense: tuple[Run, ...]


def compress(
    run: Run | Path | str,
    chain: Sequence[tuple[str, str]] = (),
    *,
    to: str | None = None,
    budget: Budget | str | None = None,
    targets: Sequence[Target | str] | None = None,
    policy: Policy | str | None = None,
    dense: Sequence[Run | Path | str] = (),
    problem: Problem | None = None,
    settings: Settings | None = None,
    seed: int | None = None,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    progress: Callable[[ProgressEvent], None] | None = None,
) -> Run:
    """Compress the network of a run, and measure on the deployed file what that did, and to whom.

    Everything from the first step to the exported file is charged to the budget; measuring both files, the proof and
    the comparison with the dense model are not.

    Args:
        run: A run of a network, or its folder.
        chain: Steps in order, as `[("prune", "structured:0.5"), ("quantize", "int8"), ("recover", "5s")]`. What
            recovers after a quantisation is trained with rounded weights; before it, it is rounded afterwards.
        to: Limits that shall be met, as `"size=60kB, latency=0.2ms"`; the chain is then chosen.
        budget: What it may cost; by default what the recoveries take, and with `to` 30 s.
        targets: What has to be met; by default the targets of the run.
        policy: Who steers the recoveries; by default the policy of the run.
        dense: Further runs of the same data, of other seeds, for the dense ensemble that exemplars are judged by.
        problem: The data, when the run was made from a frame that exists nowhere else.
        settings: Device, precision and augmentation of recoveries; by default those of the run.
        seed: Seed of everything random; by default that of the run.
        out: Folder for the new run; None keeps it in memory.
        overwrite: Replace an earlier run in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        progress: Called with signs of life.

    Raises:
        UsageError: Not a run of a network, edited files, other data, or a chain that makes no sense.
        InfeasibleError: No model that can be made here meets the limits, or the budget is less than the recoveries.
    """
    destination, peaks = None if out is None else Path(out), Peaks()
    if bool(chain) == bool(to):
        raise UsageError(
            "compress needs either steps (--prune, --quantize, --distil, --recover) or limits to meet (--to), not "
            + ("both" if chain else "neither")
        )
    steps = parse_chain(chain)
    source = open_source(run, dense)
    problem = data_of(source.run, source.folder or "in memory", problem, "compress(run, …, problem=…)")
    request = make_compress_request(
        source, problem, steps, to=to, budget=budget, targets=targets, policy=policy, settings=settings, seed=seed
    )
    check_destination(destination, overwrite=overwrite)
    clear_stop()
    warm_up(exporter=isinstance(source.scorer, ModuleScorer))
    refuse_memory(request.budget)
    with claimed(destination), single_thread():
        ledger = Ledger(request.budget)
        tell = Tell(progress, ledger)
        if budget_time(budget) is None and to is None:
            ledger.limit = math.inf  # the recoveries have limits of their own
        if to is None:
            forge = forge_of(source, problem, request, ledger, tell)
            forge.apply(steps)
            searched: Mapping[str, Any] | None = None
        else:
            from efficienttrust.pipeline.compressing._choose import choose_chain

            forge, steps, searched = choose_chain(source, problem, request, ledger, tell)
        candidates = _with_head(forge.members(steps.quantisation), problem, request)
        choice, tried = calibrate_members(problem, request, ledger, candidates, 0.0, tell)
        content = export_chosen(problem, request, ledger, candidates, choice, tell)
        file = measure_file(problem, ledger, content, tell)
        ledger.close()
        scorer = candidates.members[choice.index].scorer
        tell("evaluate")
        with ledger.phase("evaluate"):
            proof = prove(problem, request.targets, file, scorer, choice.decision, seed=request.seed)
        capacity = Capacity(forge.options, f"compressed from {source.folder or 'a run in memory'}", 0.0)
        document = make_document(problem, request, ledger, capacity, candidates, choice, tried, file, proof)
        _judge_memory(document, request.budget.memory, peaks)
        tell("compare")
        made = Run(
            document=document,
            content=content,
            scorer=scorer,
            decision=choice.decision,
            predictions=proof.predictions,
            history=frame_of(candidates.history, HISTORY_COLUMNS),
            decisions=frame_of(candidates.decisions, DECISION_COLUMNS),
        )
        made = replace(made, document=_described(made, source, problem, forge, steps, searched, to, request))
        if destination is not None:
            tell("report")
            made.save(destination, overwrite=overwrite, show_small_cells=show_small_cells)
    return made


def _judge_memory(document: dict[str, Any], limit: float | None, peaks: Peaks) -> None:
    """Write into a document whether the run broke its limit on memory, or why that cannot be told."""
    peak = document["ledger"]["memory"]["used"]
    document["failed"] = []
    if limit is not None and not peaks.exact(limit):
        said = "memory: this process had held more before, so that its peak does not tell whether the limit was kept"
        document["fallbacks"] = [*document["fallbacks"], f"{said}; compress in a fresh process"]
    else:
        document["failed"] = list(broken(limit, peak, "of this process since it began"))


def open_source(run: Run | Path | str, dense: Sequence[Run | Path | str]) -> Source:
    """Open the run to compress and the other runs of the dense ensemble.

    Raises:
        UsageError: One is no run, was edited, or is of other data; or the first is no network.
    """
    folder = None if isinstance(run, Run) else Path(run)
    first = _opened(run)
    scorer = parent_of(first.scorer)
    if isinstance(scorer, TreeScorer):
        raise UsageError(
            f"{folder or 'the run'} holds trees; pruning, quantisation and distillation are for networks: give trees a "
            "limit when they grow, as fit --model trees --budget size=60kB"
        )
    others = tuple(_opened(one) for one in dense)
    for one, given in zip(others, dense, strict=True):
        if one.document["problem"]["fingerprint"] != first.document["problem"]["fingerprint"]:
            raise UsageError(f"--dense {given} is of other data or of another split than {folder or 'the run'}")
    return Source(first, folder, scorer, (first, *others))


def make_compress_request(
    source: Source,
    problem: Problem,
    chain: Chain,
    *,
    to: str | None,
    budget: Budget | str | None,
    targets: Sequence[Target | str] | None,
    policy: Policy | str | None,
    settings: Settings | None,
    seed: int | None,
) -> Request:
    """Return the checked request of a compression: what is not given is that of the run."""
    from efficienttrust.pipeline.compressing._choose import DEFAULT_TIME

    said = source.run.document["spec"]
    given = budget if isinstance(budget, Budget) else Budget.parse(budget or "")
    if to is not None:
        limits = Budget.parse(to)
        for name in ("size", "latency", "parameters", "throughput"):
            if getattr(limits, name) is not None:
                given = replace_limit(given, name, getattr(limits, name))
        if limits.time is not None or limits.memory is not None:
            raise UsageError(f"--to {to}: give size, latency, parameters or throughput; time and memory are --budget's")
        if given.time is None:
            given = replace_limit(given, "time", DEFAULT_TIME)
    time = chain.time()
    if given.time is not None and time is not None:
        if time.clock != given.time.clock:
            raise UsageError(
                f"--recover is on the clock {time.clock}, --budget on {given.time.clock}: use the same clock in both"
            )
        if time.amount > given.time.amount:
            raise InfeasibleError(f"budget: the recoveries take {time}, more than time={given.time}; shorten them")
    network, options = said["network"], dict(said["options"])
    return make_request(
        problem,
        budget=given if given.time is not None or time is None else replace_limit(given, "time", time),
        targets=[entry["target"] for entry in source.run.document["verdicts"]] if targets is None else targets,
        policy=said["policy"] if policy is None else policy,
        trainer="network",
        model=network_text(network, options),
        settings=settings or _settings_of(said),
        seed=int(said["seed"]) if seed is None else seed,
        aware=bool(said["use_groups_at_prediction"]),
        force=True,
    )


def budget_time(budget: Budget | str | None) -> TimeLimit | None:
    """Return the time that a user gave."""
    return (budget if isinstance(budget, Budget) else Budget.parse(budget or "")).time


def network_text(network: str, options: Mapping[str, Any]) -> str:
    """Return a network and its options as `--model` takes them."""
    shown = {name: "-".join(map(str, v)) if isinstance(v, list | tuple) else v for name, v in options.items()}
    inner = ", ".join(f"{name}={int(v) if isinstance(v, bool) else v}" for name, v in shown.items() if v != "")
    return f"{network}({inner})" if inner else network


def replace_limit(budget: Budget, resource: str, limit: Any) -> Budget:
    """Return a budget with another limit on one resource."""
    names = ("time", "memory", "parameters", "size", "latency", "throughput")
    return Budget(**{name: limit if name == resource else getattr(budget, name) for name in names})


def forge_of(source: Source, problem: Problem, request: Request, ledger: Ledger, tell: Tell) -> Forge:
    """Return the network of a source, ready for the first step."""
    recipe = Recipe(
        targets=request.targets,
        policy=request.policy_text,
        settings=request.settings,
        seed=request.seed,
        aware=request.aware,
        on_progress=lambda step, metrics, action: tell("recover", step, metrics, action),
    )
    said = source.run.document["spec"]
    return Forge(problem, ledger, recipe, source.scorer, said["network"], dict(request.options))


def _opened(run: Run | Path | str) -> Run:
    if isinstance(run, Run):
        return run
    found = load_run(run)
    refuse_edited(Path(run), found)
    return found


def _settings_of(said: Mapping[str, Any]) -> Settings:
    return Settings(
        said.get("device", "auto"), said.get("precision", "auto"), said.get("augmentation"),
        compile=said.get("compile", "auto"),
    )  # fmt: skip


def _with_head(candidates: Candidates, problem: Problem, request: Request) -> Candidates:
    """Return candidates with the group head of blind calibration, where targets call for one and none was fitted."""
    levers = {lever_of(target, problem.task) for target in request.targets}
    if candidates.head is not None or request.aware or "fairness" not in levers or problem.task != "binary":
        return candidates
    return replace(candidates, head=head_of(problem, robust="robustness" in levers, seed=request.seed))


def _described(
    made: Run, source: Source, problem: Problem, forge: Forge, chain: Chain, searched: Mapping[str, Any] | None,
    to: str | None, request: Request,
) -> dict[str, Any]:  # fmt: skip
    """Return the document of a compressed run: that of any run, and what the compression did."""
    entry = compression_entry(
        problem,
        before=source.run,
        after=made,
        chain=chain,
        notes=forge.piece.notes,
        searched=searched,
    )
    entry["source"] = {
        "folder": None if source.folder is None else str(source.folder),
        "sha256": None if source.folder is None else file_hash(source.folder / "run.json"),
    }
    entry |= harm_of(problem, source.dense, made, source.scorer)
    return {
        **made.document,
        "command": command(source.folder, chain, to, request),
        "compression": entry,
    }
