"""What `fit` does to a network besides training it: pruning and rounding on the way, quantising at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from efficienttrust.compression import ModuleScorer, NetworkScorer, Workpiece
from efficienttrust.compression.pruning import parse_pruning, prune
from efficienttrust.compression.quantisation import QuantiseStep, add_rounding, quantise
from efficienttrust.data import Problem
from efficienttrust.models import make_network
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._room import activation_sample
from efficienttrust.resources import Ledger
from efficienttrust.training import Candidate, Candidates, inputs_of

FINE = 8  # bits from which rounding a trained network costs so little that it need not be trained rounded
MEMBERS = 4  # candidates of a table network at most: the last one and the ring


def shaping(
    problem: Problem, request: Request, quantisation: QuantiseStep | None
) -> Callable[[Mapping[str, Any]], Workpiece] | None:
    """Return what makes the network to train: pruned on the way, rounded where that is coarse; None where neither.

    Args:
        problem: The problem.
        request: The request.
        quantisation: How the network will be quantised.
    """
    pruning = None if request.settings.prune is None else parse_pruning(request.settings.prune)
    rounding = quantisation if quantisation is not None and quantisation.bits < FINE else None
    if pruning is None and rounding is None:
        return None

    def make(options: Mapping[str, Any]) -> Workpiece:
        inputs = inputs_of(problem, request.seed)
        module = make_network(request.network, inputs, problem.outputs, seed=request.seed, **options)
        piece = Workpiece(module.eval(), inputs.shape)
        if pruning is not None:
            prune(piece, pruning, sample=activation_sample(problem, request.seed), seed=request.seed)
        if rounding is not None:
            add_rounding(piece, rounding)
        return piece

    return make


def quantised(
    candidates: Candidates, quantisation: QuantiseStep | None, problem: Problem, request: Request, ledger: Ledger
) -> Candidates:
    """Return the candidates as they will be deployed; of torch modules one alone, as an export takes seconds."""
    if quantisation is None or not quantisation.real:
        return candidates
    with ledger.phase("compress"):
        sample = activation_sample(problem, request.seed)
        members: list[Candidate] = []
        for member in candidates.members[: members_quantised(request)]:
            assert isinstance(member.scorer, NetworkScorer | ModuleScorer)
            members.append(replace(member, scorer=quantise(member.scorer, quantisation, sample)))
    return replace(candidates, members=tuple(members))


def members_quantised(request: Request) -> int:
    """Return how many candidates are quantised, and calibrated as such."""
    return MEMBERS if request.network == "mlp" else 1
