"""Where Ray, or a cluster of it, is missing: one line that says so, at once."""

from __future__ import annotations

import socket
import sys

import pytest

from efficienttrust.cli.main import main
from efficienttrust.errors import UsageError
from efficienttrust.study.running import ExecutorOptions, executors

STUDY = "{name: small, question: none, data: [german], reference: {steps: 20}}"


@pytest.mark.parametrize("address", ["HERE", "nowhere", "http://a:1", "127.0.0.1:99999", "ray://127.0.0.1:10001"])
def test_an_address_where_no_cluster_is_is_one_line_and_exit_code_2(workdir, capsys, address):
    pytest.importorskip("ray")
    (workdir / "small.yaml").write_text(STUDY)
    with socket.socket() as unheard:  # bound, and nobody listens
        unheard.bind(("127.0.0.1", 0))
        address = address.replace("HERE", f"127.0.0.1:{unheard.getsockname()[1]}")
        assert main(["study", "run", "small.yaml", "--executor", "ray", "--address", address, "--quiet"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert f"--address {address}: " in told.err


def test_where_ray_is_not_installed_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"^--executor ray needs Ray: pip install 'efficienttrust\[ray\]'$"):
        executors.get("ray")(ExecutorOptions())
