"""What calibration and monitoring read off a split: logits clean and attacked, groups true or inferred."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import Scorer, score_encoded
from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.group_head import Head, posterior
from efficienttrust.evaluation.judging import ClassData, NumberData
from efficienttrust.evaluation.parent import worst_logits
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import Attacked, CalibrationData, robustness_key
from efficienttrust.evaluation.targets import Target

Codes = NDArray[np.int64]

STEERABLE_ROWS = 10
IMAGES_AT_ONCE = 1024  # turned into numbers at a time
ATTACKED_CELLS = 2**26  # of images that are attacked together


def codes_of(problem: Problem, split: Split, attribute: str) -> tuple[Codes, int]:
    """Return codes and number of groups of an attribute, or of the intersections for an empty name."""
    if attribute == "":
        return split.groups, len(problem.group_names)
    return split.codes[attribute], len(problem.attribute_names[attribute])


def steering_codes(problem: Problem, split: Split, attribute: str) -> tuple[Codes, int]:
    """Return codes and number of groups for training and calibration: groups too small to steer by have code -1.

    Measurements on test see all groups; they do not come here.
    """
    codes, n_groups = codes_of(problem, split, attribute)
    return np.where(steered(problem, attribute)[codes] & (codes >= 0), codes, -1), n_groups


def split_codes(problem: Problem, split: str, rows: Codes | None = None) -> dict[str, tuple[Codes, int]]:
    """Return attribute -> steering codes of (a selection of) a split, with "" for the intersections."""
    part = problem.splits[split]
    every = {name: steering_codes(problem, part, name) for name in ("", *part.codes)}
    return every if rows is None else {name: (codes[rows], n) for name, (codes, n) in every.items()}


def steered(problem: Problem, attribute: str) -> NDArray[np.bool_]:
    """Return which groups [G] have rows enough on the calibrate split to steer by; all when fewer than two have.

    The rate of a group of five rows is noise: a rule that is fitted to it gives up everything else for it.
    """
    codes, n_groups = codes_of(problem, problem.splits["calibrate"], attribute)
    enough = np.bincount(codes[codes >= 0], minlength=n_groups) >= STEERABLE_ROWS
    return enough if enough.sum() >= 2 else np.ones(n_groups, dtype=bool)


def not_steered(problem: Problem) -> list[str]:
    """Return one sentence for each group that is measured but not aimed at."""
    return [
        f"group {name!r} is too small to steer by (fewer than {STEERABLE_ROWS} rows in calibrate): it is measured and "
        "reported, but training and calibration do not aim at it; merge it with another group or leave its rows out"
        for name, enough in zip(problem.group_names, steered(problem, ""), strict=True)
        if not enough
    ]


def one_hot(codes: Codes, n_groups: int) -> NDArray[np.float32]:
    """Return one-hot membership [n, G]; a row of unknown group is all zeros."""
    members = np.zeros((len(codes), n_groups), dtype=np.float32)
    known = np.flatnonzero(codes >= 0)
    members[known, codes[known]] = 1.0
    return members


def calibration_data(
    problem: Problem,
    split: str,
    scorer: Scorer,
    z: NDArray[np.float32],
    targets: Sequence[Target],
    head: Head | None,
    *,
    aware: bool,
    attacked_rows: int,
    seed: int,
    rows: Codes | None = None,
) -> CalibrationData:
    """Collect what a decision rule is judged by on (a selection of) a split.

    Args:
        problem: The problem.
        split: Name of the split.
        scorer: What made the logits.
        z: Logits of the chosen rows.
        targets: The targets; each attack that they ask for is run once.
        head: Group head of blind calibration.
        aware: Use the true groups instead.
        attacked_rows: At most so many rows are attacked.
        seed: Seed of the attack and of the choice of rows.
        rows: Positions chosen; None takes all.
    """
    part = problem.splits[split]
    chosen = np.arange(len(part.y)) if rows is None else rows
    y = part.y[chosen]
    codes = split_codes(problem, split, chosen)
    if aware:
        groups = one_hot(*codes[""])
    else:
        groups = np.zeros((len(chosen), 0), np.float32) if head is None else posterior(head, part.x[chosen])
    attacked: dict[str, Attacked] = {}
    for target in targets:
        if target.metric not in ROBUST_METRICS or robustness_key(target) in attacked:
            continue
        arguments = dict(target.arguments)
        most = min(attacked_rows, _most_in_memory(part))
        picked = np.sort(np.random.default_rng(seed).permutation(len(chosen))[:most])
        attacked[robustness_key(target)] = worst_logits(
            problem, scorer, part.inputs(chosen[picked]), y[picked], picked, attack=str(arguments["attack"]),
            eps=float(str(arguments["eps"])), norm=str(arguments["norm"]), seed=seed,
        )  # fmt: skip
    weight = None if part.weight is None else part.weight[chosen]
    if problem.task != "binary":
        kind = ClassData if problem.task == "multiclass" else NumberData
        names = {"": problem.group_names, **problem.attribute_names}
        return kind(z, y, codes, groups, attacked, weight, names=names)
    return CalibrationData(z, y, codes, groups, attacked, weight)


def _most_in_memory(part: Split) -> int:
    """Return how many rows may be attacked, whose inputs and worst points are held as numbers."""
    return len(part) if part.pixels is None else max(1, ATTACKED_CELLS // int(np.prod(part.pixels.shape)))


def score_rows(scorer: Scorer, split: Split, rows: Codes) -> NDArray[np.float32]:
    """Return the logits of rows of a split, [m] or [m, K]; images are read in parts."""
    if split.pixels is None:
        return score_encoded(scorer, split.x[rows])
    parts = np.split(rows, range(IMAGES_AT_ONCE, len(rows), IMAGES_AT_ONCE))
    return np.concatenate([score_encoded(scorer, split.inputs(part)) for part in parts])
