"""Training by PPO (Schulman et al. 2017) of stable-baselines3 on 16 runs side by side; needs the extra `rl`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats.learning import READS, Dynamics, ResidualNetwork
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.policies._experience import make_experience

RUNS = 16
HIDDEN = (32, 32)
SETTINGS: dict[str, Any] = {
    "n_steps": 128, "batch_size": 256, "n_epochs": 8, "gamma": 1.0, "gae_lambda": 0.95, "learning_rate": 5e-4,
    "ent_coef": 0.0, "clip_range": 0.2,
}  # fmt: skip
START_LOG_SPREAD = -0.7


def train_ppo(
    decisions: int, seed: int, dynamics: Dynamics | None, tell: Callable[[int, float], None]
) -> tuple[ResidualNetwork, int, list[tuple[int, float]]]:
    """Return the trained network, the decisions made, and the mean return of the episodes of every rollout.

    Args:
        decisions: Decisions to make at least; PPO rounds up to whole rollouts.
        seed: Of everything random.
        dynamics: Of logged runs, or None.
        tell: Called with decisions so far and the mean return of the rollout.
    """
    try:
        import torch
        from stable_baselines3 import PPO
        from stable_baselines3.common.callbacks import BaseCallback

        from efficienttrust.pipeline.policies._side_by_side import SideBySide
    except ImportError as error:
        raise UsageError(
            f"PPO needs {error.name}: pip install 'efficienttrust[rl]', or train with --algorithm es"
        ) from None

    runs = SideBySide(make_experience(RUNS, seed, dynamics))
    curve: list[tuple[int, float]] = []

    class Curve(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            returns = runs.take_returns()
            curve.append((self.num_timesteps, float(np.mean(returns)) if returns else float("nan")))
            tell(*curve[-1])

    settings = {**SETTINGS, "n_steps": max(min(SETTINGS["n_steps"], -(-decisions // RUNS)), 2)}
    settings["batch_size"] = min(SETTINGS["batch_size"], RUNS * settings["n_steps"])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads are not reproducible
    try:
        model = PPO(
            "MlpPolicy", runs, seed=seed, device="cpu", verbose=0, **settings,
            policy_kwargs={"net_arch": list(HIDDEN), "activation_fn": torch.nn.Tanh, "log_std_init": START_LOG_SPREAD},
        )  # fmt: skip
        model.learn(decisions, callback=Curve())
    finally:
        torch.set_num_threads(threads)
    network = model.policy.mlp_extractor.policy_net
    linear = [module for module in (*network, model.policy.action_net) if isinstance(module, torch.nn.Linear)]
    layers = [(_values(one.weight).T, _values(one.bias)) for one in linear]
    assert layers[0][0].shape[0] == len(READS)
    return ResidualNetwork(layers, *runs.seen, {}), int(model.num_timesteps), curve


def _values(parameter: Any) -> NDArray[np.float64]:
    return np.asarray(parameter.detach().cpu().numpy(), dtype=np.float64)
