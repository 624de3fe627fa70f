"""Where training gets its experience: micro-tasks, and, when logs are given, dynamics fitted to logged runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.atats import STATE_VERSION, Plan, TrustState
from efficienttrust.atats.learning import (
    Dynamics,
    Episodes,
    LoggedRuns,
    MicroRuns,
    Residual,
    draw_task,
    fit_dynamics,
    state_of,
)
from efficienttrust.errors import UsageError

KEPT_FOR_EVALUATION = (
    "acs_income", "adult", "chexpert", "cifar10", "cifar100", "cifar10_c", "communities_crime", "compas", "diabetes130",
    "german", "imagenet", "imagenet_c", "law", "mimic_cxr", "mimic_iv", "mnist", "nih_cxr", "pneumonia_mnist",
)  # fmt: skip
"""Names of the problems that EfficientTrust is evaluated on: no policy learns from runs on them."""


def read_trajectory(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the document of a run and its trajectory.

    Raises:
        UsageError: Not a run, a damaged one, or one that recorded no trajectory of this layout.
    """
    path = folder / "run.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        trajectory = document.get("trajectory") or {}
        version, states = trajectory.get("state_version"), trajectory.get("states")
    except FileNotFoundError:
        raise UsageError(f"{folder} is not a run: it has no run.json; give the folder of a run of fit") from None
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is damaged ({type(error).__name__}); run fit again") from None
    if not states:
        raise UsageError(
            f"{folder} recorded no states of a policy; give a run of a network of at least one monitor point"
        )
    if version != STATE_VERSION:
        raise UsageError(f"{folder} recorded states of version {version}, and this is {STATE_VERSION}; run fit again")
    return document, trajectory


def logged(trajectory: dict[str, Any]) -> tuple[list[TrustState], Plan, list[str]]:
    """Return the states that a policy saw, the plan, and what was held.

    Raises:
        UsageError: The trajectory is damaged.
    """
    try:
        states = [state_of(one) for one in trajectory["states"]]
        plan: dict[str, Any] = {
            name: math.inf if value is None else value  # JSON has no infinity: the end of a run without a limit
            for name, value in trajectory["plan"].items()
        }
        return states, Plan(**plan), list(trajectory["held"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(
            f"the recorded trajectory is damaged ({type(error).__name__}: {error}); run fit again"
        ) from None


def dynamics_of(folders: Sequence[Path]) -> Dynamics:
    """Fit dynamics to logged runs.

    Raises:
        UsageError: A run on data kept for evaluation, not a run, or too few of them.
    """
    runs = []
    for folder in folders:
        document, trajectory = read_trajectory(folder)
        name = str(document.get("problem", {}).get("name"))
        if name.lower() in KEPT_FOR_EVALUATION:
            raise UsageError(f"{folder} is a run on {name}, which is kept for evaluation: no policy learns from it")
        runs.append(logged(trajectory))
    return fit_dynamics(runs)


def make_experience(n: int, seed: int, dynamics: Dynamics | None) -> list[Episodes]:
    """Return runs in n slots altogether: of micro-tasks, or half of them by fitted dynamics when those are given."""
    by_log = 0 if dynamics is None else n // 2
    rng = np.random.default_rng(seed)
    micro = n - by_log
    episodes: list[Episodes] = [
        MicroRuns([draw_task(rng) for _ in range(micro)], [Residual() for _ in range(micro)], int(rng.integers(2**31)))
    ]
    if dynamics is not None and by_log:
        episodes.append(LoggedRuns(dynamics, [Residual() for _ in range(by_log)], int(rng.integers(2**31))))
    return episodes
