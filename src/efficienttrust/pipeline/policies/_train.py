"""`policy train`: experience, a search, and a file of weights that says where it comes from."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from efficienttrust import __version__
from efficienttrust.atats.learning import ENVIRONMENT, READS, ResidualNetwork, save_network
from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.pipeline.policies._evolution import evolve
from efficienttrust.pipeline.policies._experience import dynamics_of
from efficienttrust.pipeline.policies._ppo import train_ppo

ALGORITHMS = {"ppo": train_ppo, "es": evolve}
LIBRARIES = {"ppo": ("numpy", "torch", "gymnasium", "stable_baselines3"), "es": ("numpy",)}
CURVE_POINTS = 40


def train_policy(
    out: Path,
    *,
    decisions: int = 200_000,
    seed: int = 0,
    algorithm: str = "ppo",
    runs: Sequence[Path] = (),
    tell: Callable[[int, float], None] = lambda decisions, mean_return: None,
) -> ResidualNetwork:
    """Train weights of the policy `rl` on micro-tasks and write them; the same seed gives the same file.

    Args:
        out: The .npz file to write.
        decisions: Decisions to make at least.
        seed: Of everything random.
        algorithm: `ppo` (extra `rl`) or `es`, an evolution strategy in numpy.
        runs: Folders of logged runs, whose fitted dynamics serve half of the experience.
        tell: Called with the decisions made and the mean return, from time to time.

    Raises:
        UsageError: Unknown algorithm, a missing extra, runs that may not or cannot be learned from, no such folder.
    """
    if algorithm not in ALGORITHMS:
        raise unknown_name("algorithm", algorithm, ALGORITHMS)
    if decisions < 1 or seed < 0:
        raise UsageError(f"decisions={decisions} must be at least 1 and seed={seed} at least 0")
    if out.suffix != ".npz":
        raise UsageError(f"--out {out}: give a file that ends in .npz")
    dynamics = dynamics_of(runs) if runs else None
    network, made, curve = ALGORITHMS[algorithm](decisions, seed, dynamics, tell)
    stride = -(-len(curve) // CURVE_POINTS)
    network = replace(
        network,
        provenance={
            "environment": ENVIRONMENT,
            "algorithm": algorithm,
            "seed": seed,
            "decisions": made,
            "reads": list(READS),
            "logged_runs": [str(folder) for folder in runs],
            "curve": [[at, round(value, 5)] for at, value in curve[stride - 1 :: stride]],
            "versions": {
                "efficienttrust": __version__,
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in LIBRARIES[algorithm]},
            },
        },
    )
    save_network(network, out)
    return network
