"""Tables of results with planted effects, in the columns of a real export, for tests of analysis and report.

    accuracy = 0.80 + data + unit + MITIGATION + TIME · log2(dose) + PRUNE · dose + INTERACTION + noise
    dpd      = 0.15 + data + unit + MITIGATION + direct · tightness + through · (accuracy − 0.80) + noise

Everything is a keyword of `Planted`, so that a test states what it plants.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from efficienttrust.study import Constraint, Design, Factor, Hypothesis
from efficienttrust.study._columns import METADATA_KEY
from efficienttrust.study._design import hash_of_declared

ACCURACY, GAP, ROBUST = (
    "metric.accuracy",
    "metric.demographic_parity_difference",
    "metric.robust_accuracy(pgd, eps=0.25)",
)
CONSTRAINTS = {
    "none": Constraint("none"),
    "time=50%": Constraint("time", 0.5, "share of the reference"),
    "time=25%": Constraint("time", 0.25, "share of the reference"),
    "time=12.5%": Constraint("time", 0.125, "share of the reference"),
    "prune=0.5": Constraint("prune", 0.5, "share of weights", "up"),
    "prune=0.8": Constraint("prune", 0.8, "share of weights", "up"),
}
HYPOTHESES = (
    Hypothesis(
        "H1", "cost of time", "An eighth of the time costs accuracy", ACCURACY, "constraint",
        {"time=12.5%": 1.0, "none": -1.0}, {}, "difference", "less",
    ),
    Hypothesis(
        "H2", "gain", "ATATS narrows the gap by more than 0.02", GAP, "mitigation",
        {"atats": 1.0, "baseline": -1.0}, {}, "superiority", "less", 0.02,
    ),
    Hypothesis(
        "H3", "gain", "ATATS costs no more than 0.01 of accuracy", ACCURACY, "mitigation",
        {"atats": 1.0, "baseline": -1.0}, {}, "equivalence", "two-sided", 0.01,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """What a table is made of; standard deviations are `_sd`, effects are in units of the metric."""

    data: tuple[str, ...] = ("adult", "bank", "compas", "german")
    models: tuple[str, ...] = ("mlp", "trees")
    mitigations: tuple[str, ...] = ("baseline", "penalty", "atats")
    constraints: Mapping[str, Constraint] = field(default_factory=lambda: CONSTRAINTS)
    seeds: int = 5
    mitigation: Mapping[str, float] = field(default_factory=lambda: {"penalty": -0.01, "atats": -0.002})
    narrowing: Mapping[str, float] = field(default_factory=lambda: {"penalty": -0.03, "atats": -0.06})
    time: float = 0.01  # accuracy lost per halving of the time
    prune: float = -0.05  # accuracy per share of weights pruned
    interaction: float = 0.0  # accuracy of atats × trees
    direct: float = 0.03  # gap at full tightness, whatever the accuracy
    through: float = -0.5  # gap per point of accuracy
    data_sd: float = 0.03
    slope_sd: float = 0.0  # of the effect of mitigations over data sets
    unit_sd: float = 0.01
    scatter_sd: float = 0.0  # of the effect of mitigations over units
    noise_sd: float = 0.005
    infeasible: Mapping[str, float] = field(default_factory=dict)  # probability by constraint
    failing: float = 0.0
    contended: float = 0.0
    extra: int = 0  # further metrics of pure noise
    target: float = 0.12  # of the gap
    hypotheses: tuple[Hypothesis, ...] = HYPOTHESES
    seed: int = 0


def design_of(planted: Planted) -> Design:
    factors = (
        Factor("data", planted.data, planted.data[0], block=True),
        Factor("model", planted.models, planted.models[0]),
        Factor("constraint", tuple(planted.constraints), "none"),
        Factor("mitigation", planted.mitigations, planted.mitigations[0]),
    )
    cells = len(planted.data) * len(planted.models) * len(planted.constraints) * len(planted.mitigations)
    return Design(
        name="synthetic",
        question="What do limits of time and of weights cost?",
        factors=factors,
        constraints=planted.constraints,
        hypotheses=planted.hypotheses,
        alpha=0.05,
        targets=dict.fromkeys(planted.data, (f"demographic_parity_difference <= {planted.target}",)),
        seeds=tuple(range(planted.seeds)),
        planned=cells * planted.seeds,
        spec_hash="0" * 64,
        declared_hash=hash_of_declared(planted.hypotheses),
    )


def frame_of(planted: Planted) -> pd.DataFrame:
    """Return the table of results; same seed, same table."""
    rng = np.random.default_rng(planted.seed)
    levels = [planted.data, planted.models, tuple(planted.constraints), planted.mitigations, range(planted.seeds)]
    grid = np.array(list(itertools.product(*(range(len(one)) for one in levels))))
    data, model, constraint, mitigation, seed = grid.T
    n = len(grid)
    unit = data * planted.seeds + seed

    def by(index: np.ndarray, sd: float) -> np.ndarray:
        return rng.normal(0, sd, int(index.max()) + 1)[index]

    kinds = [planted.constraints[name] for name in levels[2]]
    dose = np.array([one.dose or 0.0 for one in kinds])[constraint]
    is_time = np.array([one.kind == "time" for one in kinds])[constraint]
    is_prune = np.array([one.kind == "prune" for one in kinds])[constraint]
    halvings = np.where(is_time, -np.log2(np.where(is_time, dose, 1.0)), 0.0)
    tightness = np.where(is_time, halvings / 3, np.where(is_prune, dose / 0.8, 0.0))
    slopes = by(data * len(levels[3]) + mitigation, planted.slope_sd) + by(
        unit * len(levels[3]) + mitigation, planted.scatter_sd
    )
    atats_trees = (mitigation == len(levels[3]) - 1) & (model == len(levels[1]) - 1)
    accuracy = (
        0.80
        + by(data, planted.data_sd)
        + by(unit, planted.unit_sd)
        + np.array([planted.mitigation.get(name, 0.0) for name in levels[3]])[mitigation]
        - planted.time * halvings
        + planted.prune * np.where(is_prune, dose, 0.0)
        + planted.interaction * atats_trees
        + np.where(mitigation > 0, slopes, 0.0)
        + rng.normal(0, planted.noise_sd, n)
    )
    gap = (
        0.15
        + by(data, planted.data_sd / 3)
        + by(unit, planted.unit_sd)
        + np.array([planted.narrowing.get(name, 0.0) for name in levels[3]])[mitigation]
        + planted.direct * tightness
        + planted.through * (accuracy - 0.80)
        + rng.normal(0, planted.noise_sd, n)
    )
    columns: dict[str, Any] = {
        "trial": [f"t{i:06d}" for i in range(n)],
        "cell": [f"c{i // planted.seeds:05d}" for i in range(n)],
        "status": "done",
        "reason": "",
        "attempt": 1,
        "seed": seed,
        "worker": "w0",
        **{
            f"factor.{name}": pd.Categorical.from_codes(codes, list(names)).astype(str)
            for name, codes, names in zip(
                ("data", "model", "constraint", "mitigation"), grid.T[:4], levels[:4], strict=True
            )
        },
        ACCURACY: accuracy,
        GAP: gap,
        ROBUST: accuracy - 0.2 + rng.normal(0, planted.noise_sd, n),
        "group.accuracy.sex=F": accuracy - gap / 2,
        "group.accuracy.sex=M": accuracy + gap / 2,
        **{f"metric.noise_{i}": rng.normal(0, 1, n) for i in range(planted.extra)},
        f"verdict.demographic_parity_difference <= {planted.target}": np.where(gap <= planted.target, "met", "missed"),
        "hit": (gap <= planted.target).astype(float),
        "cost.time_wall": 10 * 2.0**-halvings * (1 + model) * np.exp(rng.normal(0, 0.05, n)),
        "cost.time_cpu": 10 * 2.0**-halvings * (1 + model) * np.exp(rng.normal(0, 0.02, n)),
        "cost.flops": 1e9 * 2.0**-halvings * (1 + model),
        "cost.memory": 1e8 * (1 + model) * np.exp(rng.normal(0, 0.02, n)),
        "cost.size": 1e5 * (1 - np.where(is_prune, dose, 0.0)) * (1 + model),
        "cost.latency": 0.2 * (1 + model) * np.exp(rng.normal(0, 0.1, n)),
        "asked.time_cpu": np.where(is_time, 10 * 2.0**-halvings * (1 + model), np.nan),
        "overrun.time_cpu": np.where(is_time, 0.01, np.nan),
        "run.load": 1.0,
        "run.contended": (rng.random(n) < planted.contended).astype(float),
        "run.threads": 1.0,
        "run.started": 1.79e9 + np.arange(n),
        "run.seconds": 12.0,
    }
    frame = pd.DataFrame(columns)
    chance = np.array([planted.infeasible.get(name, 0.0) for name in levels[2]])[constraint]
    infeasible = rng.random(n) < chance
    failed = ~infeasible & (rng.random(n) < planted.failing)
    lost = infeasible | failed
    measured = [name for name in frame if name.startswith(("metric.", "group.", "cost.", "overrun."))]
    frame.loc[lost, measured] = np.nan
    frame.loc[lost, "hit"] = np.where(failed[lost], np.nan, 0.0)
    frame.loc[infeasible, ["status", "reason"]] = ["infeasible", "the budget affords no epoch"]
    frame.loc[failed, ["status", "reason"]] = ["failed", "out of memory"]
    verdict = next(name for name in frame if name.startswith("verdict."))
    frame[verdict] = frame[verdict].where(~infeasible, "infeasible").where(~failed, None)
    return frame


def metadata_of(design: Design) -> dict[str, Any]:
    return {
        "design": design.as_plain(),
        "environment": {"python": "3.11", "machine": "synthetic"},
        "command": "efficienttrust study run synthetic.yaml",
    }


def write(path: Path, planted: Planted | None = None, **changes: Any) -> Path:
    """Write a table as `export` does; `changes` are keywords of `Planted`."""
    planted = dataclasses.replace(planted or Planted(), **changes)
    return write_frame(path, frame_of(planted), design_of(planted))


def write_frame(path: Path, frame: pd.DataFrame, design: Design) -> Path:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(metadata_of(design)).encode()}), path)
    return path
