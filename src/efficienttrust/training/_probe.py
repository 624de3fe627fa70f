"""The probe: what a plain step, an adversarial step and a look cost here, measured before anything is planned."""

from __future__ import annotations

import torch

from efficienttrust.atats import TrustAction
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._stepping import Stepping

WARM_UP_STEPS, TIMED_STEPS = 2, 5
COUNTED = ("steps", "samples", "flops")


def probe(
    stepper: Stepping, monitor: Monitor, ledger: Ledger, costs: CostModel, *, batch_size: int, robust: bool
) -> None:
    """Feed the cost model: by timing steps and a look on a network that is thrown away, or by counting.

    On the counted clocks (steps, samples, FLOPs) costs are known exactly and nothing is spent.

    Args:
        stepper: A stepper that may be spoilt.
        monitor: The monitor of the run.
        ledger: The account; the probe is charged to it.
        costs: Where the measurements go.
        batch_size: Rows of a batch.
        robust: Whether adversarial steps will be needed.
    """
    n_rows, size = stepper.n_rows, batch_size
    settings = {"plain step": TrustAction(lambda_fair=0.1)}
    if robust:
        settings["adversarial step"] = TrustAction(lambda_fair=0.1, adversarial_share=1.0)
    look_flops = stepper.forward_flops() * monitor.forward_rows
    if ledger.clock in COUNTED:
        for name, action in settings.items():
            flops = stepper.flops(size, action)
            costs.observe(name, {"steps": 1.0, "samples": float(size), "flops": flops}[ledger.clock])
        costs.observe("monitor", look_flops if ledger.clock == "flops" else 0.0)
        return
    with ledger.phase("probe"):
        shuffler = Shuffler(n_rows, size, torch.Generator().manual_seed(0))
        for name, action in settings.items():
            for index in range(WARM_UP_STEPS + TIMED_STEPS):
                before = ledger.used()
                rows = shuffler.next()
                x = stepper.attack(stepper.batch(rows, action), rows, action)
                stepper.step(x, rows, action, 1e-4)
                ledger.count(steps=1, samples=len(rows), flops=stepper.flops(len(rows), action))
                if index >= WARM_UP_STEPS:
                    costs.observe(name, ledger.used() - before)
        before = ledger.used()
        scorer = stepper.scorer()
        monitor.look(scorer, monitor.score(scorer), guard=robust)
        ledger.count(flops=look_flops)
        costs.observe("monitor", ledger.used() - before)
