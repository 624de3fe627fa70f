"""Accuracy under attack over its strength, overall and by group; what each attack did; alarms about the figures."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import Rows
from efficienttrust.metrics import Measurement, Outcome, measure, metrics
from efficienttrust.metrics.group_table import cells_of
from efficienttrust.metrics.metric import robust_key
from efficienttrust.metrics.rates import group_rates
from efficienttrust.pipeline._audit_alarms import alarms_about
from efficienttrust.pipeline._audit_examination import Examination, Section

if TYPE_CHECKING:
    from efficienttrust.evaluation.artefacts import Assault

LEVEL = 0.95
USUAL = {
    ("table", "linf"): (0.05, 0.1, 0.25, 0.5),
    ("table", "l2"): (0.05, 0.1, 0.25, 0.5),
    ("image", "linf"): (1 / 255, 2 / 255, 4 / 255, 8 / 255),
    ("image", "l2"): (0.1, 0.25, 0.5, 1.0),
}
"""Radii of a curve, beside those that are asked for."""
UNITS = {"table": "training standard deviations of the numeric columns", "image": "pixels in [0, 1]"}
MOST_ROWS = {("table", False): 20_000, ("table", True): 2000, ("image", False): 1000, ("image", True): 500}
"""(kind, whether under a cascade) -> rows under attack by gradient; a cascade asks of what stands a thousand times."""
QUERIES = 1_000_000
"""Rows that a search may ask a shipped model about: a limit on the rows that it looks at."""
FEWEST_ROWS = 200
SQUARE_QUERIES = 1000
RANDOM_DRAWS = 40
ALARM_SHARE = 0.25
"""Of the seconds given: what is kept for alarms."""


def robustness_section(exam: Examination) -> Section:
    """Attack the model as it is shipped and say which rows stand, at every radius, overall and by group.

    The main curve is under `standard` for the suite `full` and under `pgd` for lighter ones, in the norm that was asked
    for; its radii are the usual ones and those asked for (for `quick` only the latter). A target that names another
    attack, norm or radius is attacked too, so that its metric can be measured. A model without a gradient is searched
    instead. Where seconds are given they hold for everything here: blocks of rows are attacked until they are used up.

    Args:
        exam: Model, rows, answers, request.

    Returns:
        The part `robustness` of audit.json, `robust` and `robust_rows` of the outcome, and alarms.

    Raises:
        UsageError: A radius in pixels that is wider than all of them, an attack or a norm that does not exist.
    """
    refuse_wide_radii(exam)
    begin = time.perf_counter()
    jobs = _jobs(exam)
    if not jobs:
        return Section()
    chosen, notes = _chosen(exam, jobs)
    rows = exam.rows.take(chosen)
    found = []
    for left, ((attack, norm), eps) in zip(range(len(jobs), 0, -1), jobs.items(), strict=True):
        found.append(_attack(exam, rows, attack, norm, sorted(eps), _share(exam, begin, left)))
    robust, robust_rows = {}, {}
    for one in found:
        for radius, right in zip(one.eps, one.right, strict=True):
            key = robust_key(one.attack, radius, one.norm)
            robust[key], robust_rows[key] = right, chosen[one.rows]
    added = Section(outcome={"robust": robust, "robust_rows": robust_rows})
    main = found[0]
    notes += _said(exam, main)
    document = {
        "norm": main.norm,
        "unit": UNITS[rows.kind],
        "attack": main.attack,
        "curve": list(_curve(exam, added, main, chosen[main.rows])),
        "stages": [asdict(stage) for stage in main.stages],
        "complete": main.complete,
        "how": main.how,
        "notes": notes,
    }
    rest = None if exam.request.seconds is None else exam.request.seconds - (time.perf_counter() - begin)
    still = rows.kind == "table" and not rows.problem.domain.mutable.any()  # no attack, no alarm about it
    alarms = () if still else alarms_about(exam, rows, main.eps[len(main.eps) // 2], main.norm, seconds=rest)
    return dataclasses.replace(added, document=document, alarms=alarms)


def refuse_wide_radii(exam: Examination) -> None:
    """Refuse a radius that covers more than all pixel values: it was meant in units of 0-255."""
    if exam.rows.kind != "image":
        return
    for (_, norm), radii in _jobs(exam).items():
        for eps in sorted(radii):
            if norm == "linf" and eps > 1:
                raise UsageError(
                    f"eps = {eps:g} is wider than the range of pixels, which is [0, 1] here: for {eps:g} of 255 write "
                    f"{eps:g}/255 = {eps / 255:.4f}"
                )


def _jobs(exam: Examination) -> dict[tuple[str, str], set[float]]:
    """Return (attack, norm) -> radii, the main curve first; radii as their keys write them."""
    request = exam.request
    attack = "standard" if request.suite == "full" else "pgd"
    usual = () if request.suite == "quick" else USUAL[exam.rows.kind, request.norm]
    jobs = {(attack, request.norm): {_as_in_keys(eps) for eps in (*usual, *request.eps) if eps > 0}}
    for target in request.targets:
        metric = metrics.get(target.metric)
        if "robust" in metric.needs:
            asked = metric.resolve(dict(target.arguments))
            jobs.setdefault((asked["attack"], asked["norm"]), set()).add(_as_in_keys(asked["eps"]))
    return {name: radii for name, radii in jobs.items() if radii}


def _as_in_keys(eps: float) -> float:
    return float(f"{eps:.6g}")


def _attack(exam: Examination, rows: Rows, attack: str, norm: str, eps: list[float], seconds: float | None) -> Assault:
    from efficienttrust.evaluation.artefacts import assault

    return assault(exam.subject, rows, eps, attack=attack, norm=norm, seed=exam.request.seed, seconds=seconds)


def _share(exam: Examination, begin: float, jobs: int) -> float | None:
    """Return the seconds of the next of the jobs that are left, alarms after them."""
    seconds = exam.request.seconds
    if seconds is None:
        return None
    return max(0.0, (1 - ALARM_SHARE) * seconds - (time.perf_counter() - begin)) / jobs


def _chosen(exam: Examination, jobs: Mapping[tuple[str, str], set[float]]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the positions of the rows to attack, ascending, and a note where they are not all.

    With a budget of seconds the clock decides. Without one the number depends on the model's kind and on the attack
    alone, so that the same command attacks the same rows on every machine.
    """
    n = len(exam.rows)
    if exam.request.seconds is not None:
        return np.arange(n), []
    most = min(_most(exam, attack, len(eps)) for (attack, _), eps in jobs.items())
    if n <= most:
        return np.arange(n), []
    chosen = np.sort(np.random.default_rng(exam.request.seed).permutation(n)[:most])
    return chosen, [f"{most:,} of {n:,} rows were attacked, drawn at random; --seconds lets a clock decide instead"]


