from __future__ import annotations

import json
import sys

import pytest

from efficienttrust.resources import calibration_kernel, clock_steadiness, doctor, environment, machine


def test_environment_is_json_and_names_what_matters():
    facts = json.loads(json.dumps(environment()))
    assert facts["cores"] >= facts["cores_available"] >= 1
    assert facts["memory"] > 1e8
    assert {"numpy", "torch", "onnxruntime"} <= set(facts["versions"])
    assert len(facts["load_average"]) == 3


def test_environment_does_not_import_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    facts = environment()
    assert "torch" not in sys.modules
    assert facts["torch_threads"] is None
    assert facts["gpu"] is None


def test_calibration_kernel_is_small():
    assert 0.0005 < calibration_kernel() < 2
    assert set(clock_steadiness(3)) == {"wall", "cpu"}


def test_doctor_looks_at_everything(capsys):
    checks = doctor()
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    assert {
        "cores",
        "memory",
        "torch",
        "gpu",
        "wall clock",
        "cpu clock",
        "load",
        "disk",
        "lightgbm",
        "openpyxl",
    } <= set(names)
    assert {"transformers", "lightning", "gymnasium"} <= set(names)
    assert not {"playwright", "pytest", "skorch"} & set(names), "no extra of ours installs them"
    assert all(check.status in {"ok", "warn", "missing"} and check.text for check in checks)
    assert capsys.readouterr() == ("", "")


def test_a_missing_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(machine, "_version", lambda name: None)
    requirements = ["polars>=1.9; extra == 'polars'", "altair; extra == 'dev'", 'altair>=5 ; extra == "figures"']
    monkeypatch.setattr(machine.importlib.metadata, "requires", lambda name: requirements)
    texts = {check.name: (check.status, check.text) for check in doctor()}
    assert texts["polars"] == ("missing", "optional; pip install 'efficienttrust[polars]'")
    assert texts["altair"] == ("missing", "optional; pip install 'efficienttrust[figures]'")
    assert {"polars", "altair"} == {name for name, (_, text) in texts.items() if "optional" in text}


@pytest.mark.parametrize(("variation", "status"), [(0.01, "ok"), (0.5, "warn")])
def test_unsteady_clocks_are_warned_of(monkeypatch, variation, status):
    monkeypatch.setattr(machine, "clock_steadiness", lambda: {"wall": variation, "cpu": variation})
    found = {check.name: check for check in doctor()}
    assert found["wall clock"].status == found["cpu clock"].status == status
    assert ("time budget on the cpu clock" in found["wall clock"].text) == (status == "warn")


def test_a_loaded_machine_is_warned_of(monkeypatch):
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (99.0, 9.0, 9.0))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: machine.shutil._ntuple_diskusage(10, 9, 1))
    found = {check.name: check for check in doctor()}
    assert found["load"].status == found["disk"].status == "warn"
