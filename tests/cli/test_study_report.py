"""The verb `study report`: what it prints and refuses, and that it serves the page to this machine."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SERVING = "from pathlib import Path; from efficienttrust.cli.study.report import _serve; _serve(Path({page!r}), 0)"


def test_it_prints_where_the_report_is(command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(page=Path("s/report.html"), pdf=None, figures=Path("s/figures"), analysed=True)
    asked: dict[str, Any] = {}

    def make(study: str, **options: Any) -> SimpleNamespace:
        asked.update(options, study=study)
        return made

    monkeypatch.setattr("efficienttrust.study.reporting.make_report", make)
    assert command("study", "report", "s.yaml", "--no-pdf").out == "s/report.html\n"
    assert (asked["study"], asked["pdf"], asked["out"]) == ("s.yaml", False, None)
    found = json.loads(command("study", "report", "s.yaml", "--json").out)
    assert found["page"] == "s/report.html"
    assert found["pdf"] is None


def test_a_folder_without_results_is_one_line(command: Callable[..., Any], tmp_path: Path) -> None:
    found = command("study", "report", tmp_path)
    assert found.code != 0
    assert len(found.err.strip().splitlines()) == 1
    assert "study export" in found.err


def test_a_port_that_is_none_is_refused(command: Callable[..., Any], tmp_path: Path) -> None:
    assert "0 to 65535" in command("study", "report", tmp_path, "--serve", "--port", "70000").err


def test_it_serves_the_folder_until_interrupted(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!DOCTYPE html>the page", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", SERVING.format(page=str(page))], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = re.match(r"http://127\.0\.0\.1:\d+/report\.html", line)
        assert address is not None, line
        with urllib.request.urlopen(address[0], timeout=10) as answer:
            assert answer.read() == page.read_bytes()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address[0].replace("report.html", "%2e%2e/secret"), timeout=10)
        refused.value.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 0
        assert server.stdout.read().strip() == "ended"
