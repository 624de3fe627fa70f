"""run.json: everything a run is, as one schema-versioned document."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from efficienttrust import __version__
from efficienttrust.data import Problem, summary
from efficienttrust.errors import in_bytes
from efficienttrust.evaluation.certification import Verdict
from efficienttrust.evaluation.choice import Choice
from efficienttrust.evaluation.proof import Proof
from efficienttrust.evaluation.rule_data import Calibrated, utility_of
from efficienttrust.evaluation.selection import Selection
from efficienttrust.evaluation.splits import not_steered
from efficienttrust.evaluation.suite import File
from efficienttrust.metrics import Measurement
from efficienttrust.pipeline._capacity import Capacity
from efficienttrust.pipeline._data import is_given
from efficienttrust.pipeline._request import Request
from efficienttrust.resources import Ledger, calibration_kernel, environment
from efficienttrust.training import Candidates

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 1
ALMOST_CONSTANT = 0.01  # share of the rarer decision

REPEATED = {"relations": "relation", "limitations": "limitation"}
"""Settings of which each text is an option of its own, to the name of that option."""

ARTIFACTS = {
    "model": "model.onnx",
    "weights": "model.safetensors",
    "weights_description": "model.json",
    "run": "run.json",
    "predictions": "predictions.parquet",
    "history": "history.parquet",
    "decisions": "decisions.parquet",
    "report": "report.html",
    "card": "README.md",
}


def make_document(
    problem: Problem,
    request: Request,
    ledger: Ledger,
    capacity: Capacity,
    candidates: Candidates,
    choice: Choice,
    tried: Sequence[Calibrated | None],
    file: File,
    proof: Proof,
    selection: Selection | None = None,
) -> dict[str, Any]:
    """Collect a finished run into one document of plain values; without a selection, calibrate alone chose."""
    account = ledger.to_dict()
    return {
        "schema_version": SCHEMA_VERSION,
        "efficienttrust_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(problem, request),
        "problem": {**summary(problem), "settings": dict(problem.settings)},
        "spec": {
            "budget": str(request.asked),
            "targets": [target.text for target in request.targets],
            "policy": request.policy_text,
            "trainer": request.trainer,
            "network": request.network,
            "options": dict(request.options),
            "device": request.settings.device,
            "precision": request.settings.precision,
            "compile": request.settings.compile,
            "augmentation": None if request.settings.augmentation is None else dict(request.settings.augmentation),
            "distil": request.settings.distil,
            "prune": request.settings.prune,
            "quantize": request.settings.quantize,
            "seed": request.seed,
            "use_groups_at_prediction": request.aware,
            "settings": dict(problem.settings),
        },
        "model": {
            "trainer": request.trainer,
            "architecture": candidates.members[choice.index].architecture or candidates.architecture,
            "parameters": file.n_parameters,
            "size_bytes": file.size_bytes,
            "width_reason": capacity.reason,
            "trained": list(candidates.trained),
            "blind": not request.aware,
            "decision": _decision(problem, request, choice),
        },
        "environment": {**environment(), "calibration_kernel_seconds": calibration_kernel()},
        "verdicts": [_verdict(one) for one in proof.verdicts],
        "metrics": {key: _measurement(value) for key, value in proof.measurements.items()},
        "groups": list(proof.groups),
        "stages": [
            {
                "name": stage.name,
                "description": stage.description,
                "metrics": {key: _measurement(value) for key, value in stage.metrics.items()},
            }
            for stage in proof.stages
        ],
        "candidates": list(_candidates(problem, candidates, choice, tried)),
        "selection": None
        if selection is None
        else selection.record(
            [member.name for member in candidates.members],
            [one.certificate for one in proof.verdicts if one.certificate is not None],
        ),
        "fallbacks": [
            *request.notes,
            *candidates.fallbacks,
            *_shortened(choice),
            *_exceeded(account),
            *_oddities(problem, proof),
        ],
        "ledger": account,
        "artifacts": ARTIFACTS,
    }


def _decision(problem: Problem, request: Request, choice: Choice) -> Mapping[str, Any] | str:
    """Return how the model decides."""
    if problem.task != "binary":
        return "the class with the largest logit" if problem.task == "multiclass" else "none: it predicts a number"
    return {
        "threshold": choice.decision.threshold,
        "group_offsets": [float(offset) for offset in choice.decision.group_offsets],
        "group_names": list(problem.group_names),
        "group": "given" if request.aware else "inferred" if choice.decision.head is not None else "not used",
    }


def command(problem: Problem, request: Request) -> str:
    """Return the command line that makes this run again (the Python call's equivalent)."""
    words = ["efficienttrust", "fit", problem.source]
    for name, value in problem.settings.items():
        flag = "--" + REPEATED.get(name, name.replace("_", "-"))
        if name in ("seed", "name") or not is_given(value):
            continue
        if value is True:
            words.append(flag)
        elif name in REPEATED and isinstance(value, list | tuple):
            words += [word for one in value for word in (flag, str(one))]
        else:
            words += [flag, ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)]
    words += ["--budget", str(request.asked)]
    for target in request.targets:
        words += ["--target", target.text]
    words += ["--policy", request.policy_text, "--model", model_text(request), "--seed", str(request.seed)]
    split = problem.settings.get("seed", request.seed)
    words += ["--split-seed", str(split)] if split != request.seed else []
    for flag in ("device", "precision", "compile"):
        value = getattr(request.settings, flag)
        words += [f"--{flag}", value] if value != "auto" else []
    if request.settings.distil:
        words += ["--distil", f"{request.settings.distil:g}"]
    if request.settings.prune:
        words += ["--prune", request.settings.prune]
    if request.settings.quantize != "auto":
        words += ["--quantize", request.settings.quantize]
    if request.settings.augmentation is not None:
        strengths = ", ".join(f"{name}={strength:g}" for name, strength in request.settings.augmentation.items())
        words += ["--augment", strengths or "none"]
    if request.aware:
        words.append("--use-groups-at-prediction")
    if any(finding.refuses for one in request.limits for finding in one.findings):
        words.append("--force")
    return shlex.join(words)


