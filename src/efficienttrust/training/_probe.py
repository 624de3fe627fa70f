"""The probe: what a plain step, an adversarial step and a look cost here, measured before anything is planned."""

from __future__ import annotations

import torch

from efficienttrust.atats import TrustAction
from efficienttrust.compression import NetworkScorer
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler, batch_size_for
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._step import Stepper

WARM_UP_STEPS, TIMED_STEPS = 2, 5
COUNTED = ("steps", "samples", "flops")


def probe(stepper: Stepper, monitor: Monitor, ledger: Ledger, costs: CostModel, *, robust: bool) -> None:
    """Feed the cost model: by timing steps and a look on a network that is thrown away, or by counting.

    On the counted clocks (steps, samples, FLOPs) costs are known exactly and nothing is spent.

    Args:
        stepper: A stepper that may be spoilt.
        monitor: The monitor of the run.
        ledger: The account; the probe is charged to it.
        costs: Where the measurements go.
        robust: Whether adversarial steps will be needed.
    """
    n_rows = len(stepper.data.y)
    size = min(batch_size_for(n_rows), n_rows)
    settings = {"plain step": TrustAction(lambda_fair=0.1)}
    if robust:
        settings["adversarial step"] = TrustAction(lambda_fair=0.1, adversarial_share=1.0)
    look_flops = stepper.network.flops_per_row() * monitor.forward_rows
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
                x = stepper.attack(stepper.data.x.index_select(0, rows), rows, action)
                stepper.step(x, rows, action, 1e-4)
                ledger.count(steps=1, samples=len(rows), flops=stepper.flops(len(rows), action))
                if index >= WARM_UP_STEPS:
                    costs.observe(name, ledger.used() - before)
        before = ledger.used()
        network = stepper.network
        with torch.no_grad():
            z = network(torch.from_numpy(monitor.x)).numpy()
        monitor.look(NetworkScorer(network.layers()), z, guard=robust)
        ledger.count(flops=look_flops)
        costs.observe("monitor", ledger.used() - before)
