"""A smaller network, trained plainly: the naive answer to a limit on anything."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.data import Problem
from efficienttrust.models import make_network, network_of, parse_network
from efficienttrust.pipeline._request import DEFAULT_NETWORK
from efficienttrust.pipeline.methods._method import BEFORE, MethodRequest, MethodResult, fitted, fixed, methods
from efficienttrust.training import inputs_of
from efficienttrust.training._widths import MENU, first_width

SHARE = 0.25  # of the parameters that the network has without a limit


@methods.register("reduced_width")
def reduced_width(request: MethodRequest) -> MethodResult:
    """Train plainly the widest network with a quarter of the parameters."""
    budget = request.budget
    most = int(SHARE * _parameters(request.problem, request.model))
    return fitted(
        "reduced_width",
        f"plain training of a network of at most {most} parameters, a quarter of the usual",
        request,
        stage=BEFORE,
        budget=replace(budget, parameters=most if budget.parameters is None else min(most, budget.parameters)),
        policy=fixed(),
    )


def _parameters(problem: Problem, model: str | None) -> int:
    """Return the number of parameters of the network that `fit` trains without a limit."""
    network, given = parse_network(model or DEFAULT_NETWORK[problem.kind])
    options = {**network_of(network).options, **given}
    if network == "mlp" and problem.task == "binary" and not given:
        options["widths"] = MENU[first_width(len(problem.splits["train"]))]
    module = make_network(network, inputs_of(problem, 0), problem.outputs, seed=0, **options)
    return sum(parameter.numel() for parameter in module.parameters())
