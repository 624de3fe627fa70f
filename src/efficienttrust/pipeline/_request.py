"""What was asked for, checked before anything is spent."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust import __version__
from efficienttrust.atats import Policy, make_policy
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.suite import check_measurable
from efficienttrust.evaluation.targets import Target, check_targets, parse_target
from efficienttrust.models import network_of, networks, parse_network
from efficienttrust.pipeline.limits import TargetLimits, assess, question_of, refuse_impossible
from efficienttrust.resources import Budget
from efficienttrust.threats import attacks
from efficienttrust.training import Settings, trainers
from efficienttrust.training._distributed import processes
from efficienttrust.training._settings import refuse_ignored

DEFAULT_NETWORK = {"table": "mlp", "image": "resnet8"}


@dataclass(frozen=True)
class Request:
    """A checked request.

    Attributes:
        budget: Limits, epochs turned into samples.
        asked: The budget as the user wrote it.
        targets: Targets without duplicates.
        notes: Which targets were dropped, and why; and what of the settings has no effect.
        policy: Who steers.
        policy_text: The policy as the user wrote it.
        trainer: Name of the trainer.
        network: Name of the network that a trainer of networks trains.
        options: Options of the network that were given.
        settings: How it is trained.
        seed: Seed of the training.
        aware: Whether the true group is used at prediction.
        limits: What is known to limit the targets, without estimates.
    """

    budget: Budget
    asked: Budget
    targets: tuple[Target, ...]
    notes: tuple[str, ...]
    policy: Policy
    policy_text: str
    trainer: str
    network: str
    options: Mapping[str, Any]
    settings: Settings
    seed: int
    aware: bool
    limits: tuple[TargetLimits, ...] = ()

    def identity(self, problem: Problem) -> str:
        """Return what a checkpoint must agree with to be resumed: data, settings and version."""
        parts = {
            "version": __version__,
            "problem": problem.fingerprint,
            "budget": str(self.asked),
            "targets": [target.text for target in self.targets],
            "policy": self.policy_text,
            "trainer": self.trainer,
            "network": [self.network, dict(self.options)],
            "settings": repr(self.settings),
            "seed": self.seed,
            "aware": self.aware,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def make_request(
    problem: Problem,
    *,
    budget: Budget | str,
    targets: Sequence[Target | str],
    policy: Policy | str,
    trainer: str,
    model: str | None,
    settings: Settings,
    seed: int,
    aware: bool,
    force: bool = False,
) -> Request:
    """Check a request against the problem.

    Raises:
        UsageError: Something is unknown, malformed or contradictory.
        InfeasibleError: The arithmetic of the budget excludes it.
    """
    asked = Budget.parse(budget) if isinstance(budget, str) else budget
    parsed, notes = check_targets([parse_target(t) if isinstance(t, str) else t for t in targets], problem.sensitive)
    check_measurable(parsed, problem.task)
    _refuse_narrow_attacks(problem, parsed)
    if problem.kind == "image":
        _refuse_for_images(parsed, aware)
    if aware and problem.task != "binary":
        raise UsageError(
            "--use-groups-at-prediction gives each group a threshold of its own; only a model of two classes has one: "
            "leave it out, or let the model read the groups with --use-sensitive-as-input"
        )
    if aware and not problem.sensitive:
        raise UsageError("--use-groups-at-prediction needs groups: name the columns that hold them with --sensitive")
    known = assess(question_of(problem, parsed, budget=asked, aware=aware, seed=seed), cheap=True)
    if not force:
        refuse_impossible(known)
    limits = asked.in_samples(len(problem.splits["train"].y))
    if limits.time is not None and limits.time.clock == "steps" and limits.time.amount < 1:
        raise InfeasibleError(f"budget: {limits.time} is less than one training step")
    trainer, network, options = _chosen(problem, trainer, model)
    unheeded = refuse_ignored(settings, by_hand=_by_hand(problem, trainer, network), images=problem.kind == "image")
    if settings.distil and (problem.kind == "image" or problem.task != "binary" or trainer not in ("network", "auto")):
        raise UsageError("--distil lets boosted trees teach a network two classes from a table; leave it out here")
    _refuse_shaping(settings, trainer)
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; use 0 or a positive whole number")
    return Request(
        limits,
        asked,
        parsed,
        (*notes, *unheeded),
        make_policy(policy) if isinstance(policy, str) else policy,
        policy if isinstance(policy, str) else _policy_text(policy),
        trainer,
        network,
        options,
        settings,
        seed,
        aware,
        known,
    )


def _refuse_shaping(settings: Settings, trainer: str) -> None:
    """Refuse to prune or quantise what is no single network, and to do so in several processes."""
    asked = {
        "prune": settings.prune,
        "quantize": settings.quantize if settings.quantize not in ("auto", "none") else None,
    }
    for option, text in asked.items():
        if text is None:
            continue
        if trainer != "network":
            raise UsageError(f"--{option} {text}: {trainer} are not pruned or quantised; choose a network with --model")
        if processes() > 1:
            raise UsageError(
                f"--{option} {text}: networks are pruned and quantised in one process; start without torchrun"
            )


def _refuse_narrow_attacks(problem: Problem, targets: Sequence[Target]) -> None:
    """Refuse attacks that would do nothing on rows as wide as these, before anything is spent."""
    pixels = problem.splits["train"].pixels
    cells = len(problem.domain.lower) if pixels is None else math.prod(pixels.shape)
    for target in targets:
        if target.metric not in ROBUST_METRICS:
            continue
        attack = attacks.get(str(dict(target.arguments)["attack"]))
        if attack.most_cells is not None and cells > attack.most_cells:
            raise UsageError(
                f"target {target.text}: {attack.name} searches rows of at most {attack.most_cells} cells, these have "
                f"{cells}; ask for square or pgd"
            )


def _chosen(problem: Problem, trainer: str, model: str | None) -> tuple[str, str, Mapping[str, Any]]:
    """Return trainer, network and its options; a model may name either."""
    if model is not None and not model.strip():
        raise UsageError("--model is empty: give the name of a network or a trainer, or leave it out")
    if model is not None and model in trainers.names():
        trainer, model = model, None
    trainer = trainers.canonical(trainer)
    if trainer == "auto" and problem.kind == "image":
        raise UsageError("auto chooses among models of tables; choose a network with --model")
    if trainer == "auto" and model is None:
        return trainer, "mlp", {}
    if trainer != "network":
        if processes() > 1:
            raise UsageError(f"{trainer} train in one process: start without torchrun")
        if problem.kind == "image":
            raise UsageError(f"{trainer} learn from tables; choose a network with --model")
        if model is not None:
            raise UsageError(f"--model {model} is a network, --trainer {trainer} trains none: leave out one of the two")
        return trainer, "mlp", {}
    name, options = parse_network(DEFAULT_NETWORK[problem.kind] if model is None else model)
    kinds = network_of(name).kinds
    if problem.kind not in kinds:
        able = [other for other in networks.names() if problem.kind in networks.get(other).kinds]
        raise UsageError(f"{name} reads {' and '.join(kinds)}s, these are {problem.kind}s: choose {', '.join(able)}")
    return trainer, name, options


def _by_hand(problem: Problem, trainer: str, network: str) -> str | None:
    """Return the name of what is trained without autograd, or None; several processes train the mlp as any module."""
    if trainer in ("network", "auto"):
        alone = trainer == "network" and network == "mlp" and problem.task == "binary" and processes() == 1
        return network if alone else None
    return trainer


def check_destination(out: Path | None, *, overwrite: bool) -> None:
    """Refuse a folder that holds something.

    Raises:
        UsageError: The folder exists and `overwrite` is off, or it holds something that is not a run.
    """
    if out is None:
        return
    if out.exists():
        if not out.is_dir():
            raise UsageError(f"{out} is a file; --out must name a folder")
        if any(out.iterdir()):
            if not overwrite:
                raise UsageError(f"{out} exists already; add --overwrite to replace it or choose another --out")
            if not (out / "run.json").exists():
                raise UsageError(f"{out} exists and is not a run; --overwrite replaces runs only, choose another --out")


def _refuse_for_images(targets: Sequence[Target], aware: bool) -> None:
    """Refuse a radius in units of 0-255, and a threshold for each group: the file reads pixels alone."""
    for target in targets:
        arguments = dict(target.arguments)
        eps = float(str(arguments.get("eps", 0.0)))
        if eps > 1 and arguments.get("norm") == "linf":
            raise UsageError(
                f"target {target.text}: eps = {eps:g} is wider than the range of pixels, which is [0, 1] here: for "
                f"{eps:g} of 255 write {eps:g}/255"
            )
    if aware:
        raise UsageError(
            "--use-groups-at-prediction is for tables: the file of a model of images is given pixels and no group; "
            "leave it out"
        )


def refuse_memory(budget: Budget) -> None:
    """Refuse a limit on memory that this process exceeds before it has trained: ask once all libraries are loaded.

    Raises:
        InfeasibleError: It does.
    """
    if budget.memory is None:
        return
    import psutil

    present = psutil.Process().memory_info().rss
    if present > budget.memory:
        raise InfeasibleError(
            f"budget: memory={budget.memory / 1e6:.4g}MB is less than the {present / 1e6:.4g} MB of libraries and data "
            "before training; ask for more"
        )


def _policy_text(policy: Policy) -> str:
    """Return the name of a policy object with its plain options, so that a checkpoint tells one from another."""
    options = {name: value for name, value in vars(policy).items() if isinstance(value, int | float | str)}
    shown = ", ".join(f"{name}={value}" for name, value in sorted(options.items()) if not name.startswith("_"))
    return f"{policy.name}({shown})" if shown else policy.name
