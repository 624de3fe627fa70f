"""The verb `verify`: recompute every verdict of a run from its model.onnx and the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.proof import CONFIDENCE, prove
from efficienttrust.evaluation.selection import Guarantee, Kind
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline._origin import data_of, file_of
from efficienttrust.pipeline._run import load_run
from efficienttrust.pipeline._session import single_thread

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9  # of a measured value
SCORE_TOLERANCE = 1e-4  # of a score or margin: other processors round differently


@dataclass(frozen=True)
class VerifiedVerdict:
    """A verdict as recorded and as recomputed.

    Attributes:
        target: The target.
        recorded_status: Status in run.json.
        recorded_value: Value on test in run.json.
        status: Status as recomputed.
        value: Value on test as recomputed.
        confirmed: Whether status and value agree.
    """

    target: str
    recorded_status: str
    recorded_value: float
    status: str
    value: float
    confirmed: bool


def verify(folder: Path | str, *, problem: Problem | None = None) -> list[VerifiedVerdict]:
    """Recompute every verdict of a run.

    The data are loaded again from where the run found them, and their hash is compared with the run's. Everything is
    measured on model.onnx; the float parent serves only to craft attacks.

    Args:
        folder: Folder of the run.
        problem: The data, when the run was made from a frame that exists nowhere else.

    Raises:
        UsageError: Not a run, damaged or altered files, data that are gone or have changed.
    """
    run = load_run(folder)
    recorded = run.document["problem"]
    file = file_of(run)
    targets = [parse_target(entry["target"]) for entry in run.document["verdicts"]]
    if file.metadata.get("targets") != "; ".join(target.text for target in targets):
        raise UsageError(f"run.json of {folder} lists other targets than its model.onnx was made for: it was altered")
    if file.metadata.get("data_sha256") != recorded["fingerprint"]:
        raise UsageError(f"run.json of {folder} names other data than its model.onnx was made from: it was altered")
    problem = data_of(run, folder, problem, "verify(folder, problem=…)")
    with single_thread():
        proof = prove(
            problem,
            targets,
            file,
            run.scorer,
            run.decision,
            seed=int(run.document["spec"]["seed"]),
            with_stages=False,
            guarantee=_guarantee(run.document, len(targets), folder),
        )
    verified = []
    for entry, found in zip(run.document["verdicts"], proof.verdicts, strict=True):
        same = math.isclose(entry["value"], found.value, abs_tol=TOLERANCE) or (
            math.isnan(entry["value"]) and math.isnan(found.value)
        )
        verified.append(
            VerifiedVerdict(
                entry["target"], entry["status"], entry["value"], found.status, found.value,
                confirmed=same and entry["status"] == found.status,
            )
        )  # fmt: skip
    altered = _altered(run.predictions, proof.predictions)
    if altered and all(one.confirmed for one in verified):
        raise UsageError(f"predictions.parquet of {folder} is not what model.onnx says on the test split: {altered}")
    return verified


def _guarantee(document: Mapping[str, Any], n_targets: int, folder: Path | str) -> Guarantee:
    """Return the guarantee of a run; its level follows from its kind, whatever run.json says of it.

    Raises:
        UsageError: run.json names a guarantee that does not exist, or one that no test in it bears out.
    """
    recorded = document.get("selection") or {"guarantee": "individual"}
    kind: Any = recorded.get("guarantee")
    chosen = recorded.get("chosen")
    if kind not in get_args(Kind):
        raise UsageError(f"run.json of {folder} names a guarantee {kind!r} that does not exist: it was altered")
    if kind == "joint" and not any(one["name"] == chosen and one["valid"] for one in recorded.get("tested", ())):
        raise UsageError(
            f"run.json of {folder} names a joint guarantee that none of its tests bears out: it was altered"
        )
    return Guarantee(kind, n_targets, 1 - CONFIDENCE)


def _altered(recorded: pd.DataFrame, found: pd.DataFrame) -> str:
    """Return what differs between recorded and recomputed predictions, or an empty text."""
    if list(recorded.columns) != list(found.columns) or len(recorded) != len(found):
        return f"{len(recorded)} rows of {len(recorded.columns)} columns, not {len(found)} of {len(found.columns)}"
    of_numbers = found["prediction"].dtype.kind == "f"
    unit = max(1.0, float(found["prediction"].abs().max())) if of_numbers else 1.0  # a number has its own
    for name in found.columns:
        old, new = recorded[name], found[name]
        if new.dtype.kind == "f":
            same = np.isclose(old.to_numpy(np.float64), new.to_numpy(np.float64), rtol=0, atol=SCORE_TOLERANCE * unit)
        else:
            same = ((old.astype(str) == new.astype(str)) | (old.isna() & new.isna())).to_numpy()
        if not same.all():
            return f"column {name!r} differs in {int((~same).sum())} rows"
    return ""
