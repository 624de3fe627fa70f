"""Architectures: what is trained, built by name for a number of input features.

An architecture is a `torch.nn.Module` that maps encoded rows to one logit per row (the log-odds of the positive class)
and can hand its weights over as plain arrays, so that nothing above this floor needs torch to deploy it. The first
columns of a row are its numeric ones (see `efficienttrust.data.Encoder`): a perturbation changes only these, and
`bind` prepares the rest once, which makes an attack step on a table several times cheaper than a training step.

    >>> from efficienttrust.models import build
    >>> network = build("mlp", n_features=10, widths=(32, 16), seed=0)
    >>> network.name
    'mlp 32-16'
"""

from efficienttrust.models._build import architectures, build
from efficienttrust.models._network import Inputs, Network, make_network, network_of, networks, parse_network
from efficienttrust.models.catalogue.mlp import MLP

__all__ = [
    "MLP",
    "Inputs",
    "Network",
    "architectures",
    "build",
    "make_network",
    "network_of",
    "networks",
    "parse_network",
]
