"""What the server of forks loads once, so that no trial loads it: everything that is found by name, and what it needs.

A forked process has one thread, whatever its parent had: libraries are loaded, and nothing is computed with them, which
would start more. onnxruntime and pyarrow start one each when they are imported; trials do without.
"""

import gc
from importlib import import_module

LIBRARIES = (
    "onnx.helper",
    "onnxruntime",
    "pyarrow.parquet",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "torch._dynamo",  # making an optimiser imports it, which takes longer than many a trial
    "torch._functorch.partitioners",  # with the next two: by it torch exports networks other than mlp
    "torch.onnx._internal.exporter._core",
    "onnxscript.function_libs.torch_lib.ops",
    "efficienttrust.pipeline.spec",
    "efficienttrust.study.running._figures",
)
REGISTRIES = {
    "efficienttrust.atats": "policies",
    "efficienttrust.compression.pruning": "prunings",
    "efficienttrust.compression.quantisation": "quantisations",
    "efficienttrust.data._bundled": "data_sets",
    "efficienttrust.data.images._reading": "image_formats",
    "efficienttrust.losses": "penalties",
    "efficienttrust.metrics": "metrics",
    "efficienttrust.models": "networks",
    "efficienttrust.models.counting._formulas": "flop_formulas",
    "efficienttrust.pipeline.limits": "assessors",
    "efficienttrust.pipeline.methods": "methods",
    "efficienttrust.threats": "attacks",
    "efficienttrust.training": "trainers",
    "efficienttrust.training.interventions": "interventions",
}

gc.disable()  # nothing of it is garbage, and looking for some takes a fifth of the time
for module in LIBRARIES:
    import_module(module)
for module, registry in REGISTRIES.items():
    getattr(import_module(module), registry).names()
gc.enable()
gc.collect()
gc.freeze()  # else each trial's collector walks, and so copies, all that was loaded here
