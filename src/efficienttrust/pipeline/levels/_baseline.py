"""The baseline: a finished run, its data, and the arguments of `fit` that made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.data import Problem
    from efficienttrust.pipeline._run import Run


@dataclass(frozen=True, eq=False)
class Baseline:
    """What levels are shares of.

    Attributes:
        run: The run.
        problem: The data that it learned from.
        path: Its folder; None where it is in memory only.
        sha256: Of its run.json, or of the document in memory.
    """

    run: Run
    problem: Problem
    path: str | None
    sha256: str


def read_document(folder: Path) -> dict[str, Any]:
    """Return run.json of a baseline.

    Raises:
        UsageError: The folder holds no run of `fit`, or one that failed.
    """
    file = folder / "run.json"
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        fitted = "fit" in document["command"].split()[:2] and bool(document["spec"]["budget"])
    except FileNotFoundError:
        raise UsageError(
            f"--baseline {folder}: there is no finished run; measure one first: efficienttrust fit … --out {folder}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"--baseline {folder}: run.json is damaged ({error}); measure the baseline again") from error
    if not fitted:
        raise UsageError(f"--baseline {folder}: it was not made by fit; give the run of a fit")
    if failed := document.get("failed"):
        raise UsageError(
            f"--baseline {folder}: that run failed ({'; '.join(map(str, failed))}); measure one that did not"
        )
    return document


def arguments_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `fit` that made a run, by name of a field of `FitSpec` or `DataSpec`."""
    from efficienttrust.pipeline._data import is_given
    from efficienttrust.pipeline._document import network_text

    spec = document["spec"]
    data = {name: value for name, value in spec["settings"].items() if name not in ("seed", "name") and is_given(value)}
    strengths = spec.get("augmentation")
    augment = None if strengths is None else ", ".join(f"{name}={one:g}" for name, one in strengths.items()) or "none"
    network = spec["trainer"] == "network" and "network" in spec
    arguments = {
        "source": document["problem"]["source"],
        **data,
        "budget": spec["budget"],
        "targets": tuple(spec["targets"]),
        "policy": spec["policy"],
        "trainer": spec["trainer"],
        "model": network_text(spec["network"], spec["options"]) if network else None,
        **{name: spec.get(name) for name in ("device", "precision", "compile", "distil", "prune", "quantize")},
        "augment": augment,
        "seed": spec["seed"],
        "split_seed": None if spec["settings"].get("seed") == spec["seed"] else spec["settings"].get("seed"),
        "use_groups_at_prediction": spec["use_groups_at_prediction"],
    }
    return {name: value for name, value in arguments.items() if value is not None}


def sha256_of(run: Run, folder: Path | None) -> str:
    """Return the sha256 of the run.json of a run."""
    if folder is not None:
        return hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()
    from efficienttrust.pipeline._document import plain

    return hashlib.sha256(json.dumps(plain(run.document), sort_keys=True).encode()).hexdigest()


def refuse_other_data(document: Mapping[str, Any], problem: Problem, name: str) -> None:
    """Raise `UsageError` where a problem is not what the baseline learned from."""
    recorded = document["problem"]
    if problem.fingerprint == recorded["fingerprint"]:
        return
    settings = {"seed": 0, **recorded["settings"]}
    changed = [
        key for key, value in problem.settings.items() if settings.get(key) != value and (settings.get(key) or value)
    ]
    why = f" ({', '.join(changed)} changed)" if changed else " (the data themselves changed)"
    raise UsageError(
        f"the baseline {name} is of other data{why}; give the same data, or measure a baseline of these first"
    )
