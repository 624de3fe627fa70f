"""Teachers and steppers that the tests of distillation share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from efficienttrust.compression import ModuleScorer, NetworkScorer, Scorer
from efficienttrust.data import Problem, load_problem
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.models import build_mlp, make_network
from efficienttrust.training import TrainingTask, inputs_of
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training._module_step import ModuleStepper
from efficienttrust.training.distillation import Distillation
from tests.small_problems import make_table
from tests.training.module_cases import PLAIN


def teacher_of(problem: Problem, network: str = "mlp", seed: int = 5, **options: Any) -> Scorer:
    """Return an untrained teacher of a problem."""
    inputs = inputs_of(problem, 0)
    if network == "mlp" and problem.task == "binary":
        return NetworkScorer(build_mlp(n_features=inputs.shape[0], seed=seed, widths=(24,), **options).layers())
    module = make_network(network, inputs, problem.outputs, seed=seed, **options).eval()
    shift, scale = (100.0, 20.0) if problem.task == "regression" else (0.0, 1.0)
    return ModuleScorer(module, inputs.shape, problem.outputs, network, options, {}, shift, scale)


def distilled(*teachers: Scorer, **terms: Any) -> Distillation:
    return Distillation(teachers=teachers, given=True, said="a teacher", **terms)


def pupil_of(
    problem: Problem,
    distillation: Distillation | None,
    network: str = "mlp",
    targets: tuple[str, ...] = (),
    settings: Any = PLAIN,
    **options: Any,
) -> ModuleStepper:
    """Return the stepper of a training that distils."""
    parsed = tuple(parse_target(text) for text in targets)
    task = TrainingTask(
        targets=parsed, seed=0, network=network, options=options, settings=settings, distillation=distillation
    )
    made = Bench(problem, task, levers_of(parsed, problem.task)).stepper()
    assert isinstance(made, ModuleStepper)
    return made


def problem_of(task: str) -> Problem:
    """Return rows of which a column that leans on the others is the label: two classes, three, or a number."""
    table = make_table(300)
    rng = np.random.default_rng(3)
    lean = table["income"] - 2 * table["debt"] + rng.normal(0, 3, len(table))
    if task == "multiclass":
        table["approved"] = np.array(["low", "mid", "high"])[np.digitize(lean, [5, 15])]
    elif task == "regression":
        table["approved"] = lean * 4 + 0.5
    return load_problem(table, label="approved", sensitive="sex", name=task, task=task)


def same(one: ModuleStepper, other: ModuleStepper) -> bool:
    """Return whether two steppers hold the same weights to the bit."""
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)
