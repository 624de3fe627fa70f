"""Running a study: trials are claimed from the store, run by an executor, and written back.

`run_trial` is one trial, from its settings to its outcome. An *executor* runs trials in fresh processes, on this
machine or on many, and kills those that exceed their limits. The *driver*, `run_study`, holds a lease for each trial
that runs, renews it, and writes the outcome under the lease's token: whatever is killed, and whenever, the next call
goes on where this one stopped.

    >>> outcome = run_trial({"data": {"source": "german"}, "method": "threshold", "budget": "time=20 steps", "seed": 0})
    >>> outcome.status, outcome.figures["cost.steps"]
    ('done', 20.0)
"""

from efficienttrust.study.running._drive import Driven, Progress, run_study
from efficienttrust.study.running._run_trial import run_trial
from efficienttrust.study.running.executors import Ended, Executor, ExecutorOptions, Limits, executors

__all__ = [
    "Driven",
    "Ended",
    "Executor",
    "ExecutorOptions",
    "Limits",
    "Progress",
    "executors",
    "run_study",
    "run_trial",
]