def _most(exam: Examination, attack: str, radii: int) -> int:
    from efficienttrust.evaluation.artefacts import gradient_victim, searches_of
    from efficienttrust.threats import attacks

    subject, rows = exam.subject, exam.rows
    most = MOST_ROWS[rows.kind, bool(attacks.get(attack).stages)]
    if subject.kind == "torch":
        return most
    cells = rows.x[0].size if rows.kind == "image" else len(rows.problem.encoder.numeric)
    cost = {"coordinate": 4 * cells, "random_points": RANDOM_DRAWS, "square": SQUARE_QUERIES}
    searched = searches_of(attack, gradient=gradient_victim(subject, rows) is not None, cells=cells)
    queries = sum(cost.get(name, 0) * restarts for name, restarts in searched.items())
    return min(most, max(FEWEST_ROWS, QUERIES // max(queries, 1) // max(1, radii.bit_length() - 1)))


def _curve(exam: Examination, added: Section, main: Assault, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    """Yield a point of the curve for radius 0 and for every radius."""
    outcome = exam.outcome([added])
    clean = _rows_of(exam.outcome(), rows)
    gap = _gap_of(exam)
    yield {
        "eps": 0.0,
        "accuracy": asdict(measure("accuracy", clean)),
        "by_group": _by_group(outcome, main.clean_right, rows),
        "gap": asdict(measure("accuracy_gap", clean)) if gap else None,
    }
    for eps, right, proven in zip(main.eps, main.right, main.proven, strict=True):
        where = {"attack": main.attack, "eps": eps, "norm": main.norm}
        yield {
            "eps": eps,
            "accuracy": asdict(_with_bound(measure("robust_accuracy", outcome, where), proven, rows, exam)),
            "by_group": _by_group(outcome, right, rows),
            "gap": asdict(measure("robust_accuracy_gap", outcome, where)) if gap else None,
        }


def _gap_of(exam: Examination) -> bool:
    """Return whether a gap has a meaning: parity between classes as groups would ask the model to ignore them."""
    return len(exam.rows.group_names) > 1 and not exam.rows.by_class


def _with_bound(
    measured: Measurement, proven: NDArray[np.bool_], rows: NDArray[np.int64], exam: Examination
) -> Measurement:
    """Add what a bound proves of the attacked rows to what attacks leave standing, with the weights of the rows."""
    if not proven.any():
        return measured
    weight = exam.rows.weight
    least = proven.mean() if weight is None else np.average(proven, weights=weight[rows].astype(np.float64))
    of = "" if exam.subject.kind == "torch" else " of the float parent"
    share = f"between {least:.4f} (proven{of}, no attack can get below) and {measured.value:.4f} (attacked)"
    return dataclasses.replace(measured, note="; ".join(filter(None, (measured.note, share))))


def _by_group(outcome: Outcome, right: NDArray[np.bool_], rows: NDArray[np.int64]) -> dict[str, list[dict[str, Any]]]:
    """Return the rates of every group of each attribute, and of intersections where there are several attributes."""
    partitions = dict(outcome.attributes)
    if len(partitions) > 1:
        partitions[" & ".join(outcome.attributes)] = (outcome.groups, outcome.group_names)
    weight = None if outcome.weight is None else outcome.weight[rows]
    everyone = np.ones(len(rows), dtype=bool)
    found: dict[str, list[dict[str, Any]]] = {}
    for attribute, (codes, names) in partitions.items():
        cells = cells_of(group_rates(codes[rows], names, right, everyone, "attacked rows", weight), LEVEL)
        found[attribute] = [{"group": name, **cell} for name, cell in zip(names, cells, strict=True)]
    return found


def _rows_of(outcome: Outcome, rows: NDArray[np.int64]) -> Outcome:
    return dataclasses.replace(
        outcome,
        y=outcome.y[rows],
        prediction=outcome.prediction[rows],
        score=outcome.score[rows],
        groups=outcome.groups[rows],
        attributes={name: (codes[rows], names) for name, (codes, names) in outcome.attributes.items()},
        weight=None if outcome.weight is None else outcome.weight[rows],
    )


def _said(exam: Examination, main: Assault) -> list[str]:
    """Return what a reader of the curve must know."""
    notes = ["accuracy under attack is an upper bound: a better attack may fool more"]
    if not main.complete:
        notes.append(
            f"{len(main.rows):,} rows, a random sample, were attacked in {main.seconds:.0f} s; each of them to the end"
        )
    if exam.rows.kind == "table":
        problem = exam.rows.problem
        names = [feature.column for feature in problem.encoder.numeric]
        free = [name for name, mutable in zip(names, problem.domain.mutable.tolist(), strict=True) if mutable]
        moved = ", ".join(free[:8]) + (", …" if len(free) > 8 else "") if free else "none, so no row can fall"
        notes.append(f"columns that may change: {moved}; within their range in training, whole numbers in whole units")
    return notes
