"""Training without the extra: the cross-entropy method (Rubinstein 1999; de Boer et al. 2005) on a linear correction.

Every generation draws candidates around a mean, runs each on the same micro-tasks, and moves mean and spread to the
best. A linear correction of the readings has 36 parameters, which is what such a search can find.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats.learning import READS, Dynamics, Episodes, Residual, ResidualNetwork, reading_of
from efficienttrust.pipeline.policies._experience import make_experience

POPULATION, EPISODES = 32, 24  # a generation makes about 12,000 decisions; a search of few makes smaller ones
ELITES = 4  # one of so many candidates
MEMORY = 0.3  # of mean and spread, from one generation to the next
START_SPREAD, LEAST_SPREAD = 0.5, 0.05
Array = NDArray[np.float64]


def evolve(
    decisions: int, seed: int, dynamics: Dynamics | None, tell: Callable[[int, float], None]
) -> tuple[ResidualNetwork, int, list[tuple[int, float]]]:
    """Return the mean of the last generation, the decisions made, and the mean return of every generation.

    Args:
        decisions: Decisions to make at least.
        seed: Of everything random.
        dynamics: Of logged runs, or None.
        tell: Called with decisions so far and the mean return of the generation.
    """
    rng = np.random.default_rng(seed)
    mean, spread = np.zeros((len(READS) + 1, 2)), np.full((len(READS) + 1, 2), START_SPREAD)
    low, high = np.full(len(READS), np.inf), np.full(len(READS), -np.inf)
    population = min(POPULATION, max(decisions // 200, ELITES))
    episodes = min(EPISODES, max(decisions // (60 * population), 2))
    done, curve = 0, []
    while done < decisions:
        candidates = mean + spread * rng.standard_normal((population, *mean.shape))
        tasks = int(rng.integers(2**31))
        returns = np.zeros(population)
        for index, candidate in enumerate(candidates):
            returns[index], made, seen = _return(_network(candidate, low, high), episodes, tasks, dynamics)
            done += made
            low, high = np.minimum(low, seen.min(axis=0)), np.maximum(high, seen.max(axis=0))
        best = candidates[np.argsort(-returns)[: population // ELITES]]
        mean = MEMORY * mean + (1 - MEMORY) * best.mean(axis=0)
        spread = np.maximum(MEMORY * spread + (1 - MEMORY) * best.std(axis=0), LEAST_SPREAD)
        curve.append((done, float(returns.mean())))
        tell(*curve[-1])
    return _network(mean, low, high), done, curve


def _network(parameters: Array, low: Array, high: Array) -> ResidualNetwork:
    return ResidualNetwork([(parameters[:-1], parameters[-1])], low, high, {})


def _return(network: ResidualNetwork, n: int, seed: int, dynamics: Dynamics | None) -> tuple[float, int, Array]:
    """Return the mean return over n episodes, the decisions they took and what was read."""
    total, made = 0.0, 0
    seen = []
    for episodes in make_experience(n, seed, dynamics):
        while not episodes.finished.all():
            seen.append(steer(episodes, network))
            made += int((~episodes.finished).sum())
            total += float(episodes.decide().sum())
    return total / n, made, np.concatenate(seen)


def steer(episodes: Episodes, network: ResidualNetwork) -> Array:
    """Set the correction of every run that goes on; return what was read, [runs, fields]."""
    live = np.flatnonzero(~episodes.finished)
    readings = np.stack([reading_of(episodes.states[slot]) for slot in live])
    for slot, correction in zip(live, network.correction(readings), strict=True):
        policy = episodes.policies[slot]
        assert isinstance(policy, Residual)
        policy.correction = correction.tolist()
    return readings
