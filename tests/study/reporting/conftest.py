"""One small study with awkward names, analysed and reported once for all tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from efficienttrust.report.study import Content, Report, Source, build, render_study
from efficienttrust.study.analysis import Options, analyse, write_analysis
from tests.study.synthetic import ACCURACY, CONSTRAINTS, GAP, Planted, write

METRICS = (ACCURACY, GAP, "cost.time_cpu")
LONG = "ünïcödé_" * 12
AWKWARD = "dual $1 #x @y \"q\" 'a' \\n [b] *c* </script><b>"
PLANTED = Planted(
    data=("adult <i>", "bank & co"),
    models=("mlp",),
    mitigations=("baseline", AWKWARD, LONG),
    constraints={name: CONSTRAINTS[name] for name in ("none", "time=50%", "time=12.5%", "prune=0.8")},
    seeds=3,
    mitigation={LONG: -0.01},
    narrowing={LONG: -0.05},
    infeasible={"time=12.5%": 0.3},
    hypotheses=(),
)


@dataclass(frozen=True)
class Made:
    """A report, and all that it was made from."""

    folder: Path
    document: Mapping[str, Any]
    source: Source
    content: Content
    report: Report


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("study")
    table = write(folder / "trials.parquet", PLANTED)
    write_analysis(analyse(table, options=Options(metrics=METRICS, resamples=100)), folder / "analysis.json")
    document = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    source = Source(document, pl.read_parquet(table))
    report = render_study(source)
    (folder / "report.html").write_text(report.page, encoding="utf-8")
    return Made(folder, document, source, build(source), report)
