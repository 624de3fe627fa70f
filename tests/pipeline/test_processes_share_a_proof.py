"""Two processes attack the exported file together, each its share of the rows; counts of both become one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.pipeline.process_of_a_proof import counted


@pytest.mark.slow
def test_every_row_is_attacked_by_one_of_two_processes(root, tmp_path):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "tests.pipeline.process_of_a_proof", str(tmp_path),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"process{rank}.json").read_text()) for rank in (0, 1))
    assert len(first["attacked"]) == 3, "test, certify, and test before calibration"
    for (mine, every), (theirs, all_of_them) in zip(first["attacked"], second["attacked"], strict=True):
        assert mine + theirs == every == all_of_them
        assert 0 <= mine - theirs <= 1
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    (standing,) = (predictions[name] for name in predictions.columns if name.startswith("right under"))
    clean = predictions["prediction"] == predictions["label"]
    assert first["attacked"][0][1] == clean[standing >= 0].sum()
    assert not (standing[~clean] == 1).any(), "a row that is wrong when clean does not stand"
    assert 0 < (standing == 1).sum() < clean.sum()
    assert first["counts"] == second["counts"] == json.loads(json.dumps(counted(0, 1).state()))
