"""The proof of a run: measurements on test, certificates on certify, a verdict per target, and what was traded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    ModuleScorer,
    QuantisedScorer,
    Scorer,
    TreeScorer,
    export_images,
    export_onnx,
)
from efficienttrust.data import Problem
from efficienttrust.evaluation.certification import Verdict, verdict
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.selection import Guarantee
from efficienttrust.evaluation.suite import File, Spread, evaluate_file, measure_all
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Measurement, Outcome, group_table, measure

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95  # of all certificates of a run together
RESERVED = ("row", "label", "weight", "score", "margin", "prediction")  # columns of the predictions


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of the trade-off, measured on the same test rows.

    Attributes:
        name: Short name.
        description: What it is.
        metrics: Metric key -> measurement.
    """

    name: str
    description: str
    metrics: Mapping[str, Measurement]


@dataclass(frozen=True, eq=False)
class Proof:
    """Everything that was measured on the exported file.

    Attributes:
        verdicts: One per target.
        measurements: Metric key -> measurement on test.
        groups: Rates by group on test.
        stages: From constant prediction over the uncalibrated model to what is deployed.
        predictions: What the file said on test, one row per row.
    """

    verdicts: tuple[Verdict, ...]
    measurements: Mapping[str, Measurement]
    groups: Sequence[Mapping[str, object]]
    stages: tuple[Stage, ...]
    predictions: pd.DataFrame


def prove(
    problem: Problem,
    targets: Sequence[Target],
    file: File,
    scorer: Scorer,
    decision: Decision,
    *,
    seed: int,
    with_stages: bool = True,
    spread: Spread | None = None,
    guarantee: Guarantee | None = None,
) -> Proof:
    """Evaluate the exported file on test and certify, and judge every target.

    Args:
        problem: The problem.
        targets: The targets.
        file: The exported file.
        scorer: Its float parent, on which attacks are crafted.
        decision: The parent's decision rule.
        seed: Seed of the attacks.
        with_stages: Measure the stages too; `verify` does without.
        spread: Shares the rows that are attacked among processes, which must all call this with the same arguments.
        guarantee: The level that the selection among candidates left for the certificates; by default that of a model
            that was chosen without certify.
    """
    evaluate = partial(evaluate_file, targets=targets, scorer=scorer, seed=seed, spread=spread)
    test = evaluate(file, problem, "test", decision=decision)
    certify_split = evaluate(file, problem, "certify", decision=decision)
    measurements = measure_all(test.outcome, targets)
    if isinstance(scorer, TreeScorer):
        measurements = {key: _searched_only(one) for key, one in measurements.items()}
    guarantee = guarantee or Guarantee("individual", len(targets), 1 - CONFIDENCE)
    certificates = [guarantee.certify(target, certify_split.outcome) for target in targets]
    verdicts = tuple(
        verdict(target, measurements[target.key], certificate, guarantee.words(certificate))
        for target, certificate in zip(targets, certificates, strict=True)
    )
    stages: tuple[Stage, ...] = ()
    if with_stages:
        stages = _stages(
            problem,
            targets,
            test.outcome,
            lambda: evaluate(_uncalibrated(problem, scorer), problem, "test", decision=Decision()).outcome,
        )
    return Proof(
        verdicts, measurements, group_table(test.outcome), stages, _predictions(problem, test.outcome, test.margin)
    )


def _searched_only(measured: Measurement) -> Measurement:
    if not measured.name.startswith(tuple(ROBUST_METRICS)):
        return measured
    note = "no gradient: found by black-box search alone, so the truth may be lower"
    return dataclasses.replace(measured, note="; ".join(filter(None, (measured.note, note))))


def _stages(
    problem: Problem, targets: Sequence[Target], deployed: Outcome, uncalibrated: Callable[[], Outcome]
) -> tuple[Stage, ...]:
    part, train = problem.splits["test"], problem.splits["train"].y
    if problem.task == "regression":
        return _stages_of_numbers(problem, targets, deployed)
    shares = np.bincount(train, minlength=len(problem.classes)) / len(train)
    majority = int(shares.argmax())
    constant = np.full(len(part.y), majority, dtype=part.y.dtype)
    constant_outcome = dataclasses.replace(
        deployed,
        prediction=constant,
        score=np.tile(shares, (len(part.y), 1)) if problem.task == "multiclass" else np.full(len(part.y), shares[1]),
        robust={key: part.y[rows] == majority for key, rows in deployed.robust_rows.items()},
    )
    wanted = dict.fromkeys([("accuracy", ()), *((t.metric, t.arguments) for t in targets)])
    always = f"always {problem.label} = {problem.classes[majority]}"
    stages = [Stage("constant prediction", always, _measured(constant_outcome, wanted))]
    if problem.task == "binary":
        said = "the same scorer exported with threshold 0.5"
        stages.append(Stage("trained, before calibration", said, _measured(uncalibrated(), wanted)))
    return (*stages, Stage("deployed", "the exported file", _measured(deployed, wanted)))


def _stages_of_numbers(problem: Problem, targets: Sequence[Target], deployed: Outcome) -> tuple[Stage, ...]:
    mean = float(np.mean(problem.splits["train"].y, dtype=np.float64))
    constant = np.full(len(deployed.y), mean)
    wanted = dict.fromkeys([("r2", ()), ("mean_absolute_error", ()), *((t.metric, t.arguments) for t in targets)])
    outcome = dataclasses.replace(deployed, prediction=constant, score=constant)
    always = f"always {problem.label} = {mean:.4g}, its mean on train"
    return (
        Stage("constant prediction", always, _measured(outcome, wanted)),
        Stage("deployed", "the exported file", _measured(deployed, wanted)),
    )


def _measured(outcome: Outcome, wanted: Iterable[tuple[str, Any]]) -> dict[str, Measurement]:
    found = [measure(name, outcome, dict(arguments)) for name, arguments in wanted]
    return {one.name: one for one in found}


def _uncalibrated(problem: Problem, scorer: Scorer) -> File:
    if problem.kind == "image":
        assert isinstance(scorer, ModuleScorer | QuantisedScorer)
        return DeployedImages(export_images(scorer, Decision(), problem.classes))
    return DeployedModel(export_onnx(None, problem.encoder, scorer, Decision()))


def _predictions(problem: Problem, outcome: Outcome, margin: Any) -> pd.DataFrame:
    import pandas as pd

    part = problem.splits["test"]
    columns: dict[str, Any] = {"row": part.rows, "label": outcome.y}
    for name, (codes, names) in outcome.attributes.items():
        free = f"group {name}" if name in RESERVED else name
        columns[free] = [None if code < 0 else names[code] for code in codes]
    if outcome.weight is not None:
        columns["weight"] = outcome.weight
    if outcome.task == "regression":
        columns["prediction"] = outcome.prediction.astype(np.float32)
        return pd.DataFrame(columns)
    if outcome.score.ndim == 2:
        for code, name in enumerate(problem.classes):
            columns[f"score {name}"] = outcome.score[:, code].astype(np.float32)
    else:
        columns["score"] = outcome.score
    columns |= {"margin": margin, "prediction": outcome.prediction}
    for key, standing in outcome.robust.items():
        right = np.full(len(part.y), -1, dtype=np.int8)  # −1: not attacked
        right[outcome.robust_rows[key]] = standing
        columns[f"right under {key}"] = right
    return pd.DataFrame(columns)
