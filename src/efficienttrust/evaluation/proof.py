"""The proof of a run: measurements on test, certificates on certify, a verdict per target, and what was traded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from efficienttrust.compression import Decision, DeployedModel, NetworkScorer, Scorer, score_encoded
from efficienttrust.data import Problem
from efficienttrust.evaluation.calibration import robustness_key
from efficienttrust.evaluation.certification import Verdict, certify, verdict
from efficienttrust.evaluation.parent import NetworkVictim, ScorerVictim
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.suite import evaluate_file, measure_all
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Measurement, Outcome, group_table, measure
from efficienttrust.threats import attacks, reach, run_attack

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
    file: DeployedModel,
    scorer: Scorer,
    decision: Decision,
    *,
    seed: int,
    with_stages: bool = True,
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
    """
    test = evaluate_file(file, problem, "test", targets, scorer=scorer, decision=decision, seed=seed)
    certify_split = evaluate_file(file, problem, "certify", targets, scorer=scorer, decision=decision, seed=seed)
    measurements = measure_all(test.outcome, targets)
    alpha = (1 - CONFIDENCE) / max(len(targets), 1)
    verdicts = tuple(
        verdict(target, measurements[target.key], certify(target, certify_split.outcome, alpha)) for target in targets
    )
    stages: tuple[Stage, ...] = ()
    if with_stages:
        stages = _stages(problem, targets, scorer, test.outcome, seed)
    return Proof(
        verdicts, measurements, group_table(test.outcome), stages, _predictions(problem, test.outcome, test.margin)
    )


def _stages(
    problem: Problem, targets: Sequence[Target], scorer: Scorer, deployed: Outcome, seed: int
) -> tuple[Stage, ...]:
    part = problem.splits["test"]
    train = problem.splits["train"].y
    majority = int(train.mean() > 0.5)
    constant = np.full(len(part.y), majority, dtype=np.int8)
    constant_outcome = dataclasses.replace(
        deployed,
        prediction=constant,
        score=np.full(len(part.y), float(train.mean())),
        robust={key: part.y[rows] == majority for key, rows in deployed.robust_rows.items()},
    )
    z = score_encoded(scorer, part.x)
    raw = dataclasses.replace(
        deployed,
        prediction=(z > 0).astype(np.int8),
        score=1 / (1 + np.exp(-z.astype(np.float64))),
        robust=_parent_robustness(problem, targets, scorer, deployed, z, seed),
    )
    wanted = dict.fromkeys([("accuracy", ()), *((t.metric, t.arguments) for t in targets)])

    def measured(outcome: Outcome) -> dict[str, Measurement]:
        found = [measure(name, outcome, dict(arguments)) for name, arguments in wanted]
        return {one.name: one for one in found}

    label = problem.positive if majority else problem.negative
    return (
        Stage("constant prediction", f"always {problem.label} = {label}", measured(constant_outcome)),
        Stage("trained, before calibration", "the network or trees at threshold 0.5", measured(raw)),
        Stage("deployed", "the exported file", measured(deployed)),
    )


def _parent_robustness(
    problem: Problem, targets: Sequence[Target], scorer: Scorer, deployed: Outcome, z: Any, seed: int
) -> dict[str, Any]:
    part, p = problem.splits["test"], len(problem.domain.lower)
    robust = {}
    for target in targets:
        if target.metric not in ROBUST_METRICS:
            continue
        key, arguments = robustness_key(target), dict(target.arguments)
        rows = deployed.robust_rows[key]
        x = part.x[rows]
        network = isinstance(scorer, NetworkScorer)
        victim = NetworkVictim(scorer, x, p) if isinstance(scorer, NetworkScorer) else ScorerVictim(scorer, x, p)
        method = attacks.get(str(arguments["attack"]) if network else "coordinate")
        where = reach(problem.domain, torch.from_numpy(x), float(str(arguments["eps"])))
        generator = torch.Generator().manual_seed(seed)
        found = run_attack(method, victim, where, torch.from_numpy(part.y[rows]), generator)
        robust[key] = (found.margin > 0).numpy() & ((z[rows] > 0) == (part.y[rows] > 0))
    return robust


def _predictions(problem: Problem, outcome: Outcome, margin: Any) -> pd.DataFrame:
    import pandas as pd

    part = problem.splits["test"]
    columns: dict[str, Any] = {"row": part.rows, "label": outcome.y}
    for name, (codes, names) in outcome.attributes.items():
        free = f"group {name}" if name in RESERVED else name
        columns[free] = [None if code < 0 else names[code] for code in codes]
    if outcome.weight is not None:
        columns["weight"] = outcome.weight
    columns |= {"score": outcome.score, "margin": margin, "prediction": outcome.prediction}
    for key, standing in outcome.robust.items():
        right = np.full(len(part.y), -1, dtype=np.int8)  # −1: not attacked
        right[outcome.robust_rows[key]] = standing
        columns[f"right under {key}"] = right
    return pd.DataFrame(columns)
