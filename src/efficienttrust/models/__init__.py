"""Networks: what is trained, made by name from what a row is.

A network is a `torch.nn.Module` that maps rows (of an encoded table, of which a part may be a sequence, or images) to
one logit of two classes, or one logit for each of more; `Inputs` tells it what a row is, and weights depend on a seed
alone. The `MLP` of tables is more: it hands its weights over as plain arrays, so that nothing above this floor needs
torch to deploy it, its gradients are written by hand, and `bind` prepares the columns that a perturbation leaves alone
(all but the numeric ones, which come first), which makes an attack step several times cheaper than a training step.

    >>> from efficienttrust.models import build_mlp
    >>> network = build_mlp(n_features=10, widths=(32, 16), seed=0)
    >>> network.name
    'mlp 32-16'
"""

from efficienttrust.models._network import Inputs, Network, make_network, network_of, networks, parse_network
from efficienttrust.models._own import named_failures
from efficienttrust.models._size import refuse_beyond_memory
from efficienttrust.models.catalogue.mlp import MLP, build_mlp

__all__ = [
    "MLP",
    "Inputs",
    "Network",
    "build_mlp",
    "make_network",
    "named_failures",
    "network_of",
    "networks",
    "parse_network",
    "refuse_beyond_memory",
]
