"""Policies see plain numbers: the whole package, every policy included, works without torch."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
sys.modules["torch"] = None  # importing it fails
from efficienttrust.atats import Lever, make_plan, make_policy, policies
plan = make_plan(Lever(True, True, 1.0), used=0, limit=1e3, reserve=1, plain_step=1, adversarial_step=2, monitor=1,
                 steps_per_epoch=10)
print(*[make_policy(name).reset(plan).next_monitor_in > 0 for name in policies.names()])
"""


def test_package_and_every_policy_work_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"True"}
