"""Pruning: weights that become zero, and units that go.

*Masks* set single weights of linear, convolutional and recurrent layers to zero, at once (`magnitude` over all layers,
`layerwise`, `random` as a control) or during the training that follows (`gradual`, `iterative`). They are rules of the
workpiece's projection, so that a recovery keeps them, and the file becomes smaller by them, not faster.
`structured` removes whole units (channels of convolutions, neurons, attention heads, units of a recurrent state), so
that smaller matrices are left and the file is faster too.

The amount is the share of all prunable weights that are zero afterwards, or of the units that are gone: a mask on top
of a mask of the same amount changes nothing. Biases, norms and embeddings are never pruned, no layer is ever emptied.

Example:
    >>> import numpy as np
    >>> from efficienttrust.compression import Workpiece
    >>> from efficienttrust.models import build_mlp
    >>> piece = Workpiece(build_mlp(n_features=10, widths=(30,), seed=0), (10,))
    >>> prune(piece, parse_pruning("magnitude:80%"), sample=np.zeros((2, 10), np.float32), seed=0)
    >>> sparsity(piece)
    0.8
"""

from efficienttrust.compression.pruning._masks import Mask
from efficienttrust.compression.pruning._prune import prune, sparsity, zero_parameters
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, parse_pruning, prunings

__all__ = [
    "Mask",
    "PruneStep",
    "Pruning",
    "parse_pruning",
    "prune",
    "prunings",
    "sparsity",
    "zero_parameters",
]
