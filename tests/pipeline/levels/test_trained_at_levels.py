"""A training at levels, end to end: it uses the share, says so, and is the baseline again at 100 %."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from efficienttrust import fit
from efficienttrust.cli.main import main
from efficienttrust.data import load_image_problem
from efficienttrust.evaluation import suite
from efficienttrust.pipeline.levels import constraints, fit_at_levels
from tests.pipeline.levels.conftest import SAMPLES
from tests.small_problems import loans


def test_half_the_epochs_are_half_the_samples(baseline_folder):
    run = fit_at_levels(baseline_folder, ["epochs=50%"])
    assert run.ledger["clocks"]["samples"] == SAMPLES / 2
    again = fit_at_levels(baseline_folder, ["epochs=50%"])
    assert again.content == run.content


def test_the_whole_is_the_baseline_again(baseline, baseline_folder):
    run = fit_at_levels(baseline_folder, ["epochs=100%", "data=100%"])
    assert run.content == baseline.run.content
    assert [line["limit"] for line in run.document["constraints"]["levels"]] == ["that of the baseline"] * 2


@pytest.mark.parametrize(
    ("level", "met"),
    [
        ("time=50%", lambda run: run.ledger["time"]["used"] <= SAMPLES / 2),
        ("early_stopping=50%", lambda run: run.ledger["clocks"]["samples"] <= SAMPLES / 2),
        ("data=50%", lambda run: run.document["problem"]["splits"]["train"] == 250),
        ("width=25%", lambda run: run.document["model"]["architecture"].startswith("mlp")),
        ("parameters=50%", lambda run: not run.ledger["parameters"]["overrun"]),
        ("size=50%", lambda run: not run.ledger["size"]["overrun"]),
        ("throughput=90%", lambda run: run.ledger["throughput"]["asked"] > 0),
        ("latency=100%", lambda run: run.ledger["latency"]["asked"] is None),
        ("bits=25%", lambda run: run.document["spec"]["quantize"] == "weights:8"),
        ("sparsity=50%", lambda run: run.document["spec"]["prune"] == "gradual:0.5"),
    ],
)
def test_each_constraint_shapes_the_run(level, met, baseline_folder):
    run = fit_at_levels(baseline_folder, [level])
    assert met(run)
    (line,) = run.document["constraints"]["levels"]
    assert f"{line['constraint']}={100 * line['level']:g}%" == level
    assert line["measured"] == constraints.get(line["constraint"]).measure(_baseline(baseline_folder)).value


def _baseline(folder):
    from efficienttrust import load_run
    from efficienttrust.pipeline.levels._baseline import Baseline
    from tests.small_problems import german

    return Baseline(load_run(folder), german(), str(folder), "")


def test_the_command_line_fills_in_the_baseline_and_records_it(baseline, baseline_folder, workdir):
    out = workdir / "half"
    words = ["fit", "german", "--baseline", str(baseline_folder), "--level", "epochs=50%", "--level", "width=50%"]
    assert main([*words, "--out", str(out), "--quiet"]) == 0
    document = json.loads((out / "run.json").read_text())
    before = baseline.run.document
    assert document["spec"]["targets"] == before["spec"]["targets"]
    assert document["problem"]["fingerprint"] == before["problem"]["fingerprint"]
    assert document["ledger"]["clocks"]["samples"] == SAMPLES / 2
    record = document["constraints"]
    assert record["baseline"] == str(baseline_folder)
    assert record["baseline_sha256"] == hashlib.sha256((baseline_folder / "run.json").read_bytes()).hexdigest()
    assert [line["constraint"] for line in record["levels"]] == ["epochs", "width"]
    page = (out / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "Constrained to 50 % in epochs of the baseline" in page
    assert "Constrained to 50 % in width of the baseline" in page


def test_a_file_names_the_baseline_relative_to_itself(baseline_folder, workdir):
    (workdir / "spec.yaml").write_text(
        f"data: {{source: german}}\nbaseline: {baseline_folder}\nlevels: [epochs=50%]\n", encoding="utf-8"
    )
    assert main(["fit", "spec.yaml", "--out", "half", "--quiet"]) == 0
    assert json.loads((workdir / "half" / "run.json").read_text())["constraints"]["levels"][0]["level"] == 0.5


def test_a_table_in_memory_is_given_with_its_run():
    whole = fit(loans(), budget="time=1024 samples", targets=[])
    run = fit_at_levels(whole, ["epochs=50%", "data=50%"], problem=loans())
    assert run.document["constraints"]["baseline"] is None
    n = run.document["problem"]["splits"]["train"], whole.document["problem"]["splits"]["train"]
    assert n[0] == pytest.approx(n[1] / 2, abs=4)


@pytest.mark.slow
def test_images_are_read_at_a_lower_resolution(workdir, monkeypatch):
    monkeypatch.setattr(suite, "SEARCHED_IMAGES", 0)
    rng = np.random.default_rng(0)
    np.savez("bars.npz", x=rng.integers(0, 255, (200, 16, 16, 3), dtype=np.uint8), y=np.arange(200) % 2)
    fit(load_image_problem("bars.npz"), budget="time=10 steps", targets=[], model="resnet8(width=0.25)", out="whole")
    run = fit_at_levels("whole", ["resolution=50%", "width=50%"])
    assert run.document["spec"]["settings"]["resolution"] == 8
    assert run.scorer.shape == (3, 8, 8)
