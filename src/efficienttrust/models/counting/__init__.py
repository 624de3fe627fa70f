"""Parameters and floating-point operations of torch modules.

`count_flops` runs a copy of the module on the meta device (shapes without numbers) and sees every operator that torch
dispatches, after recurrent layers and attention have been taken apart; fused kernels that would hide operators are
switched off. Each operator has a formula, or stands on the list of those that cost nothing. One that has neither is an
error that names it, because a sum with a hole in it looks like a fast model. `flop_formulas.register` adds a formula.

    >>> import torch
    >>> from efficienttrust.models.counting import count_flops, count_parameters
    >>> layer = torch.nn.Linear(10, 3)
    >>> count_flops(layer, [torch.zeros(4, 10)]).per_row  # 2 · 10 · 3, and three biases
    63.0
    >>> count_parameters(layer).total
    33
"""

from efficienttrust.models.counting._counter import count_flops
from efficienttrust.models.counting._formulas import Formula, flop_formulas
from efficienttrust.models.counting._parameters import count_parameters, state_size
from efficienttrust.resources.flops import Cost, FlopCount

__all__ = ["Cost", "FlopCount", "Formula", "count_flops", "count_parameters", "flop_formulas", "state_size"]
