"""The end of a training in somebody else's loop: calibrate, export, certify, judge."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from efficienttrust.compression import Decision, ModuleScorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.certification import Verdict, verdict
from efficienttrust.evaluation.choice import Choice, choose
from efficienttrust.evaluation.proof import CONFIDENCE
from efficienttrust.evaluation.selection import Guarantee
from efficienttrust.evaluation.suite import File, evaluate_file, measure_all
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._answers import Answers, RowsScorer
from efficienttrust.integrations._course import Course
from efficienttrust.integrations._export import AskedModel, exported, opened
from efficienttrust.integrations._losses import Kind
from efficienttrust.integrations._result import TrustResult
from efficienttrust.resources.process_memory import peak_bytes

PRUDENCE = 1.3  # on the predicted cost of a calibration


def scorer_of(model: nn.Module, kind: Kind) -> RowsScorer:
    """Return a model as something to be scored; it is not copied."""
    outputs = 1 if kind.task == "binary" else kind.classes
    return RowsScorer(Answers(model, kind.key), kind.shape, outputs, type(model).__name__)


def finish(
    model: nn.Module,
    kind: Kind,
    course: Course,
    targets: Sequence[Target],
    problem: Problem,
    *,
    tested: bool,
    export: bool,
    export_cost: float,
    seed: int,
    notes: Sequence[str],
) -> TrustResult:
    """Choose among the candidates, load the chosen weights into the model, close the ledger, and judge.

    Args:
        model: The user's model, with the last weights.
        kind: Of model and rows.
        course: Of the run.
        targets: The targets.
        problem: The validation rows, and test rows where there are any.
        tested: Whether the test split are test rows.
        export: Whether to write the model as an ONNX file.
        export_cost: Measured cost of an export, on the declared clock.
        seed: Seed of attacks.
        notes: What a reader must know already.
    """
    ledger = course.ledger
    model.eval()
    last = {key: value.detach().clone() for key, value in model.state_dict().items()}
    members = [("last", last), *((f"step {step}", weights) for _, step, weights in course.state.ring)]
    scorers = [_frozen(model, weights, kind) for _, weights in members]
    with ledger.phase("calibrate"):
        choice = _choose(problem, scorers, targets, course, export_cost, seed)
    name, weights = members[choice.index]
    model.load_state_dict(weights)
    scorer, notes = scorers[choice.index], list(notes)
    content = None
    if export and kind.numbers:
        with ledger.phase("export"):
            said = {"targets": "; ".join(target.text for target in targets)}
            content = exported(scorer, choice.decision, problem, said)
        ledger.measured("size", float(len(content)))
    elif export:
        notes.append("no ONNX file: the inputs are not one tensor of floating-point numbers; the weights are saved")
    ledger.measured("parameters", float(scorer.n_parameters))
    if ledger.budget.memory is not None:
        ledger.measured("memory", float(peak_bytes()))
    ledger.close()
    with ledger.phase("evaluate"):
        file = AskedModel(scorer, choice.decision) if content is None else opened(content, scorer)
        measured, verdicts = _judged(cast(File, file), problem, targets, scorer, choice.decision, seed, tested=tested)
    if not tested:
        notes.append("no test rows were given: point estimates are on the certify rows, as the certificates are")
    account = ledger.to_dict()
    if course.forward_flops == 0:
        account["clocks"]["flops"] = math.nan
    beyond = account["time"]["overrun"]
    if beyond > 0:
        notes.append(f"the time limit was overrun by {beyond:.3g} ({ledger.clock})")
    return TrustResult(
        verdicts=verdicts,
        metrics=measured,
        measured_on="test" if tested else "certify",
        threshold=choice.decision.threshold if kind.task == "binary" else None,
        model=model,
        chosen=name,
        ledger=account,
        decisions=tuple(course.scheduler.decisions),
        history=tuple(course.state.history),
        fallbacks=tuple(course.scheduler.fallbacks),
        notes=tuple(notes),
        trajectory=course.trajectory(),
        content=content,
    )


def _frozen(model: nn.Module, weights: dict[str, Tensor], kind: Kind) -> RowsScorer:
    twin = copy.deepcopy(model).eval()
    twin.load_state_dict(weights)
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return scorer_of(twin, kind)


def _choose(
    problem: Problem, scorers: Sequence[ModuleScorer], targets: Sequence[Target], course: Course, export_cost: float,
    seed: int,
) -> Choice:  # fmt: skip
    ledger = course.ledger
    limited, each = ledger.clock in ("wall", "cpu", "flops"), course.calibration_cost()

    def affordable(index: int) -> float:
        if not limited:
            return 1.0
        if ledger.clock == "flops":
            if ledger.remaining() < (index + 1) * each:
                return 0.0
            return 1.0
        need = PRUDENCE * each
        return (ledger.remaining() - PRUDENCE * export_cost) / need if need > 0 else 1.0

    choice, tried = choose(problem, scorers, targets, None, aware=False, seed=seed, affordable=affordable)
    ledger.count(flops=sum(one is not None for one in tried) * each if ledger.clock == "flops" else 0.0)
    return choice


def _judged(
    file: File, problem: Problem, targets: Sequence[Target], scorer: ModuleScorer, decision: Decision, seed: int, *,
    tested: bool,
) -> tuple[Any, tuple[Verdict, ...]]:  # fmt: skip
    proven = evaluate_file(file, problem, "certify", targets, scorer=scorer, decision=decision, seed=seed).outcome
    shown = proven
    if tested:
        shown = evaluate_file(file, problem, "test", targets, scorer=scorer, decision=decision, seed=seed).outcome
    measured = measure_all(shown, targets)
    guarantee = Guarantee("individual", len(targets), 1 - CONFIDENCE)
    certificates = [guarantee.certify(one, proven) for one in targets]
    where = "test" if tested else "certify"
    verdicts = [
        verdict(one.target, measured[one.target.key], one, guarantee.words(one), where=where) for one in certificates
    ]
    return measured, tuple(verdicts)
