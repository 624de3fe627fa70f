"""What the server of forks loads once, so that no trial loads it: everything that is found by name, and what it needs.

A forked process has one thread, whatever its parent had, so nothing here starts one: libraries are loaded, and nothing
is computed with them.
"""

import gc
from importlib import import_module

from efficienttrust.atats import policies
from efficienttrust.compression.pruning import prunings
from efficienttrust.compression.quantisation import quantisations
from efficienttrust.data._bundled import data_sets
from efficienttrust.data.images._reading import image_formats
from efficienttrust.losses import penalties
from efficienttrust.metrics import metrics
from efficienttrust.models import networks
from efficienttrust.models.counting._formulas import flop_formulas
from efficienttrust.pipeline.limits import assessors
from efficienttrust.pipeline.methods import methods
from efficienttrust.threats import attacks
from efficienttrust.training import trainers
from efficienttrust.training.interventions import interventions

for registry in (
    assessors,
    attacks,
    data_sets,
    flop_formulas,
    image_formats,
    interventions,
    methods,
    metrics,
    networks,
    penalties,
    policies,
    prunings,
    quantisations,
    trainers,
):
    registry.names()
for module in (
    "efficienttrust.pipeline.spec",
    "efficienttrust.study.running._figures",
    "onnxscript.function_libs.torch_lib.ops",  # with the next two: torch exports networks other than mlp by it
    "torch._functorch.partitioners",
    "torch.onnx._internal.exporter._core",
    "torch._dynamo",  # making an optimiser imports it, which takes longer than many a trial
):
    import_module(module)
gc.collect()
gc.freeze()  # else each trial's collector walks, and so copies, all that was loaded here
