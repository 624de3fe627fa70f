"""The width of the network: the widest of a short menu whose exported file meets size, parameter and latency limits.

An untrained network has the size and the speed of a trained one, so the limits are checked before training, on a real
file through the real runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from efficienttrust.compression import Decision, DeployedModel, ModuleScorer, NetworkScorer, Scorer, export_onnx
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.suite import File
from efficienttrust.models import build_mlp, make_network, network_of
from efficienttrust.pipeline._file import export_file, open_file, single_row_call
from efficienttrust.resources import Budget, LatencyReport, Ledger, measure_latency
from efficienttrust.resources.clocks import MEASURED_CLOCKS
from efficienttrust.training import AUTO_NETWORKS, described, inputs_of

MENU: tuple[tuple[int, ...], ...] = ((256, 128), (128, 64), (64, 32), (32, 16), (16,), ())
ROWS_FOR = ((8000, 0), (2000, 1), (0, 2))  # training rows from which a position of the menu is the widest sensible one
FACTORS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.125)  # of the published width
LATENCY_SECONDS = 0.05
MODULE_SECONDS = 20.0  # limit below which `auto` tries no torch module: one export takes one to three seconds
BYTES_PER_WEIGHT = 4
HEADROOM = 0.9  # of the latency limit: the final file is measured again, on a clock with noise


@dataclass(frozen=True)
class Capacity:
    """The chosen width.

    Attributes:
        options: Options of the network: `widths` of an mlp, `width` (a factor) of others.
        reason: Why this width, for the report.
        export_cost: What one export cost on the declared clock.
    """

    options: Mapping[str, Any]
    reason: str
    export_cost: float


def choose_capacity(
    problem: Problem,
    budget: Budget,
    ledger: Ledger,
    *,
    aware: bool,
    head: bool,
    seed: int,
    metadata: Mapping[str, str],
) -> Capacity:
    """Try the menu from the widest sensible width down and return the first that meets all limits.

    Args:
        problem: The problem.
        budget: The limits.
        ledger: The account; every try is charged as `probe`.
        aware: Whether the file will ask for the sensitive columns.
        head: Whether the file will hold a group head.
        seed: Seed of the untrained weights.
        metadata: What the file will say of itself, as its size counts too.

    Raises:
        InfeasibleError: Not even a linear model meets a limit.
    """
    n_train, d = len(problem.splits["train"].y), problem.encoder.n_features
    first = next(position for rows, position in ROWS_FOR if n_train >= rows)
    decision = _largest_decision(problem, aware=aware, head=head)
    refused: list[str] = []
    for widths in MENU[first:]:
        before = ledger.used()
        with ledger.phase("probe"):
            network = build_mlp(n_features=d, widths=widths, seed=seed)
            content = export_onnx(
                None,
                problem.encoder,
                NetworkScorer(network.layers()),
                decision,
                attributes=problem.attributes,
                group_names=problem.group_names,
                metadata=metadata,
            )
            file = DeployedModel(content)
            cost = ledger.used() - before
            latency = None
            if budget.latency is not None:
                call = file.single_row_call(problem.inputs.head(1))
                latency = measure_latency(call, max_seconds=LATENCY_SECONDS)
        misfits = _misfits(budget, file, latency)
        if not misfits:
            return Capacity({"widths": widths}, _reason(network.name, n_train, first, refused), cost)
        refused.append(f"{network.name}: {', '.join(misfits)}")
    raise InfeasibleError(f"budget: not even the smallest model fits ({refused[-1]}); ask for more")


def choose_width(
    problem: Problem,
    budget: Budget,
    ledger: Ledger,
    *,
    network: str,
    options: Mapping[str, Any],
    aware: bool,
    head: bool,
    seed: int,
    metadata: Mapping[str, str],
) -> Capacity:
    """Narrow a network by factors until its exported file meets all limits.

    Args:
        problem: The problem.
        budget: The limits.
        ledger: The account; every try is charged as `probe`.
        network: Name of the network.
        options: Options that the user gave; a `width` among them is not changed.
        aware: Whether the file will ask for the sensitive columns.
        head: Whether the file will hold a group head.
        seed: Seed of the untrained weights.
        metadata: What the file will say of itself.

    Raises:
        InfeasibleError: Not even the narrowest meets a limit.
    """
    kind = network_of(network)
    fixed = "width" in options or "width" not in kind.options
    inputs = inputs_of(problem, seed)
    outputs = problem.outputs
    decision = _largest_decision(problem, aware=aware, head=head)
    refused: list[str] = []
    for factor in (1.0,) if fixed else FACTORS:
        tried = dict(options) if fixed else {**options, "width": factor * float(kind.options["width"])}
        before = ledger.used()
        with ledger.phase("probe"):
            module = make_network(network, inputs, outputs, seed=seed, **tried).eval()
            scorer = ModuleScorer(module, inputs.shape, outputs, network, tried, described(inputs))
            if heavy := _too_heavy(budget, scorer):
                refused.append(f"{network}{'' if fixed else f' at width {factor:g}'}: {heavy}")
                continue
            file = open_file(problem, export_file(problem, scorer, decision, metadata))
            cost = ledger.used() - before
            latency = None
            if budget.latency is not None:
                latency = measure_latency(single_row_call(problem, file), max_seconds=LATENCY_SECONDS)
        misfits = _misfits(budget, file, latency)
        named = network if fixed else f"{network} at width {factor:g}"
        if not misfits:
            said = f"; refused: {'; '.join(refused)}" if refused else ""
            return Capacity(tried, f"{named}: it fits{said}", cost)
        refused.append(f"{named}: {', '.join(misfits)}")
    raise InfeasibleError(f"budget: not even the smallest model fits ({refused[-1]}); ask for more")


def choose_each(
    problem: Problem,
    budget: Budget,
    ledger: Ledger,
    *,
    aware: bool,
    head: bool,
    seed: int,
    metadata: Mapping[str, str],
) -> Capacity:
    """Choose the width of each network that `auto` tries; one that does not fit is left out, with the reason.

    Args:
        problem: The problem.
        budget: The limits.
        ledger: The account; every try is charged as `probe`.
        aware: Whether the file will ask for the sensitive columns.
        head: Whether the file will hold a group head.
        seed: Seed of the untrained weights.
        metadata: What the file will say of itself.

    Returns:
        Options by name of the network.

    Raises:
        InfeasibleError: No network fits, and trees cannot learn the problem.
    """
    options: dict[str, Mapping[str, Any]] = {}
    reasons, dearest = [], 0.0
    for network in AUTO_NETWORKS:
        by_hand = network == "mlp" and problem.task == "binary"
        if not by_hand and problem.task == "binary" and _is_short(ledger):
            reasons.append(f"{network}: left out, as exporting it would take too much of {ledger.limit:g} s")
            continue
        try:
            if by_hand:
                found = choose_capacity(
                    problem, budget, ledger, aware=aware, head=head, seed=seed, metadata=metadata
                )  # fmt: skip
            else:
                found = choose_width(
                    problem, budget, ledger, network=network, options={}, aware=aware, head=head, seed=seed,
                    metadata=metadata,
                )  # fmt: skip
        except InfeasibleError as error:
            if problem.task != "binary" and not options and network == AUTO_NETWORKS[-1]:
                raise
            reasons.append(f"{network}: left out ({error})")
            continue
        options[network], dearest = found.options, max(dearest, found.export_cost)
        reasons.append(found.reason)
    return Capacity(options, "; ".join(reasons), dearest)


def limits_exceeded(
    problem: Problem, budget: Budget, *, aware: bool, head: bool, metadata: Mapping[str, str]
) -> Callable[[Scorer], list[str]]:
    """Return what says which limits the exported file of a scorer would exceed.

    Args:
        problem: The problem.
        budget: The limits.
        aware: Whether the file will ask for the sensitive columns.
        head: Whether the file will hold a group head.
        metadata: What the file will say of itself.
    """
    decision = _largest_decision(problem, aware=aware, head=head)

    def exceeded(scorer: Scorer) -> list[str]:
        file = open_file(problem, export_file(problem, scorer, decision, metadata))
        latency = None
        if budget.latency is not None:
            latency = measure_latency(single_row_call(problem, file), max_seconds=LATENCY_SECONDS)
        return _misfits(budget, file, latency)

    return exceeded


def _largest_decision(problem: Problem, *, aware: bool, head: bool) -> Decision:
    """Return a decision that takes as much room in the file as any that calibration may find."""
    d, n_groups = problem.encoder.n_features, len(problem.group_names)
    group_head = (np.zeros((d, n_groups), np.float32), np.zeros(n_groups, np.float32)) if head and not aware else None
    return Decision(0.0, np.zeros(n_groups if aware or group_head else 0), group_head, by_group=aware)


def _is_short(ledger: Ledger) -> bool:
    return ledger.clock in MEASURED_CLOCKS and ledger.limit < MODULE_SECONDS


def _too_heavy(budget: Budget, scorer: Scorer) -> str:
    """Return which limit the weights alone exceed, which saves an export; empty where none."""
    n = scorer.n_parameters
    if budget.parameters is not None and n > budget.parameters:
        return f"{n} of {budget.parameters:.0f} parameters"
    if budget.size is not None and BYTES_PER_WEIGHT * n > budget.size:
        return f"{BYTES_PER_WEIGHT * n} bytes of weights alone, of {budget.size:.0f}"
    return ""


def _misfits(budget: Budget, file: File, latency: LatencyReport | None) -> list[str]:
    misfits = []
    if budget.size is not None and file.size_bytes > budget.size:
        misfits.append(f"size {file.size_bytes} of {budget.size:.0f} bytes")
    if budget.parameters is not None and file.n_parameters > budget.parameters:
        misfits.append(f"{file.n_parameters} of {budget.parameters:.0f} parameters")
    if budget.latency is not None and latency is not None:
        # Other processes on the machine are no property of the model: when they were in the way, the CPU clock decides.
        measured = latency.cpu_p95_ms if latency.contended else latency.p95_ms
        if measured > HEADROOM * budget.latency:
            misfits.append(f"latency {measured:.3g} of {budget.latency:.3g} ms")
    return misfits


def _reason(name: str, n_train: int, first: int, refused: Sequence[str]) -> str:
    if refused:
        return f"{name} is the widest of the menu that fits; refused: {'; '.join(refused)}"
    if first == 0:
        return f"{name}: the widest of the menu, and it fits"
    return f"{name}: the widest that {n_train} training rows justify, and it fits"
