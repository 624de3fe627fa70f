"""What follows training, whatever trained: calibrate the candidates, export the chosen one, measure its file."""

from __future__ import annotations

import math
import resource
import sys

from efficienttrust.compression import ModuleScorer, Scorer, parent_of
from efficienttrust.data import Problem
from efficienttrust.evaluation.choice import Choice, choose, rows_scored
from efficienttrust.evaluation.rule_data import Calibrated
from efficienttrust.evaluation.suite import File
from efficienttrust.models.counting import count_flops
from efficienttrust.pipeline._document import export_metadata
from efficienttrust.pipeline._file import export_file, open_file, rows_per_second, single_row_call
from efficienttrust.pipeline._progress import Tell
from efficienttrust.pipeline._request import Request
from efficienttrust.resources import Ledger, measure_latency
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES
from efficienttrust.training import Candidates

PRUDENCE = 1.3  # on the predicted cost of a calibration


def calibrate_members(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, export_cost: float, tell: Tell
) -> tuple[Choice, list[Calibrated | None]]:
    """Calibrate the candidates as far as the budget affords it, and choose one."""
    tell("calibrate")
    passes, members = rows_scored(problem, request.targets, SHORT_PASSES), candidates.members
    full = [flops_per_row(member.scorer) * passes for member in members]
    limited = ledger.clock in ("wall", "cpu", "flops") and math.isfinite(ledger.limit)
    dearest, last = 0.0, ledger.used()

    def affordable(index: int) -> float:
        nonlocal dearest, last
        now = ledger.used()
        dearest, last = max(dearest, now - last) if index else 0.0, now
        if not limited:
            return 1.0
        left = ledger.remaining() - 2.0 * max(export_cost, candidates.export_cost)
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


def flops_per_row(scorer: Scorer) -> float:
    """Return the floating-point operations of one row, forward."""
    scorer = parent_of(scorer)
    if isinstance(scorer, ModuleScorer):
        import torch

        return count_flops(scorer.module, [torch.zeros(1, *scorer.shape)]).per_row
    return 2.0 * scorer.n_parameters


def export_chosen(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, choice: Choice, tell: Tell
) -> bytes:
    """Return the file of the chosen candidate."""
    tell("export")
    with ledger.phase("export"):
        scorer = candidates.members[choice.index].scorer
        return export_file(problem, scorer, choice.decision, export_metadata(problem, request))


def measure_file(problem: Problem, ledger: Ledger, content: bytes, tell: Tell) -> File:
    """Verify the limits on the delivered file: size, parameters, latency, throughput, and the peak of memory."""
    tell("measure")
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
