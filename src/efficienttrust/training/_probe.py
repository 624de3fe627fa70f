"""The probe: what a plain step, an adversarial step and a look cost here, measured before anything is planned.

The steps are the first ones of the training, so that a small budget loses nothing by them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from efficienttrust.atats import TrustAction
from efficienttrust.errors import UsageError
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._compile import Compile, worth_keeping, worth_trying
from efficienttrust.training._landscape import LossLandscape
from efficienttrust.training._module_step import ModuleStepper
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._stepping import Stepping

WARM_UP_STEPS, TIMED_STEPS = 1, 4
SPOILT_RATE = 1e-4  # learning rate of steps whose weights are thrown away
COUNTED = ("steps", "samples", "flops")


def probe(
    stepper: Stepping,
    monitor: Monitor,
    ledger: Ledger,
    costs: CostModel,
    *,
    batch_size: int,
    robust: bool,
    landscape: LossLandscape | None = None,
) -> None:
    """Feed the cost model: by timing the first steps of the training and a look, or by counting.

    On the counted clocks (steps, samples, FLOPs) costs are known exactly and nothing is spent. What the landscape costs
    is not worth measuring before it is needed: it follows from the operations of a step.

    Args:
        stepper: The stepper of the run, which is trained by a few steps at its full learning rate.
        monitor: The monitor of the run.
        ledger: The account; the probe is charged to it.
        costs: Where the measurements go.
        batch_size: Rows of a batch.
        robust: Whether adversarial steps will be needed.
        landscape: What else a look measures; or None.
    """
    n_rows, size = stepper.n_rows, batch_size
    settings = {"plain step": TrustAction(lambda_fair=0.1)}
    if robust:
        settings["adversarial step"] = TrustAction(lambda_fair=0.1, adversarial_share=1.0)
    around = 0.0 if landscape is None else landscape.flops
    look_flops = stepper.forward_flops() * monitor.forward_rows
    if ledger.clock in COUNTED:
        for name, action in settings.items():
            flops = stepper.flops(size, action)
            costs.observe(name, {"steps": 1.0, "samples": float(size), "flops": flops}[ledger.clock])
        costs.observe("monitor", look_flops if ledger.clock == "flops" else 0.0)
        costs.observe("landscape", around if ledger.clock == "flops" else 0.0)
        return
    with ledger.phase("probe"):
        shuffler = Shuffler(n_rows, size, torch.Generator().manual_seed(0))
        for name, action in settings.items():
            for cost in _spent(stepper, shuffler, ledger, action, ledger.clock, rate=stepper.learning_rate):
                costs.observe(name, cost)
        before = ledger.used()
        scorer = stepper.scorer()
        monitor.look(scorer, monitor.score(scorer), guard=robust)
        ledger.count(flops=look_flops)
        costs.observe("monitor", ledger.used() - before)
    plain = max(stepper.flops(size, settings["plain step"]), 1.0)
    costs.observe("landscape", costs.mean("plain step") * around / plain)


def compile_where_it_pays(
    stepper: ModuleStepper, another: Callable[[], Stepping], ledger: Ledger, costs: CostModel, *, batch_size: int,
    choice: Compile, enough_steps: float,
) -> tuple[ModuleStepper, str]:  # fmt: skip
    """Return the stepper to train with, and what a report should say of compiling: nothing where it was not tried.

    Args:
        stepper: The stepper of the run.
        another: Makes another new one, which is compiled and takes the place of the first if it is faster.
        ledger: The account; compiling is charged to the phase `compile`.
        costs: Knows what a plain step costs; learns what a compiled one does.
        batch_size: Rows of a batch.
        choice: What the user said.
        enough_steps: Steps after which more training buys nothing.

    Raises:
        UsageError: Compiling was asked for and is not possible.
    """
    plain = costs.mean("plain step")
    if not worth_trying(
        choice, on_gpu=stepper.setup.device.type == "cuda", clock=ledger.clock, plain=plain,
        remaining=ledger.remaining(), enough_steps=enough_steps,
    ):  # fmt: skip
        return stepper, ""
    counted = ledger.clock in COUNTED
    clock = "wall" if counted else ledger.clock
    twin = another()
    assert isinstance(twin, ModuleStepper)
    twin.parts = stepper.parts
    before = ledger.used(clock)
    with ledger.phase("compile"):
        shuffler = Shuffler(stepper.n_rows, batch_size, torch.Generator().manual_seed(0))
        try:
            twin.compile()
            timed = _spent(
                twin, shuffler, ledger, TrustAction(lambda_fair=0.1), clock, rate=SPOILT_RATE, count=not counted
            )
        except (RuntimeError, OSError) as error:  # no compiler, or code that it cannot read
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:150]}"
            if choice == "on":
                raise UsageError(f"compile=on is not possible here ({reason}); choose compile=off") from error
            return stepper, f"compile: not possible here ({reason}); trained without"
    cost, step = ledger.used(clock) - before, sum(timed) / len(timed)
    if not worth_keeping(choice, plain=plain, compiled=step):
        return stepper, f"compile: {cost:.3g} s spent for nothing: a step took {step:.3g} s in place of {plain:.3g} s"
    twin.load_state_dict(stepper.state_dict())
    if counted:
        return twin, f"compile: {cost:.3g} s"
    costs.load_state_dict({**costs.state_dict(), "plain step": timed})
    return twin, f"compile: {cost:.3g} s; a step takes {step:.3g} s in place of {plain:.3g} s"


def _spent(
    stepper: Stepping, shuffler: Shuffler, ledger: Ledger, action: TrustAction, clock: str, *, rate: float,
    count: bool = True,
) -> list[float]:  # fmt: skip
    """Take steps and return what each cost on a clock, the first ones left out."""
    spent = []
    for _ in range(WARM_UP_STEPS + TIMED_STEPS):
        before = ledger.used(clock)
        rows = shuffler.next()
        x = stepper.attack(stepper.batch(rows, action), rows, action)
        stepper.step(x, rows, action, rate)
        if count:
            ledger.count(steps=1, samples=len(rows), flops=stepper.flops(len(rows), action))
        spent.append(ledger.used(clock) - before)
    return spent[WARM_UP_STEPS:]
