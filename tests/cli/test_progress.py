"""Progress: log lines where stderr is no terminal, a bar where it is one, nothing on stdout."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from efficienttrust.cli import _progress
from efficienttrust.pipeline import ProgressEvent


def event(fraction: float, **more: object) -> SimpleNamespace:
    values = {
        "fraction": fraction,
        "used": 20 * fraction,
        "limit": 20.0,
        "clock": "cpu",
        "phase": "train",
        "step": int(1000 * fraction),
        "metrics": {"accuracy": 0.84321, "dpd": 0.06},
        "action": "hold",
        "lines": (),
    }
    return SimpleNamespace(**{**values, **more})


def test_a_line_for_every_phase_and_every_tenth(capsys):
    with _progress.progress_display(quiet=False) as show:
        for percent in range(101):
            show(event(percent / 100))
        show(event(1.0, phase="export"))
        show(event(1.0, phase="export"))
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert 11 <= len(lines) <= 13
    assert sum("export" in line for line in lines) == 1
    assert lines[0] == "  0% | train | step 0 | hold | accuracy 0.843, dpd 0.060"


@pytest.mark.parametrize("limit", [20.0, math.inf])
def test_a_bar_on_a_terminal(monkeypatch, capsys, limit):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(_progress, "REFRESH_SECONDS", 0.0)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with _progress.progress_display(quiet=False) as show:
        show(event(0.25, limit=limit))
        show(event(0.5, limit=limit))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "accuracy 0.843" in captured.err
    assert "\x1b[3" not in captured.err  # no colour
    expected = "10 of 20 s cpu left" if math.isfinite(limit) else "10 s cpu used, no limit"
    assert expected in captured.err


def test_metrics_that_compare_groups_can_be_left_out(capsys):
    told = ProgressEvent(0.5, 10.0, 20.0, "cpu", "train", 7, {"accuracy": 0.8, "demographic_parity_difference": 0.3})
    with _progress.progress_display(quiet=False, compare_groups=False) as show:
        show(told)
    assert capsys.readouterr().err == " 50% | train | step 7 | accuracy 0.800\n"
