"""The float parents: what turns an encoded row into the logit z, as frozen numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._tree_scorer import TreeScorer

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NetworkScorer:
    """A multilayer perceptron with ReLU between its layers; the last layer has one output, the logit z.

    Attributes:
        layers: One `(W [in, out], b [out])` per layer, kept as float32 copies (a live torch parameter may be given
            without fear). A single layer is a linear model.
    """

    layers: tuple[tuple[Floats, Floats], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple((frozen(weight), frozen(bias)) for weight, bias in self.layers))
        if not self.layers:
            raise ValueError("a network needs at least one layer")
        for k, (weight, bias) in enumerate(self.layers):
            if weight.ndim != 2 or bias.shape != (weight.shape[1],):
                raise ValueError(
                    f"layer {k}: weight {weight.shape} and bias {bias.shape} do not fit, want [in, out], [out]"
                )
            if k and self.layers[k - 1][0].shape[1] != weight.shape[0]:
                raise ValueError(f"layer {k} takes {weight.shape[0]} values, layer {k - 1} gives others")
        if self.layers[-1][0].shape[1] != 1:
            raise ValueError(f"the last layer must have one output, has {self.layers[-1][0].shape[1]}")

    @property
    def n_features(self) -> int:
        """Width of the encoded row it takes."""
        return int(self.layers[0][0].shape[0])

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(weight.size + bias.size for weight, bias in self.layers)


Scorer = NetworkScorer | TreeScorer | ModuleScorer | QuantisedScorer


def score_encoded(scorer: Scorer, x: npt.ArrayLike) -> Floats:
    """Score encoded rows or images: the float parent of the exported file.

    Args:
        scorer: Network, trees, module, or a quantised network.
        x: Encoded rows [n, d], or images [n, C, H, W]; taken as float32.

    Returns:
        The logit z of each row, or the number of a regression, float32 [n]; logits [n, K] of K classes.
    """
    if isinstance(scorer, ModuleScorer | QuantisedScorer):
        return scorer.score(x)
    rows = np.asarray(x, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != scorer.n_features:
        raise ValueError(f"the scorer takes rows of {scorer.n_features} features, got an array of shape {rows.shape}")
    if isinstance(scorer, TreeScorer):
        return scorer.score(rows)
    for weight, bias in scorer.layers[:-1]:
        rows = rows @ weight
        rows += bias
        np.maximum(rows, 0, out=rows)
    weight, bias = scorer.layers[-1]
    rows = rows @ weight + bias
    return rows[:, 0]


def parent_of(scorer: Scorer) -> NetworkScorer | TreeScorer | ModuleScorer:
    """Return what a scorer is in floating point: of a quantised network its parent, of others the scorer itself."""
    return scorer.parent if isinstance(scorer, QuantisedScorer) else scorer


def frozen(values: npt.ArrayLike) -> Floats:
    """Return a float32 copy, which later changes of the original do not reach."""
    return np.array(values, dtype=np.float32, order="C")
