"""The float parent on disk: model.safetensors holds the arrays, model.json says what they are."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.compression import (
    Decision,
    ModuleScorer,
    NetworkScorer,
    Scorer,
    TreeScorer,
    parent_of,
    restore_edits,
)
from efficienttrust.errors import UsageError
from efficienttrust.models import make_network
from efficienttrust.training import inputs_from

FORMAT = 1


def save_weights(folder: Path, scorer: Scorer, decision: Decision) -> None:
    """Write scorer and decision rule into a folder."""
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray[Any, Any]] = {"decision.group_offsets": np.asarray(decision.group_offsets)}
    about: dict[str, Any] = {
        "format": FORMAT,
        "decision": {"threshold": decision.threshold, "by_group": decision.by_group},
    }
    if decision.head is not None:
        arrays["head.weight"], arrays["head.bias"] = decision.head
    scorer = parent_of(scorer)  # the quantised network is in model.onnx
    if isinstance(scorer, NetworkScorer):
        about["scorer"] = {"kind": "network", "layers": len(scorer.layers), "activation": "relu"}
        for index, (weight, bias) in enumerate(scorer.layers):
            arrays[f"layers.{index}.weight"], arrays[f"layers.{index}.bias"] = weight, bias
    elif isinstance(scorer, ModuleScorer):
        about["scorer"] = {
            "kind": "module", "network": scorer.network, "options": dict(scorer.options), "outputs": scorer.outputs,
            "shape": list(scorer.shape), "inputs": dict(scorer.inputs), "shift": scorer.shift, "scale": scorer.scale,
            "edits": dict(scorer.edits),
        }  # fmt: skip
        arrays |= {f"module.{name}": value.cpu().numpy() for name, value in scorer.module.state_dict().items()}
    else:
        values = {field.name: getattr(scorer, field.name) for field in fields(scorer)}
        about["scorer"] = {"kind": "trees", **{k: v for k, v in values.items() if not isinstance(v, np.ndarray)}}
        arrays |= {f"trees.{name}": value for name, value in values.items() if isinstance(value, np.ndarray)}
    content = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    (folder / "model.safetensors").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def load_weights(folder: Path) -> tuple[Scorer, Decision]:
    """Read scorer and decision rule back.

    Raises:
        UsageError: A file is missing or damaged.
    """
    from safetensors.numpy import load_file

    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "model.safetensors")
        head = (arrays["head.weight"], arrays["head.bias"]) if "head.weight" in arrays else None
        decision = Decision(
            about["decision"]["threshold"], arrays["decision.group_offsets"], head, about["decision"]["by_group"]
        )
        described = dict(about["scorer"])
        if described.pop("kind") == "network":
            layers = range(described["layers"])
            pairs = tuple((arrays[f"layers.{i}.weight"], arrays[f"layers.{i}.bias"]) for i in layers)
            return NetworkScorer(pairs), decision
        if about["scorer"]["kind"] == "module":
            parts = {name.removeprefix("module."): a for name, a in arrays.items() if name.startswith("module.")}
            return _module(described, parts), decision
        trees = {name.removeprefix("trees."): a for name, a in arrays.items() if name.startswith("trees.")}
        return TreeScorer(**trees, **described), decision  # type: ignore[arg-type]
    except Exception as error:  # safetensors and json have their own kinds
        raise UsageError(f"the weights in {folder} are missing or damaged: {error}") from error


def _module(described: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> ModuleScorer:
    """Make a network again and put its weights and buffers back, whatever the shape of what it took from data."""
    import torch

    inputs, outputs = inputs_from(described["inputs"]), int(described["outputs"])
    network, options = str(described["network"]), dict(described["options"])
    module = make_network(network, inputs, outputs, seed=0, **options)
    expected = module.state_dict()
    if expected.keys() != arrays.keys():
        raise UsageError(f"they do not belong to the network {network}")
    for name, array in arrays.items():
        owner, _, leaf = name.rpartition(".")
        value, part = torch.from_numpy(array.copy()), module.get_submodule(owner)
        if leaf in part._parameters:
            setattr(part, leaf, torch.nn.Parameter(value, requires_grad=False))  # recurrent layers keep a list of them
        else:
            part._buffers[leaf] = value
    edits = {path: tuple(one) if isinstance(one, list) else one for path, one in described.get("edits", {}).items()}
    restore_edits(module, edits)
    unit = float(described.get("shift", 0.0)), float(described.get("scale", 1.0))
    return ModuleScorer(module.eval(), inputs.shape, outputs, network, options, described["inputs"], *unit, edits)
