"""Small problems and short trainings that the tests of evaluation, training and pipeline share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from efficienttrust.atats import Policy, make_policy
from efficienttrust.data import Problem, load_problem
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Candidates, TrainingTask, trainers

FAIR = "dpd <= 0.1"
ROBUST = "robust_accuracy(pgd, eps=0.2) >= 0.7"


def make_table(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Two continuous columns, an integer one with gaps, a text one; the label leans on them and on the sex."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "M"], n, p=[0.4, 0.6])
    income = rng.normal(30.0, 8.0, n) + 6.0 * (sex == "M")
    debt = rng.normal(10.0, 3.0, n)
    age = rng.integers(18, 80, n)
    housing = rng.choice(["own", "rent", "free"], n)
    logit = 0.2 * (income - 33.0) - 0.25 * (debt - 10.0) + 0.6 * (housing == "own") + 0.4 * (sex == "M")
    table = pd.DataFrame({"income": income, "debt": debt, "age": age.astype(float), "housing": housing, "sex": sex})
    table.loc[::17, "age"] = np.nan
    table["region"] = rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2])
    table["approved"] = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    return table


@cache
def loans(n: int = 600, seed: int = 0, sensitive: str = "sex") -> Problem:
    """The table above as a problem; `region` is an input unless it is sensitive."""
    return load_problem(make_table(n, seed), label="approved", sensitive=sensitive, name="loans")


@cache
def weighted_loans() -> Problem:
    table = make_table()
    table["w"] = np.random.default_rng(1).choice([0.5, 1.0, 3.0], len(table))
    return load_problem(table, label="approved", sensitive="sex", weight="w")


@cache
def german() -> Problem:
    return load_problem("german", sensitive="sex")


def train(
    problem: Problem,
    budget: str,
    targets: Sequence[str] = (FAIR, ROBUST),
    *,
    policy: Policy | str = "plan",
    trainer: str = "network",
    seed: int = 0,
    checkpoint: Path | None = None,
    identity: str = "this run",
    on_progress: Callable[[int, Mapping[str, float], str], None] | None = None,
    widths: tuple[int, ...] = (16,),
) -> tuple[Candidates, Ledger]:
    """Run a trainer alone, without calibration, export and proof."""
    ledger = Ledger(Budget.parse(budget))
    task = TrainingTask(
        targets=tuple(parse_target(text) for text in targets),
        seed=seed,
        options={"widths": widths},
        checkpoint=checkpoint,
        identity=identity,
        on_progress=on_progress,
    )
    policy = make_policy(policy) if isinstance(policy, str) else policy
    return trainers.get(trainer)(task).fit(problem, ledger, policy), ledger


def fingerprint(candidates: Candidates) -> list[Any]:
    """Everything that a seed and a step budget must determine: weights, head, decisions, history without clocks."""
    weights = [[layer.tobytes() for pair in member.scorer.layers for layer in pair] for member in candidates.members]
    head = None if candidates.head is None else [part.tobytes() for part in candidates.head]
    history = [{k: repr(v) for k, v in row.items() if k not in ("wall", "cpu")} for row in candidates.history]
    names = [(member.name, member.note) for member in candidates.members]
    return [weights, head, names, history, candidates.decisions, candidates.fallbacks]
