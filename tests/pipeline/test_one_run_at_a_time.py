"""Two runs into one folder at once: the second is refused before it spends anything, and the first is not disturbed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from efficienttrust import fit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline._claim import claimed, working_folder
from tests.small_problems import loans


def test_the_second_is_refused_and_the_first_goes_on(tmp_path):
    out = tmp_path / "run"
    told = []

    def another(event):
        if not told:
            told.append(event.phase)
            with pytest.raises(UsageError, match=r"another run is being made in .*run: wait for it, or choose another"):
                fit(loans(), budget="time=5 steps", targets=[], out=out)

    first = fit(loans(), budget="time=20 steps", targets=[], out=out, progress=another)
    assert told
    assert (out / "model.onnx").read_bytes() == first.content
    assert not working_folder(out).exists()


def test_the_claim_of_a_killed_process_is_gone(root, tmp_path):
    out = tmp_path / "run"
    code = (
        "import os, signal, sys; from pathlib import Path; from efficienttrust.pipeline._claim import claimed\n"
        "with claimed(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(out)], cwd=root, check=False)
    assert working_folder(out).is_dir()
    with claimed(out):
        pass
    assert not working_folder(out).exists()
