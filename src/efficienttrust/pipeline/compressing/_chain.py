"""A chain of compression steps: what was asked for, in order, checked before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.compression.pruning import PruneStep, parse_pruning
from efficienttrust.compression.quantisation import QuantiseStep, parse_quantisation
from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.resources.budget import TimeLimit
from efficienttrust.training.distillation import DistilOptions, parse_distillation

VERBS = ("prune", "quantize", "distil", "recover")


@dataclass(frozen=True)
class RecoverStep:
    """Trust-aware training of what the chain has made so far.

    Attributes:
        limit: How long, on which clock.
    """

    limit: TimeLimit


Step = PruneStep | QuantiseStep | DistilOptions | RecoverStep


@dataclass(frozen=True)
class Chain:
    """Steps in order.

    Attributes:
        steps: The steps.
        words: (verb, text) of each, as the user wrote them.
    """

    steps: tuple[Step, ...]
    words: tuple[tuple[str, str], ...]

    @property
    def texts(self) -> list[str]:
        """Each step as one text, e.g. `prune structured:0.5`."""
        return [f"{verb} {text}" for verb, text in self.words]

    @property
    def quantisation(self) -> QuantiseStep | None:
        """The quantisation among the steps; there is at most one."""
        return next((step for step in self.steps if isinstance(step, QuantiseStep)), None)

    def time(self) -> TimeLimit | None:
        """Return what the recoveries take together, on their one clock; None without any."""
        limits = [step.limit for step in self.steps if isinstance(step, RecoverStep)]
        return TimeLimit(sum(limit.amount for limit in limits), limits[0].clock) if limits else None


def parse_chain(words: Sequence[tuple[str, str]]) -> Chain:
    """Read a chain from (verb, text) pairs such as `("prune", "structured:0.5")`.

    Raises:
        UsageError: An unknown verb or method, or an order that makes no sense.
    """
    steps = tuple(_parsed(verb, text) for verb, text in words)
    chain = Chain(steps, tuple((verb, text.strip()) for verb, text in words))
    _refuse_nonsense(chain)
    return chain


def _parsed(verb: str, text: str) -> Step:
    if verb == "prune":
        return parse_pruning(text)
    if verb == "quantize":
        return parse_quantisation(text)
    if verb == "distil":
        return parse_distillation(text)
    if verb == "recover":
        return RecoverStep(TimeLimit.parse(text, f"--recover {text.strip()}"))
    raise unknown_name("step of a compression", verb, VERBS)


def _refuse_nonsense(chain: Chain) -> None:
    quantised = ""
    changed = False
    for place, (step, text) in enumerate(zip(chain.steps, chain.texts, strict=True)):
        later = chain.steps[place + 1 :]
        trained = any(isinstance(one, RecoverStep) for one in later)
        if isinstance(step, PruneStep | DistilOptions) and quantised:
            raise UsageError(f"--{text} after --{quantised}: rounded weights are not changed again; quantize last")
        if isinstance(step, QuantiseStep):
            if quantised:
                raise UsageError(f"--{text} after --{quantised}: a network is quantised once; leave out one of the two")
            quantised = text
        if isinstance(step, PruneStep) and step.needs_training and not trained:
            raise UsageError(f"--{text} prunes while training, and no --recover follows: add --recover 5s after it")
        if isinstance(step, DistilOptions):
            if not trained:
                raise UsageError(f"--{text}: nobody trains the student; add --recover 10s after it")
            if step.student and changed:
                raise UsageError(f"--{text} begins a new network, so that what is before it is lost: put it first")
        changed = changed or isinstance(step, PruneStep)
    clocks = {step.limit.clock for step in chain.steps if isinstance(step, RecoverStep)}
    if len(clocks) > 1:
        raise UsageError(f"--recover is given on the clocks {' and '.join(sorted(clocks))}: use one clock in a chain")
