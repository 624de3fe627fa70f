"""What the policy `rl` is trained on and made of: real, tiny training runs whose metrics are known exactly.

A *micro-task* is a linear model on a random mixture of Gaussians, two groups by two labels. Its training is real
(finite rows, minibatches, attacked shares, a fairness penalty, costs that use up a budget), and because a linear score
of Gaussian rows is Gaussian, accuracy, selection rates and robust accuracy are known in closed form at every moment.
What a policy sees carries the noise of a validation set; what it is paid by does not. `AtatsSim-v0` offers one such run
as a Gymnasium environment; the learned policy corrects `plan` by a bounded residual, so it stays close to `plan`.

Trained weights are a small file that numpy reads: torch, gymnasium and stable-baselines3 serve for training alone.

    >>> from efficienttrust.atats.learning import MicroRuns, Residual, draw_tasks
    >>> runs = MicroRuns(draw_tasks(seed=0, n=2), [Residual(), Residual()], seed=1)
    >>> runs.states[0].progress < 0.2
    True
"""

from efficienttrust.atats.learning._episodes import Episodes, Outcome
from efficienttrust.atats.learning._logged import Dynamics, LoggedRuns, fit_dynamics, state_of
from efficienttrust.atats.learning._micro_runs import MicroRuns
from efficienttrust.atats.learning._network import ResidualNetwork, load_network, save_network, shipped_weights
from efficienttrust.atats.learning._residual import READS, Residual, corrected, reading_of
from efficienttrust.atats.learning._tasks import Task, draw_task, draw_tasks

ENVIRONMENT = "AtatsSim-v0"


def register_environment() -> str:
    """Make `AtatsSim-v0` known to gymnasium and return its name; needs the extra `rl`."""
    import gymnasium

    if ENVIRONMENT not in gymnasium.registry:
        gymnasium.register(ENVIRONMENT, entry_point="efficienttrust.atats.learning._environment:AtatsSim")
    return ENVIRONMENT


__all__ = [
    "ENVIRONMENT",
    "READS",
    "Dynamics",
    "Episodes",
    "LoggedRuns",
    "MicroRuns",
    "Outcome",
    "Residual",
    "ResidualNetwork",
    "Task",
    "corrected",
    "draw_task",
    "draw_tasks",
    "fit_dynamics",
    "load_network",
    "reading_of",
    "register_environment",
    "save_network",
    "shipped_weights",
    "state_of",
]
