"""The width of the network: the widest of a short menu whose exported file meets size, parameter and latency limits.

An untrained network has the size and the speed of a trained one, so the limits are checked before training, on a real
file through the real runtime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from efficienttrust.compression import ModuleScorer, NetworkScorer, Scorer
from efficienttrust.compression.quantisation import QuantiseStep, parse_quantisation
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.models import MLP, build_mlp, make_network, network_of
from efficienttrust.pipeline._room import Room
from efficienttrust.resources import Ledger
from efficienttrust.resources.clocks import MEASURED_CLOCKS
from efficienttrust.training import AUTO_NETWORKS, described, inputs_of
from efficienttrust.training._widths import MENU, first_width, too_wide

FACTORS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.125)  # of the published width
MODULE_SECONDS = 20.0  # limit below which `auto` tries no torch module: one export takes one to three seconds,
FIRST_MODULE_SECONDS = 8.0  # but for a first one, where no network is exported by hand


@dataclass(frozen=True)
class Capacity:
    """The chosen width.

    Attributes:
        options: Options of the network: `widths` of an mlp, `width` (a factor) of others.
        reason: Why this width, for the report.
        export_cost: What one export cost on the declared clock, quantisation included.
        quantisation: How the deployed network is quantised; None where it is not.
    """

    options: Mapping[str, Any]
    reason: str
    export_cost: float
    quantisation: QuantiseStep | None = None


def quantisations_tried(room: Room, quantize: str) -> tuple[QuantiseStep | None, ...]:
    """Return the quantisations that each width is tried with, in order; None is none.

    Args:
        room: What the file has to fit into.
        quantize: `none`, `auto`, or a quantisation.
    """
    if quantize == "none":
        return (None,)
    if quantize != "auto":
        return (parse_quantisation(quantize),)
    limited = room.budget.size is not None or room.budget.latency is not None
    return (None, parse_quantisation("int8")) if limited else (None,)


def choose_widths(
    room: Room,
    ledger: Ledger,
    *,
    seed: int,
    quantize: str = "auto",
    steps: Callable[[MLP], float] = lambda _: math.inf,
) -> Capacity:
    """Try the menu of an mlp from the widest sensible one down and return the first that meets all limits.

    Args:
        room: What the file has to fit into.
        ledger: The account; every try is charged as `probe`.
        seed: Seed of the untrained weights.
        quantize: How the deployed network may be quantised.
        steps: Tells how many training steps of a network the budget buys.

    Raises:
        InfeasibleError: Not even a linear model meets a limit.
    """
    n_train = len(room.problem.splits["train"])
    first = first_width(n_train)
    refused: list[str] = []
    passed_over: set[tuple[int, ...]] = set()
    for widths, step in product(MENU[first:], quantisations_tried(room, quantize)):
        if widths in passed_over:
            continue
        with ledger.phase("probe"):
            network = build_mlp(n_features=room.problem.encoder.n_features, widths=widths, seed=seed)
            named = network.name if step is None else f"{network.name} in {step.text}"
            if step is None and too_wide(MENU.index(widths), bought := steps(network)):
                passed_over.add(widths)
                refused.append(f"{network.name}: the budget buys about {bought:.0f} steps of it")
                continue
            before = ledger.used()
            file = room.file_of(NetworkScorer(network.layers()), step)
            cost = ledger.used() - before
            misfits = room.misfits(file)
        if not misfits:
            return Capacity({"widths": widths}, _reason(named, n_train, first, refused), cost, step)
        refused.append(f"{named}: {', '.join(misfits)}")
    raise InfeasibleError(f"budget: not even the smallest model fits ({refused[-1]}); ask for more")


def choose_width(
    room: Room, ledger: Ledger, *, network: str, options: Mapping[str, Any], seed: int, quantize: str = "auto"
) -> Capacity:
    """Narrow a network by factors until its exported file meets all limits.

    Args:
        room: What the file has to fit into.
        ledger: The account; every try is charged as `probe`.
        network: Name of the network.
        options: Options that the user gave; a `width` among them is not changed.
        seed: Seed of the untrained weights.
        quantize: How the deployed network may be quantised.

    Raises:
        InfeasibleError: Not even the narrowest meets a limit.
    """
    kind, outputs = network_of(network), room.problem.outputs
    fixed = "width" in options or "width" not in kind.options
    inputs = inputs_of(room.problem, seed)
    refused: list[str] = []
    for factor, step in product((1.0,) if fixed else FACTORS, quantisations_tried(room, quantize)):
        tried = dict(options) if fixed else {**options, "width": factor * float(kind.options["width"])}
        named = network if fixed else f"{network} at width {factor:g}"
        named += "" if step is None else f" in {step.text}"
        before = ledger.used()
        with ledger.phase("probe"):
            module = make_network(network, inputs, outputs, seed=seed, **tried).eval()
            scorer: Scorer = (
                NetworkScorer(module.layers())
                if isinstance(module, MLP) and room.problem.task == "binary"
                else ModuleScorer(module, inputs.shape, outputs, network, tried, described(inputs))
            )
            if heavy := room.too_heavy(scorer, 32 if step is None or not step.real else step.bits):
                refused.append(f"{named}: {heavy}")
                continue
            try:
                file = room.file_of(scorer, step)
            except UsageError as error:
                if quantize != "auto":
                    raise
                refused.append(f"{named}: {error}")  # a network that the runtime has no whole numbers for
                continue
            cost = ledger.used() - before
            misfits = room.misfits(file)
        if not misfits:
            said = f"; refused: {'; '.join(refused)}" if refused else ""
            return Capacity(tried, f"{named}: it fits{said}", cost, step)
        refused.append(f"{named}: {', '.join(misfits)}")
    raise InfeasibleError(f"budget: not even the smallest model fits ({refused[-1]}); ask for more")


def choose_each(room: Room, ledger: Ledger, *, seed: int) -> Capacity:
    """Choose the width of each network that `auto` tries; one that does not fit is left out, as trees may still do.

    Args:
        room: What the file has to fit into.
        ledger: The account; every try is charged as `probe`.
        seed: Seed of the untrained weights.

    Returns:
        Options by name of what is tried, trees among them, and the reasons.
    """
    binary = room.problem.task == "binary"
    options: dict[str, Mapping[str, Any]] = {"trees": {}}
    reasons, dearest = [], 0.0
    for network in AUTO_NETWORKS:
        by_hand = network == "mlp" and binary
        least = MODULE_SECONDS if binary or network != AUTO_NETWORKS[0] else FIRST_MODULE_SECONDS
        if not by_hand and ledger.clock in MEASURED_CLOCKS and ledger.limit < least:
            reasons.append(f"{network}: left out, as exporting it would take too much of {ledger.limit:g} s")
            continue
        try:
            found = (
                choose_widths(room, ledger, seed=seed, quantize="none")
                if by_hand
                else choose_width(room, ledger, network=network, options={}, seed=seed, quantize="none")
            )
        except InfeasibleError as error:
            reasons.append(f"{network}: left out ({error})")
            continue
        options[network], dearest = found.options, max(dearest, found.export_cost)
        reasons.append(found.reason)
    return Capacity(options, "; ".join(reasons), dearest)


def _reason(name: str, n_train: int, first: int, refused: Sequence[str]) -> str:
    if refused:
        return f"{name} is the widest of the menu that fits; refused: {'; '.join(refused)}"
    if first == 0:
        return f"{name}: the widest of the menu, and it fits"
    return f"{name}: the widest that {n_train} training rows justify, and it fits"
