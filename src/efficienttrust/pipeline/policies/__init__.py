"""What the verb `policy` does: train the policy `rl`, replay the decisions of a run, compare policies on one problem.

Training happens on micro-tasks (`efficienttrust.atats.learning`), never on data that EfficientTrust is evaluated on. A
replay makes the policy of a run again and lets it decide on the states that the run recorded. A comparison is `fit` for
every policy and seed, with paired differences.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from efficienttrust.pipeline.policies import train_policy
    >>> with TemporaryDirectory() as folder:
    ...     network = train_policy(Path(folder) / "rl.npz", decisions=1, algorithm="es")
    >>> network.provenance["environment"]
    'AtatsSim-v0'
"""

from efficienttrust.pipeline.policies._compare import FIGURES, Comparison, Trial, compare_policies
from efficienttrust.pipeline.policies._evaluate import Difference, differences, outcomes_on_tasks, paired
from efficienttrust.pipeline.policies._experience import KEPT_FOR_EVALUATION
from efficienttrust.pipeline.policies._replay import Replay, ReplayedDecision, replay
from efficienttrust.pipeline.policies._train import ALGORITHMS, train_policy

__all__ = [
    "ALGORITHMS",
    "FIGURES",
    "KEPT_FOR_EVALUATION",
    "Comparison",
    "Difference",
    "Replay",
    "ReplayedDecision",
    "Trial",
    "compare_policies",
    "differences",
    "outcomes_on_tasks",
    "paired",
    "replay",
    "train_policy",
]
