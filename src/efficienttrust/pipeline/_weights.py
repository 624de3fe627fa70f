"""The float parent on disk: model.safetensors holds the arrays, model.json says what they are."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.compression import Decision, NetworkScorer, Scorer, TreeScorer
from efficienttrust.errors import UsageError

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
    if isinstance(scorer, NetworkScorer):
        about["scorer"] = {"kind": "network", "layers": len(scorer.layers), "activation": "relu"}
        for index, (weight, bias) in enumerate(scorer.layers):
            arrays[f"layers.{index}.weight"], arrays[f"layers.{index}.bias"] = weight, bias
    else:
        values = {field.name: getattr(scorer, field.name) for field in fields(scorer)}
        about["scorer"] = {"kind": "trees", **{k: v for k, v in values.items() if not isinstance(v, np.ndarray)}}
        arrays |= {f"trees.{name}": value for name, value in values.items() if isinstance(value, np.ndarray)}
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
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
        trees = {name.removeprefix("trees."): a for name, a in arrays.items() if name.startswith("trees.")}
        return TreeScorer(**trees, **described), decision  # type: ignore[arg-type]
    except Exception as error:  # safetensors and json have their own kinds
        raise UsageError(f"the weights in {folder} are missing or damaged: {error}") from error
