"""The learned residual as a file: read, checked and asked with numpy alone."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._state import STATE_VERSION
from efficienttrust.atats.learning._residual import READS
from efficienttrust.errors import UsageError

Array = NDArray[np.float64]
BEYOND = 0.1  # of the range seen in training: how far outside of it a reading may lie


@dataclass(frozen=True, eq=False)
class ResidualNetwork:
    """A multilayer perceptron with tanh, from readings to a correction.

    Attributes:
        layers: (weights [in, out], biases [out]) in order; the last has two outputs and no tanh.
        low: Least value of every field in training, [len(READS)].
        high: Largest value, [len(READS)].
        provenance: How it was trained, as plain values.
    """

    layers: Sequence[tuple[Array, Array]]
    low: Array
    high: Array
    provenance: Mapping[str, Any]

    def correction(self, reading: Array) -> Array:
        """Return the correction of one reading [len(READS)] or of many [n, len(READS)], not yet clipped."""
        hidden = np.asarray(reading, dtype=np.float64)
        for weights, biases in self.layers[:-1]:
            hidden = np.tanh(hidden @ weights + biases)
        weights, biases = self.layers[-1]
        return np.asarray(hidden @ weights + biases)

    def strange(self, reading: Array) -> str:
        """Return what lies outside of all training, in words, or an empty text."""
        margin = BEYOND * (self.high - self.low)
        outside = ~((reading >= self.low - margin) & (reading <= self.high + margin))
        if not outside.any():
            return ""
        place = int(np.flatnonzero(outside)[0])
        known = f"{self.low[place]:.3g} to {self.high[place]:.3g}"
        return f"{READS[place]} = {reading[place]:.3g} is outside of its training ({known})"


def shipped_weights() -> Path:
    """Return the path of the weights that come with the package."""
    return Path(__file__).with_name("weights.npz")


def save_network(network: ResidualNetwork, path: Path) -> None:
    """Write a network to an .npz file, whole or not at all; equal networks give equal bytes."""
    arrays: dict[str, Any] = {"low": network.low, "high": network.high, "reads": np.array(READS)}
    for index, (weights, biases) in enumerate(network.layers):
        arrays[f"weights{index}"], arrays[f"biases{index}"] = weights.astype(np.float32), biases.astype(np.float32)
    arrays["provenance"] = np.array(json.dumps({**network.provenance, "state_version": STATE_VERSION}, sort_keys=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    working = path.with_name(path.name + ".partial")
    try:
        with working.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(working, path)
    finally:
        working.unlink(missing_ok=True)


def load_network(path: Path) -> ResidualNetwork:
    """Read a network.

    Raises:
        UsageError: No such file, not such a file, or one for another layout of the state.
    """
    remedy = "make one with `efficienttrust policy train`"
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        provenance = json.loads(str(arrays["provenance"]))
        version, reads = provenance["state_version"], tuple(map(str, arrays["reads"]))
        depth = sum(name.startswith("weights") for name in arrays)
        layers = [
            (arrays[f"weights{index}"].astype(np.float64), arrays[f"biases{index}"].astype(np.float64))
            for index in range(depth)
        ]
        low, high = arrays["low"].astype(np.float64), arrays["high"].astype(np.float64)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file of weights; {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{path} is not a file of weights of the policy rl ({type(error).__name__}); {remedy}"
        ) from None
    if version != STATE_VERSION or reads != READS:
        raise UsageError(
            f"{path} was trained on version {version} of the state, and this is version {STATE_VERSION}; {remedy}"
        )
    network = ResidualNetwork(layers, low, high, provenance)
    if not _fits(network):
        raise UsageError(f"{path} is damaged: its layers do not lead from {len(READS)} fields to 2 numbers; {remedy}")
    return network


def _fits(network: ResidualNetwork) -> bool:
    width = len(READS)
    for weights, biases in network.layers:
        if weights.ndim != 2 or weights.shape[0] != width or biases.shape != weights.shape[1:]:
            return False
        width = weights.shape[1]
    return bool(network.layers) and width == 2 and network.low.shape == network.high.shape == (len(READS),)
