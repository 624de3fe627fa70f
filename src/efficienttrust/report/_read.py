"""What the page reads out of `run.json`, made uniform: estimates with intervals, targets with bounds, verdicts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._format import NOT_ESTIMABLE, as_float, count, number

Document = Mapping[str, object]
WITHHELD = "withheld"
"""What stands in the place of a figure that would tell of too few people."""
_TARGET = re.compile(r"^(?P<key>.+?)\s*(?P<relation><=|>=|≤|≥)\s*(?P<bound>\S+)$")


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and the rows behind it; NaN, shown as `missing`, where it has no value."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    note: str = ""
    missing: str = NOT_ESTIMABLE

    @property
    def known(self) -> bool:
        """Tell whether there is a value to draw."""
        return math.isfinite(self.value)

    @property
    def bounded(self) -> bool:
        """Tell whether there is an interval to draw."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def interval(self, near: float = math.nan) -> str:
        """Return the interval in words, `0.029 to 0.055`, or a dash."""
        return f"{number(self.low, near=near)} to {number(self.high, near=near)}" if self.bounded else "–"

    def text(self, near: float = math.nan) -> str:
        """Return value and interval, `0.042 (0.029 to 0.055)`."""
        if not self.known:
            return self.missing
        return number(self.value, near=near) + (f" ({self.interval(near)})" if self.bounded else "")


@dataclass(frozen=True)
class TargetText:
    """The text of a target taken apart; the bound is NaN where the text is none of ours."""

    text: str
    key: str
    relation: str
    bound: float

    def holds(self, value: float) -> bool:
        """Tell whether a point value satisfies the target (NaN does not)."""
        return value >= self.bound if self.relation == "≥" else value <= self.bound

    @property
    def wording(self) -> str:
        """Return the condition in a reader's signs, `≤ 0.05`."""
        return f"{self.relation} {self.bound:g}" if math.isfinite(self.bound) else ""


@dataclass(frozen=True)
class VerdictText:
    """One verdict, ready to be shown."""

    target: TargetText
    status: str
    qualifier: str
    estimate: Estimate
    reason: str
    certificate: str
    proof: float
    contradicted: bool
    decided_by: str = ""

    @property
    def value_text(self) -> str:
        """Return the value with as many digits as tell it from the bound."""
        return number(self.estimate.value, near=self.target.bound) if self.estimate.known else self.estimate.missing

    @property
    def rows_text(self) -> str:
        """Return the number of test rows."""
        return f"{self.estimate.n:,}"

    def alt(self, where: str) -> str:
        """Return what the small picture of this verdict shows, with its numbers."""
        shown = self.estimate.text(self.target.bound)
        return f"{self.target.key} on {where} is {shown}; the target is {self.target.wording}: {self.status}."

    @property
    def reached(self) -> bool:
        """Tell whether the target counts as met: certified, or met by the estimate on test."""
        return self.status in ("certified", "met")


