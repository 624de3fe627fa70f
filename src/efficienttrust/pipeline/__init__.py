"""The verbs as readable sequences: what `fit` and `verify` do, from the data to the proof.

    problem -> capacity -> train -> calibrate -> export -> evaluate the exported file -> certify -> Run -> report

One way, no back and forth. Everything up to the delivered file is charged to the budget; the evaluation that proves it
is charged apart.

    >>> from efficienttrust import Budget, fit, load_problem
    >>> run = fit(load_problem("german"), budget="time=60 steps", targets=["dpd <= 0.2"])
    >>> run.verdicts[0].target.metric
    'demographic_parity_difference'
"""

from efficienttrust.pipeline._progress import ProgressEvent
from efficienttrust.pipeline.fit import fit
from efficienttrust.pipeline.run import Run, load_run
from efficienttrust.pipeline.verify import VerifiedVerdict, verify
from efficienttrust.training import request_stop

__all__ = ["ProgressEvent", "Run", "VerifiedVerdict", "fit", "load_run", "request_stop", "verify"]
