"""A smaller network, trained plainly: the naive answer to a limit on anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.models import make_network, network_of
from efficienttrust.pipeline._request import DEFAULT_NETWORK
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget
from efficienttrust.training import inputs_of
from efficienttrust.training._widths import MENU, first_width

SHARE = 0.25  # of the parameters that the network has without a limit


@methods.register("reduced_width")
def reduced_width(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly the widest network with a quarter of the parameters."""
    most = int(SHARE * _parameters(problem))
    return fitted(
        "reduced_width",
        f"plain training of a network of at most {most} parameters, a quarter of the usual",
        problem,
        replace(budget, parameters=most if budget.parameters is None else min(most, budget.parameters)),
        targets,
        seed,
        stage=BEFORE,
        asked=budget,
        policy=fixed(),
    )


def _parameters(problem: Problem) -> int:
    """Return the number of parameters of the network that `fit` trains without a limit."""
    network = DEFAULT_NETWORK[problem.kind]
    options = dict(network_of(network).options)
    if network == "mlp" and problem.task == "binary":
        options["widths"] = MENU[first_width(len(problem.splits["train"]))]
    module = make_network(network, inputs_of(problem, 0), problem.outputs, seed=0, **options)
    return sum(parameter.numel() for parameter in module.parameters())
