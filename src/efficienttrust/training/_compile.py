"""Whether `torch.compile` pays: it costs seconds to a minute once, and saves a share of every step after that.

Asked twice, as nobody knows the saving before having paid for it: first by what compiling usually costs and saves,
then, when both were measured, by whether the compiled step is faster. What was spent in between is charged all the
same.
"""

from __future__ import annotations

from typing import Literal

Compile = Literal["auto", "on", "off"]
COMPILES: tuple[Compile, ...] = ("auto", "on", "off")

USUAL_SECONDS = 40.0  # of compiling a training step of a network of this size
USUAL_SAVING = 0.25  # share of a step on a GPU, where eager kernels of small networks wait for Python
PRUDENCE = 2.0  # the predicted saving has to exceed the predicted cost by this factor
FASTER = 0.97  # of the plain step: what a compiled one has to undercut to be kept


def worth_trying(
    choice: Compile, *, on_gpu: bool, clock: str, plain: float, remaining: float, enough_steps: float
) -> bool:
    """Return whether to compile, before anything about it was measured.

    Args:
        choice: What the user said. `on` and `off` decide; `auto` asks the arithmetic.
        on_gpu: Whether training runs on a GPU: on CPUs a compiled step was at most 8 % faster (research/efficiency.md).
        clock: Clock of the budget: on a counted one nothing is saved, and a run must not depend on what was timed.
        plain: Cost of a step, in seconds of that clock.
        remaining: What is left on it.
        enough_steps: Steps after which more training buys nothing.
    """
    if choice != "auto":
        return choice == "on"
    if not on_gpu or clock not in ("wall", "cpu") or plain <= 0:
        return False
    steps = min((remaining - USUAL_SECONDS) / plain, enough_steps)
    return steps * plain * USUAL_SAVING > PRUDENCE * USUAL_SECONDS


def worth_keeping(choice: Compile, *, plain: float, compiled: float) -> bool:
    """Return whether to go on with the compiled step, both having been measured; its cost is spent either way."""
    return choice == "on" or compiled < FASTER * plain
