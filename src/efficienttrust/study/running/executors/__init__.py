"""Executors run trials and decide nothing: which ones, and how often, is the store's and the driver's.

Each trial has a fresh process, so that memory, random numbers and tuned kernels of one do not reach another; a crash,
a hang or a leak costs that trial alone. `local` runs them on this machine, `ray` and `slurm` on many.

    >>> with executors.get("local")(ExecutorOptions(workers=1)) as executor:
    ...     executor.submit("first", {"data": {"source": "no such data"}, "budget": "time=1 steps"})
    ...     [ended] = executor.wait(60)
    >>> ended.outcome.status
    'failed'
"""

from efficienttrust.study.running.executors._executor import Ended, Executor, ExecutorOptions, Limits, executors

__all__ = ["Ended", "Executor", "ExecutorOptions", "Limits", "executors"]