def part(document: Document, name: str) -> Mapping[str, object]:
    """Return a mapping inside the document, empty where it is absent."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def rows(document: Document, name: str) -> list[Mapping[str, object]]:
    """Return a list of mappings inside the document, empty where it is absent."""
    found = document.get(name)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [row for row in found if isinstance(row, Mapping)]


def texts(document: Document, name: str) -> list[str]:
    """Return a list of texts inside the document, empty where it is absent."""
    found = document.get(name)
    if isinstance(found, str):
        return [found]
    return [str(item) for item in found if item is not None] if isinstance(found, Sequence) else []


def read_estimate(raw: object, missing: str = NOT_ESTIMABLE) -> Estimate:
    """Read `{value, low, high, n, note}` or a bare number; `missing` is what is shown where there is no value."""
    if not isinstance(raw, Mapping):
        return Estimate(as_float(raw), missing=missing)
    n = as_float(raw.get("n"))
    if str(raw.get("note") or "").startswith(WITHHELD):
        missing = WITHHELD
    return Estimate(
        value=as_float(raw.get("value")),
        low=as_float(raw.get("low")),
        high=as_float(raw.get("high")),
        n=int(n) if math.isfinite(n) else 0,
        note=str(raw.get("note") or ""),
        missing=missing,
    )


def count_text(raw: object) -> str:
    """Return a count as text; one that is withheld stands as it is, `<10`."""
    return raw if isinstance(raw, str) else count(raw)


def read_target(text: str) -> TargetText:
    """Take the canonical text of a target apart: `dpd <= 0.05` into key, relation and bound."""
    match = _TARGET.match(text.strip())
    if match is None:
        return TargetText(text, text.strip(), "", math.nan)
    relation = {"<=": "≤", ">=": "≥"}.get(match["relation"], match["relation"])
    return TargetText(text, match["key"], relation, as_float(match["bound"]))


def read_targets(document: Document) -> dict[str, TargetText]:
    """Return the targets by metric key, from the verdicts or, where there are none yet, from the specification."""
    found = [str(row.get("target", "")) for row in rows(document, "verdicts")] or texts(
        part(document, "spec"), "targets"
    )
    return {target.key: target for target in map(read_target, found)}


def read_verdicts(document: Document) -> list[VerdictText]:
    """Read every verdict with its certificate put into one sentence."""
    proven_on = "audited rows" if document.get("kind") == "audit" else "certify rows"
    return [_read_verdict(row, proven_on) for row in rows(document, "verdicts")]


def group_estimates(row: Mapping[str, object], missing: str = NOT_ESTIMABLE) -> dict[str, Estimate]:
    """Return the rates of one row of the group table by name; nested robust accuracies are brought to the top."""
    found: dict[str, Estimate] = {}
    for name, raw in row.items():
        if name in ("attribute", "group", "n", "positives"):
            continue
        if isinstance(raw, Mapping) and "value" not in raw:
            found.update({str(key): read_estimate(value, missing) for key, value in raw.items()})
        elif isinstance(raw, Mapping) or name == "base_rate" or name.startswith("robust_accuracy"):
            found[name] = read_estimate(raw, missing)
    return found


def _read_verdict(row: Mapping[str, object], proven_on: str) -> VerdictText:
    target = read_target(str(row.get("target") or ""))
    estimate = read_estimate(row)
    status = str(row.get("status", ""))
    certificate = part(row, "certificate")
    return VerdictText(
        target=target,
        status=status,
        qualifier=str(row.get("qualifier") or ""),
        estimate=estimate,
        reason=str(row.get("reason") or ""),
        certificate=_certificate_sentence(target, certificate, proven_on),
        proof=as_float(certificate.get("bound")),
        contradicted=status == "certified" and estimate.known and not target.holds(estimate.value),
        decided_by=_deciding_bound(target, certificate) if status == "certified" else "",
    )


def _deciding_bound(target: TargetText, certificate: Mapping[str, object]) -> str:
    """Return `≤ 0.0969 at 95 %`: one-sided, so it may satisfy a target that the two-sided interval crosses."""
    bound, level = as_float(certificate.get("bound")), as_float(certificate.get("level"))
    if not (math.isfinite(bound) and math.isfinite(level)):
        return ""
    confidence = 1 - level if level <= 0.5 else level
    return f"{target.relation or '≤'} {number(bound, 4, near=target.bound)} at {100 * confidence:.4g} %"


def _certificate_sentence(target: TargetText, certificate: Mapping[str, object], proven_on: str) -> str:
    if not certificate:
        return "No certificate was attempted."
    bound, level, n = (as_float(certificate.get(name)) for name in ("bound", "level", "n"))
    confidence = 1 - level if level <= 0.5 else level
    rows_text = f"{n:,.0f} {proven_on}" if math.isfinite(n) else f"the {proven_on}"
    method = f" ({certificate['method']})" if certificate.get("method") else ""
    if not math.isfinite(bound):
        return f"No bound could be computed on {rows_text}{method}."
    stated = f"{target.relation or '≤'} {number(bound, near=target.bound)}"
    text = f"With confidence {100 * confidence:.4g} % it is {stated} on {rows_text}{method}"
    if certificate.get("satisfied"):
        return f"{text}: the bound satisfies the target."
    if certificate.get("certifiable") is False:
        alone = str(certificate.get("method")).startswith(("Clopper-Pearson", "Hoeffding"))
        at = "" if alone else ", at the rates and the uncertainty that this model has"
        return f"{text}: so few rows could not prove the target even with the best possible estimate{at}."
    return f"{text}: the bound does not satisfy the target."
