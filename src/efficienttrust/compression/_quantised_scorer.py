"""A network whose weights, and mostly its activations, are whole numbers of few bits: what onnxruntime executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._sessions import open_session

if TYPE_CHECKING:
    from efficienttrust.compression._scorers import NetworkScorer

Floats = npt.NDArray[np.float32]
CHUNK, CHUNK_CELLS = 1024, 2**21
"""Rows of a table, and cells of images, of one call: those of the file, as dynamic scales are of a whole call."""


@dataclass(frozen=True, eq=False)
class QuantisedScorer:
    """A quantised network as part of an exported file, beside the float network that it stands for.

    Calibration, thresholds and every figure come from the quantised network; attacks take their gradients from the
    parent, and are judged by the quantised network.

    Attributes:
        parent: The float network.
        core: ONNX model of one input `rows` [N, *shape] and one output `logits` [N, outputs].
        method: Name of the quantisation, e.g. `int8_dynamic`.
        bits: Bits of a weight.
        facts: What was verified of the core: bytes before and after, quantised operators by name…
    """

    parent: NetworkScorer | ModuleScorer
    core: bytes
    method: str
    bits: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row that it takes."""
        return self.parent.shape if isinstance(self.parent, ModuleScorer) else (self.parent.n_features,)

    @property
    def n_features(self) -> int:
        """Width of the encoded row it takes; 0 where it takes images."""
        return self.parent.n_features

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases of the network."""
        return self.parent.n_parameters

    @property
    def outputs(self) -> int:
        """Number of logits; 1 for a binary problem."""
        return self.parent.outputs if isinstance(self.parent, ModuleScorer) else 1

    @cached_property
    def _session(self) -> Any:
        return open_session(self.core, "the quantised network")

    def score(self, x: npt.ArrayLike) -> Floats:
        """Return the logits of rows [n, *shape]: float32 [n] of a binary model or a regression, [n, K] of others."""
        rows = np.asarray(x, dtype=np.float32)
        if rows.shape[1:] != self.shape:
            raise ValueError(f"the scorer takes rows of shape {self.shape}, got an array of shape {rows.shape}")
        step = CHUNK if len(self.shape) == 1 else max(1, CHUNK_CELLS // max(int(np.prod(self.shape)), 1))
        starts = range(0, len(rows), step)
        parts = [self._session.run(None, {"rows": rows[start : start + step]})[0] for start in starts]
        z: Floats = np.concatenate(parts) if parts else np.zeros((0, self.outputs), np.float32)
        z = z[:, 0] if self.outputs == 1 else z
        if isinstance(self.parent, ModuleScorer) and (self.parent.shift, self.parent.scale) != (0.0, 1.0):
            z = np.float32(self.parent.shift) + np.float32(self.parent.scale) * z
        return z
