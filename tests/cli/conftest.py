"""Runs the command line in this process, and stands in for a run where only the command line is of interest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from efficienttrust.cli.main import main


@dataclass
class Result:
    """What a command left behind: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run `efficienttrust ARGUMENTS...` and return what it left behind."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def verdict(target: str = "demographic_parity_difference <= 0.05", status: str = "met", **more: Any) -> dict[str, Any]:
    return {
        "target": target,
        "status": status,
        "qualifier": "",
        "value": 0.031,
        "low": 0.01,
        "high": 0.06,
        "n": 200,
        "reason": "the estimate on test satisfies it",
        **more,
    }


def document(*verdicts: dict[str, Any]) -> dict[str, Any]:
    metric = {"value": 0.85, "low": 0.84, "high": 0.86, "n": 200, "how": "Wilson", "definition": "", "note": ""}
    return {
        "verdicts": list(verdicts),
        "metrics": {"accuracy": metric, "auc": {**metric, "value": float("nan")}},
        "ledger": {
            "time": {"clock": "cpu", "asked": 20.0, "used": 19.5, "overrun": 0.0, "phases": {"train": 19.5}},
            "size": {"asked": 300_000, "used": 181_000, "overrun": 0},
            "clocks": {"wall": 21.0, "cpu": 19.5},
            "outside": {"evaluate": 1.0},
        },
        "fallbacks": ["no early stop was possible"],
        "artifacts": {"model": "model.onnx", "report": "report.html"},
    }


@dataclass
class FakePipeline:
    """Takes the place of `pipeline.load_data` and `pipeline.fit`; remembers how they were called."""

    document: dict[str, Any] = field(default_factory=lambda: document(verdict()))
    load: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)
    during: Callable[[dict[str, Any]], None] = lambda _arguments: None

    def load_data(self, source: str, settings: Mapping[str, Any], *, seed: int) -> SimpleNamespace:
        self.load = {"source": source, **settings, "seed": seed}
        return SimpleNamespace(name="loans", card=None, notes=("12 rows dropped: their label is missing",))

    def run(self, problem: object, **arguments: Any) -> SimpleNamespace:
        self.fit = arguments
        self.during(arguments)
        verdicts = [SimpleNamespace(**one) for one in self.document["verdicts"]]
        return SimpleNamespace(document=self.document, verdicts=verdicts, failed=())


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """A run that takes no time."""
    fake = FakePipeline()
    monkeypatch.setattr("efficienttrust.pipeline.load_data", fake.load_data)
    monkeypatch.setattr("efficienttrust.pipeline.fit", fake.run)
    return fake
