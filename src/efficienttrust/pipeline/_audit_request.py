"""What an audit is asked for, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.metrics import metrics

Suite = Literal["quick", "standard", "full"]

SUITES = {
    "quick": ("clean", "resources"),
    "standard": ("clean", "robustness", "resources"),
    "full": ("clean", "robustness", "corruptions", "ood", "shift", "resources"),
}
"""Sections of each suite. Naming `environment` or `ood`, or a target that needs a section, adds it to any suite."""

SECTION_OF = {"robust": "robustness", "corrupted": "corruptions", "ood": "ood"}
"""What a metric needs -> the section that measures it."""

ROWS = ("test", "all")
WIDEST_IN_DEVIATIONS = 5.0
"""A radius of a table beyond which it is warned of: hardly a row lies so far from another."""
NORMS = ("linf", "l2")


@dataclass(frozen=True)
class AuditRequest:
    """A checked request.

    Attributes:
        suite: `quick`, `standard` or `full`.
        sections: What is measured.
        targets: As the user wrote them, parsed.
        eps: Radii of attacks, ascending; empty for the usual ones.
        norm: Norm of attacks.
        seconds: Wall seconds for the attacks together; None sets no limit.
        seed: Seed of everything random.
        environment: Column that names the environment of a row, for natural shift.
        ood: Further data that are out of distribution.
        rows: `test` or `all`; None takes what fits the data.
        limit: Most rows; None takes all.
    """

    suite: Suite
    sections: tuple[str, ...]
    targets: tuple[Target, ...]
    eps: tuple[float, ...]
    norm: str
    seconds: float | None
    seed: int
    environment: str | None
    ood: tuple[str, ...]
    rows: Literal["test", "all"] | None
    limit: int | None


def make_audit_request(
    *,
    suite: str,
    targets: Sequence[Target | str],
    eps: float | str | Sequence[float | str] | None,
    norm: str,
    seconds: float | None,
    seed: int,
    environment: str | None,
    ood: str | Sequence[str],
    rows: str | None,
    limit: int | None,
) -> AuditRequest:
    """Check a request.

    Raises:
        UsageError: A name is unknown or a number impossible.
    """
    if suite not in SUITES:
        raise unknown_name("suite", suite, SUITES)
    if rows is not None and rows not in ROWS:
        raise unknown_name("rows", rows, ROWS)
    if norm not in NORMS:
        raise unknown_name("norm", norm, NORMS)
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; use 0 or a positive whole number")
    if seconds is not None and not 0 < seconds < float("inf"):
        raise UsageError(f"seconds must be above 0, not {seconds}")
    if limit is not None and limit < 2:
        raise UsageError(f"limit {limit} leaves too few rows to measure; ask for more")
    sets = tuple(part.strip() for part in (ood.split(",") if isinstance(ood, str) else ood) if part.strip())
    parsed = tuple(parse_target(one) if isinstance(one, str) else one for one in targets)
    needed = [SECTION_OF[need] for one in parsed for need in metrics.get(one.metric).needs if need in SECTION_OF]
    for one in parsed:
        if "ood" in metrics.get(one.metric).needs and not sets:
            raise UsageError(f"target {one.text} needs rows from elsewhere: name them with --ood")
    sections = (*SUITES[suite], *needed, *(["shift"] if environment else []), *(["ood"] if sets else []))
    return AuditRequest(
        suite=suite,  # type: ignore[arg-type]
        sections=tuple(dict.fromkeys(sections)),
        targets=parsed,
        eps=_radii(eps),
        norm=norm,
        seconds=seconds,
        seed=seed,
        environment=environment,
        ood=sets,
        rows=rows,  # type: ignore[arg-type]
        limit=limit,
    )


def is_given(name: str, value: object) -> bool:
    """Return whether an option says anything: not None, empty or off. A positive label of 0 or False is said."""
    return value is not None if name == "positive" else value not in (None, (), [], "", False)


def wrong_units(request: AuditRequest, kind: str) -> tuple[str, ...]:
    """Return a warning for each radius in wrong units: of images given in 0-255, of tables not in deviations."""
    radii = {*request.eps, *(_eps_of(target) for target in request.targets)}
    if kind == "table":
        return tuple(
            f"eps = {eps:g} means {eps:g} standard deviations of the train split, wider than nearly all data: if "
            "the units of a column were meant, divide by its standard deviation"
            for eps in sorted(radii)
            if eps > WIDEST_IN_DEVIATIONS
        )
    if request.norm != "linf":
        return ()
    return tuple(
        f"eps = {eps:g} covers the whole range of pixels, which is [0, 1] here: if {eps:g} of 255 was meant, write "
        f"{eps:g}/255 = {eps / 255:.4f}"
        for eps in sorted(radii)
        if eps >= 1
    )


def check_audit_folder(out: Path | None, *, overwrite: bool) -> None:
    """Refuse a folder that holds something else than an audit, or an audit without `overwrite`.

    Raises:
        UsageError: The folder cannot be used.
    """
    if out is None or not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; --out must name a folder")
    if any(out.iterdir()):
        if not overwrite:
            raise UsageError(f"{out} exists already; add --overwrite to replace it or choose another --out")
        if not (out / "audit.json").exists():
            raise UsageError(
                f"{out} exists and is not an audit; --overwrite replaces audits only, choose another --out"
            )


def _radii(eps: float | str | Sequence[float | str] | None) -> tuple[float, ...]:
    if eps is None:
        return ()
    parts = eps.split(",") if isinstance(eps, str) else [eps] if isinstance(eps, int | float) else list(eps)
    return tuple(sorted({_radius(part) for part in parts}))


def _radius(text: object) -> float:
    above, _, below = str(text).partition("/")
    try:
        radius = float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        radius = -1.0
    if not 0 <= radius < float("inf"):
        raise UsageError(f"eps {text!r} is not a radius: give numbers of 0 or more, as 0.25 or 8/255")
    return radius


def _eps_of(target: Target) -> float:
    return float(str(dict(target.arguments).get("eps", 0.0)))
