"""Training: from a problem, a ledger and a policy to candidates, inside the budget.

    batch -> losses -> step -> charge -> (monitor -> act)          repeated until the plan ends

The loop knows no policy and the policy knows no torch. Before the first step the trainer measures what a step, an
attack and a look cost, plans the run (`efficienttrust.atats.make_plan`), and keeps back what calibration and export
will need. It stops *before* the limit. What it returns are candidates: scorers with their cost, to be calibrated,
chosen and certified by code that is the same for every trainer.

    >>> from efficienttrust.training import trainers
    >>> [name for name in trainers.names() if "gradient" not in name]
    ['auto', 'grid_search', 'lightgbm', 'network', 'static_grid', 'successive_halving', 'trees']
"""

from efficienttrust.training._inputs import described, inputs_from, inputs_of
from efficienttrust.training._interrupt import clear_stop, request_stop
from efficienttrust.training._levers import lever_of
from efficienttrust.training._settings import Settings, parse_augmentation
from efficienttrust.training._trainer import (
    AUTO_NETWORKS,
    Candidate,
    Candidates,
    Trainer,
    TrainingTask,
    trainers,
)

__all__ = [
    "AUTO_NETWORKS",
    "Candidate",
    "Candidates",
    "Settings",
    "Trainer",
    "TrainingTask",
    "clear_stop",
    "described",
    "inputs_from",
    "inputs_of",
    "lever_of",
    "parse_augmentation",
    "request_stop",
    "trainers",
]
