"""Two processes that share every batch learn from a teacher what one process learns."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.training.distillation import _teaching
from tests.small_problems import loans
from tests.training.distillation.cases import distilled, pupil_of, teacher_of
from tests.training.distillation.process_of_a_team import train


@pytest.mark.slow
def test_two_processes_do_what_one_does(root, tmp_path):
    alone, together = tmp_path / "alone.npy", tmp_path / "together.npy"
    script = ["-m", "tests.training.distillation.process_of_a_team", str(together)]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    ended = subprocess.run([*launcher, *script], cwd=root, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    train(alone)
    np.testing.assert_allclose(np.load(together), np.load(alone), atol=1e-4)


def test_features_are_refused_in_several_processes(monkeypatch):
    monkeypatch.setattr(_teaching, "present_team", object)
    with pytest.raises(UsageError, match="one process"):
        pupil_of(loans(), distilled(teacher_of(loans()), feature=0.1))
