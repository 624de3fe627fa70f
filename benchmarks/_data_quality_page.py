"""The page of `data_quality.py`: means over seeds with standard errors, and what audits of lossless pixels say."""

from __future__ import annotations

import math
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = {
    "accuracy": "accuracy",
    "auc": "AUC",
    "worst_group_accuracy": "worst-group accuracy",
    "demographic_parity_difference": "DPD",
    "group_auc_gap": "AUC gap",
    "robust_accuracy": "robust accuracy",
}


def page(rows: Sequence[Mapping[str, Any]], cases: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page as Markdown."""
    commits = sorted({row["commit"] for row in rows})
    lines = [
        "# Quality on every modality",
        "",
        (
            "Written by `benchmarks/data_quality.py table` from `data_quality.jsonl`; never by hand. Figures are of "
            "the exported file on the test split: mean over seeds, ± the standard error of that mean. Robust accuracy "
            "is that of the radius in the targets, by PGD on the float parent verified on the file, and by search on "
            "the file."
        ),
        "",
        (
            f"Machine: {platform.machine()}, 2 cores, one thread a row, two rows at a time (CPU clock). Commits "
            f"{', '.join(commits)}."
        ),
        "",
    ]
    for case, facts in cases.items():
        found = [row for row in rows if row["case"] == case]
        if found:
            lines += _case(case, facts, found)
    return "\n".join(lines)


def _case(case: str, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    seconds = sorted({row["seconds"] for row in rows})
    targets = "; ".join(facts["targets"]) or "none"
    shown = [key for key in COLUMNS if any(_value(row, key) is not None for row in rows)]
    lines = [
        f"## {case[0].upper()}{case[1:]}",
        "",
        f"Groups by {facts['sensitive'] or 'class'}; {' / '.join(map(str, seconds))} s of CPU; targets: {targets}.",
        "",
        f"| model | seeds | {' | '.join(COLUMNS[key] for key in shown)} | targets met | steps | kB |",
        f"|---|---|{'---|' * len(shown)}---|---|---|",
    ]
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model and "error" not in row]
        failed = [row for row in rows if row["model"] == model and "error" in row]
        if own:
            cells = [_cell([value for row in own if (value := _value(row, key)) is not None]) for key in shown]
            met = sum(all(status in ("met", "certified") for status in row["status"]) for row in own)
            said = f"{met} of {len(own)}" if facts["targets"] else "–"
            steps, size = (statistics.mean(row[key] for row in own) for key in ("steps", "size"))
            lines.append(f"| {model} | {len(own)} | {' | '.join(cells)} | {said} | {steps:,.0f} | {size / 1000:,.0f} |")
        lines += [f"| {model} | seed {row['seed']} | failed: {row['error']} |" for row in failed]
    if bayes := {row["seed"]: row["bayes"] for row in rows if "bayes" in row}:
        auc, accuracy = ([one[key] for one in bayes.values()] for key in ("test_auc", "test_accuracy"))
        expected = next(iter(bayes.values()))
        lines += [
            "",
            (
                "The best rule, which knows the law and all that is recorded, reaches on the same test rows AUC "
                f"{_cell(auc)} and accuracy {_cell(accuracy)}; in expectation over all rows {expected['auc']:.3f} and "
                f"{expected['accuracy']:.3f}."
            ),
        ]
    for row in rows:
        if row.get("audit"):
            lines += ["", *_audit(row)]
    return [*lines, ""]


def _audit(row: Mapping[str, Any]) -> list[str]:
    """Say in one line what the audit of a run on lossless pixels found."""
    audit, said = row["audit"], []
    said.append(f"accuracy {audit['metrics']['accuracy']['value']:.3f}")
    if curve := (audit.get("robustness") or {}).get("curve"):
        points = ", ".join(f"{point['accuracy']['value']:.3f} at {255 * point['eps']:.0f}/255" for point in curve)
        said.append(f"searched on the file alone, on {curve[0]['accuracy']['n']} of them, for 60 s: {points}")
    if corruptions := audit.get("corruptions"):
        mean = statistics.mean(one["accuracy"]["value"] for one in corruptions["rows"])
        said.append(f"corrupted {mean:.3f} (mean of {len(corruptions['rows'])} corruption and severity pairs)")
    for one in (audit.get("ood") or {}).get("sets", []):
        best = max(one["detectors"], key=lambda detector: detector["auroc"]["value"])
        said.append(f"AUROC against {one['against']} {best['auroc']['value']:.3f} ({best['name']})")
    n = audit["metrics"]["accuracy"]["n"]
    return [f"Seed {row['seed']}, {row['model']}, on {n} images of lossless pixels: {'; '.join(said)}."]


def _value(row: Mapping[str, Any], key: str) -> float | None:
    metrics = row.get("metrics", {})
    name = key if key in metrics else next((one for one in metrics if one.startswith(f"{key}(")), None)
    value = None if name is None else metrics[name]
    return None if value is None or math.isnan(value) else float(value)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    error = f" ± {statistics.stdev(values) / math.sqrt(len(values)):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{error}"
