"""Chooses the chain that meets limits: width × sparsity × bits, screened by short recoveries inside the budget.

For each way to store the weights the widest network that fits is found: the more capacity, the less is lost. What is
left of the grid, a handful, is screened by successive halving (Jamieson and Talwalkar 2016): short recoveries, the
better half goes on, and the last one gets the rest of the budget. Whatever is said to fit was exported and measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import torch

from efficienttrust.compression import NetworkScorer
from efficienttrust.compression.quantisation import QuantiseStep
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.choice import choose
from efficienttrust.models.counting import count_flops
from efficienttrust.pipeline._document import export_metadata
from efficienttrust.pipeline._progress import Tell
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._room import Room
from efficienttrust.pipeline.compressing._chain import Chain, parse_chain
from efficienttrust.pipeline.compressing._forge import Forge
from efficienttrust.resources import Ledger
from efficienttrust.resources.budget import TimeLimit
from efficienttrust.resources.clocks import MEASURED_CLOCKS
from efficienttrust.training import lever_of

if TYPE_CHECKING:
    from efficienttrust.pipeline.compressing._compress import Source

DEFAULT_TIME = TimeLimit(30.0, "wall")
KEPT = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05)  # shares of the units
STORED = (  # (share of the weights that are masked, quantisation)
    (0.0, ""), (0.0, "int8"), (0.0, "int4"), (0.8, "int8"), (0.5, ""), (0.8, ""), (0.9, ""),
)  # fmt: skip
SCREENING = 0.25  # of the budget: what the search may take on top of the training of the one that is delivered
TUNING = 0.75  # of what is left, for the last recovery; the rest is for calibration and export
SCREENED = {True: 6, False: 3}  # candidates at most: of networks that are exported by hand, of torch modules
EFFORT = 0.2  # of a full calibration, to rank what is screened
RETRIES = 3  # networks of one way of storing that are exported before it is given up
BYTES = {"": 4.0, "int8": 1.05, "int4": 0.65}  # of a weight in the file, scales included
MASK = 1 / 8  # bytes of a weight that may be masked, on top of those that are not


@dataclass(eq=False)
class Option:
    """A point of the grid whose file was exported and measured.

    Attributes:
        words: The chain that leads to it, without recovery.
        quantisation: The quantisation among them.
        size: Bytes of its file, before any recovery.
        misfits: Which limits that file exceeds; empty where it fits.
        forge: The network, once it is screened.
        recoveries: Recoveries so far, as `--recover` takes them.
        ranks: Utility less shortfall after each rung.
        latency: Of that file, p95 of one row, in milliseconds.
    """

    words: tuple[tuple[str, str], ...]
    quantisation: QuantiseStep | None
    size: int
    misfits: Sequence[str]
    latency: float
    forge: Forge | None = None
    recoveries: list[str] = field(default_factory=list)
    ranks: list[float] = field(default_factory=list)

    @property
    def chain(self) -> Chain:
        """All that was done to it, in order."""
        return parse_chain([*self.words, *(("recover", text) for text in self.recoveries)])


@dataclass(frozen=True, eq=False)
class Search:
    """What a search works on.

    Attributes:
        source: The run that is compressed.
        problem: The problem.
        request: What was asked for, limits included.
        ledger: The account.
        tell: Signs of life.
    """

    source: Source
    problem: Problem
    request: Request
    ledger: Ledger
    tell: Tell

    def forge(self) -> Forge:
        """Return the network of the source anew."""
        from efficienttrust.pipeline.compressing._compress import forge_of

        return forge_of(self.source, self.problem, self.request, self.ledger, self.tell)

    @cached_property
    def room(self) -> Room:
        """What the file has to fit into."""
        fair = any(lever_of(target, self.problem.task) == "fairness" for target in self.request.targets)
        metadata = export_metadata(self.problem, self.request)
        return Room(self.problem, self.request.budget, self.request.aware, fair, metadata)

    def make(self, words: tuple[tuple[str, str], ...]) -> Option:
        """Make a point of the grid, untrained, and measure its file; weights are masked at once here."""
        at_once = parse_chain([(verb, text.replace("gradual", "magnitude")) for verb, text in words])
        forge = self.forge()
        forge.apply(at_once)
        file = self.room.file_of(forge.members(at_once.quantisation).members[0].scorer)
        return Option(words, at_once.quantisation, file.size_bytes, self.room.misfits(file), self.room.latency_of(file))


def choose_chain(
    source: Source, problem: Problem, request: Request, ledger: Ledger, tell: Tell
) -> tuple[Forge, Chain, Mapping[str, Any]]:
    """Return the network to deliver, the chain that leads to it, and the record of the search.

    Raises:
        InfeasibleError: Nothing on the grid meets the limits; the message says what comes nearest.
    """
    search = Search(source, problem, request, ledger, tell)
    tell("search")
    with ledger.phase("search"):
        options, refused = _that_fit(search)
    if not options:
        raise InfeasibleError(_nothing_fits(request, refused))
    screening = SCREENING * (ledger.limit - ledger.used())
    left = list(options)
    rungs = math.ceil(math.log2(len(left)))
    for _ in range(rungs):
        share = screening / rungs / len(left)
        for one in left:
            _recover(one, share, search)
            one.ranks.append(_rank(one, search))
        left = sorted(left, key=lambda one: -one.ranks[-1])[: max(1, len(left) // 2)]
    best = left[0]
    _recover(best, TUNING * max(ledger.remaining(), 0.0), search)
    assert best.forge is not None
    grid = [{**_said(one), "chosen": one is best} for one in (*options, *refused)]
    return best.forge, best.chain, {"limits": str(request.budget), "grid": grid}


def _that_fit(search: Search) -> tuple[list[Option], list[Option]]:
    """Return for each way of storing weights the widest network whose file fits, and what did not fit.

    A cost model says where to begin: bytes from the number of weights, latency from operations on a line between the
    widest and the narrowest network, whose files are measured. What it proposes is exported; where that does not fit,
    the next narrower one is.
    """
    widest, narrowest = search.make(()), search.make(words_of(KEPT[-1], 0.0, ""))
    found: list[Option] = [widest] if not widest.misfits else []
    refused: list[Option] = [widest] if widest.misfits else []
    costs = predictor(search, widest, narrowest)
    for masked, quantisation in STORED:
        if not masked and not quantisation and found:
            continue
        if masked and found and found[0] is widest:
            continue  # it fits as it is: nothing is gained by masking weights
        tries = [kept for kept in KEPT if costs(kept, masked, quantisation)][:RETRIES] or [KEPT[-1]]
        for kept in tries:
            tried = search.make(words_of(kept, masked, quantisation))
            (refused if tried.misfits else found).append(tried)
            if not tried.misfits:
                break
    most = SCREENED[isinstance(search.source.scorer, NetworkScorer)]
    return found[:most], refused


def predictor(search: Search, widest: Option, narrowest: Option) -> Callable[[float, float, str], bool]:
    """Return whether a point of the grid is predicted to fit, by (share of units kept, share masked, quantisation)."""
    budget = search.request.budget

    @cache
    def counts(kept: float) -> tuple[int, int, float]:
        """Return weights that can be pruned or rounded, all others, and operations of a row."""
        forge = search.forge()
        forge.apply(parse_chain(words_of(kept, 0.0, "")))
        module = forge.piece.module
        matrices = sum(one.numel() for one in module.parameters() if one.ndim > 1)
        everything = sum(one.numel() for one in module.parameters())
        flops = count_flops(module, [torch.zeros(1, *forge.piece.shape)]).per_row
        return matrices, everything - matrices, flops

    base = widest.size - 4 * sum(counts(1.0)[:2])
    slow, fast = widest.latency, narrowest.latency

    def fits(kept: float, masked: float, quantisation: str) -> bool:
        matrices, others, flops = counts(kept)
        per_weight = BYTES[quantisation] * (1 - masked) + (MASK if masked else 0.0)
        size = base + matrices * per_weight + 4 * others
        span = max(counts(1.0)[2] - counts(KEPT[-1])[2], 1.0)
        latency = fast + (slow - fast) * (flops - counts(KEPT[-1])[2]) / span
        return (
            (budget.size is None or size <= budget.size)
            and (budget.latency is None or quantisation != "" or latency <= budget.latency)
            and (budget.parameters is None or matrices + others <= budget.parameters)
        )

    return fits


def words_of(kept: float, masked: float, quantisation: str) -> tuple[tuple[str, str], ...]:
    """Return the chain of a point of the grid, without recovery."""
    words: list[tuple[str, str]] = []
    if kept < 1:
        words.append(("prune", f"structured:{round(1 - kept, 2):g}"))
    if masked:
        words.append(("prune", f"gradual:{masked:g}"))
    if quantisation:
        words.append(("quantize", quantisation))
    return tuple(words)


def _recover(option: Option, amount: float, search: Search) -> None:
    """Train an option for an amount on the declared clock."""
    clock = search.ledger.clock
    seconds = clock in MEASURED_CLOCKS
    text = f"{max(amount, 1e-6):.6g}s {clock}" if seconds else f"{max(1, math.floor(amount))} {clock}"
    first = option.forge is None
    option.forge = option.forge or search.forge()
    option.recoveries.append(text)
    option.forge.apply(option.chain if first else parse_chain([("recover", text)]))


def _rank(option: Option, search: Search) -> float:
    """Return utility less shortfall of an option on the calibrate split, as it would be deployed."""
    assert option.forge is not None
    request = search.request
    with search.ledger.phase("search"):
        candidates = option.forge.members(option.quantisation)
        choice, _ = choose(
            search.problem,
            [candidates.members[0].scorer],
            request.targets,
            candidates.head,
            aware=request.aware,
            seed=request.seed,
            affordable=lambda _index: EFFORT,
        )
    return float(choice.calibrated.rank)


def _said(option: Option) -> dict[str, Any]:
    words = [*option.words, *(("recover", text) for text in option.recoveries)]
    return {
        "chain": [" ".join(word) for word in words],
        "size_bytes": option.size,
        "exceeds": list(option.misfits),
        "ranks": option.ranks,
    }


def _nothing_fits(request: Request, refused: Sequence[Option]) -> str:
    """Say which limits nothing meets, and what the nearest would be."""
    nearest = min(refused, key=lambda one: (len(one.misfits), one.size))
    chain = ", ".join(" ".join(word) for word in nearest.words) or "the network as it is"
    return (
        f"nothing that can be made of this network meets {request.budget}: what comes nearest ({chain}) has "
        f"{'; '.join(nearest.misfits)}; ask for more, or begin with a smaller network"
    )