def model_text(request: Request) -> str:
    """Return what is trained as `--model` takes it."""
    if request.trainer != "network":
        return request.trainer
    return network_text(request.network, request.options)


def network_text(network: str, options: Mapping[str, Any]) -> str:
    """Return a network with its options as `--model` takes it: `mlp(widths=64-32)`."""
    shown = {k: "-".join(map(str, v)) if isinstance(v, tuple | list) else v for k, v in options.items()}
    text = ", ".join(f"{name}={int(value) if isinstance(value, bool) else value}" for name, value in shown.items())
    return f"{network}({text})" if text else network


def export_metadata(problem: Problem, request: Request) -> dict[str, str]:
    """Return what the exported file says of itself."""
    return {
        "efficienttrust_version": __version__,
        "problem": problem.name,
        "label": problem.label,
        "positive": problem.positive,
        "targets": "; ".join(target.text for target in request.targets),
        "data_sha256": problem.fingerprint,
        "attribute_blind": str(not request.aware).lower(),
    }


def _shortened(choice: Choice) -> list[str]:
    if choice.effort >= 1.0:
        return []
    less = f"calibration ran at {choice.effort:.0%} of its effort (fewer attacked rows, a coarser search)"
    return [f"{less}: at full effort it was predicted to cost more than was left of the budget"]


def _oddities(problem: Problem, proof: Proof) -> list[str]:
    said = not_steered(problem)
    if problem.task == "regression":
        spread = float(proof.predictions["prediction"].std()), float(proof.predictions["label"].std())
        if spread[0] < ALMOST_CONSTANT * spread[1]:
            said.append("the delivered model is almost a constant: its predictions on test hardly differ")
        return said
    if problem.task != "binary":
        counts = proof.predictions["prediction"].value_counts()
        never = [name for code, name in enumerate(problem.classes) if code not in counts.index]
        return said + ([f"the delivered model never decides {', '.join(never)} on test"] if never else [])
    rate = float(proof.predictions["prediction"].mean())
    if min(rate, 1 - rate) < ALMOST_CONSTANT:
        said.append(
            f"the delivered model is almost a constant: it decides {problem.positive!r} for {rate:.2%} of test rows; "
            "accuracy says little then, look at auc, balanced_accuracy or mcc"
        )
    return said


def _exceeded(account: Mapping[str, Any]) -> list[str]:
    said = []
    for name, entry in account.items():
        if name in ("time", "memory") or not entry.get("overrun"):  # of memory it is more than a remark: the run failed
            continue
        text = in_bytes if name == "size" else "{:.6g}".format
        said.append(f"{name}: {text(entry['used'])} where {text(entry['asked'])} was asked")
    return said


def plain(value: Any) -> Any:
    """Return strict JSON values: numpy scalars as numbers, and null for a number that cannot be estimated."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _measurement(one: Measurement) -> dict[str, Any]:
    return {
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "how": one.how,
        "definition": one.definition,
        "note": one.note,
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    proven = one.certificate
    return {
        "target": one.target.text,
        "status": one.status,
        "qualifier": one.qualifier,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "reason": one.reason,
        "certificate": None
        if proven is None
        else {
            "bound": proven.bound,
            "level": proven.level,
            "method": proven.method,
            "satisfied": proven.satisfied,
            "certifiable": proven.certifiable,
            "n": proven.n,
            "note": proven.note,
        },
    }


def _candidates(
    problem: Problem, candidates: Candidates, choice: Choice, tried: Sequence[Calibrated | None]
) -> Iterable[Mapping[str, Any]]:
    for index, (member, found) in enumerate(zip(candidates.members, tried, strict=True)):
        metrics = {} if found is None else {utility_of(problem.task): found.utility, **found.values}
        skipped = "not calibrated: that was predicted to cost more than was left of the budget"
        note = member.note if found is not None else f"{member.note}; {skipped}"
        yield {"name": member.name, "chosen": index == choice.index, "metrics": metrics, "note": note}
