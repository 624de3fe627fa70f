"""Where Ray, or a cluster of it, is missing: one line that says so, at once."""

from __future__ import annotations

import socket
import sys
import threading

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
        unheard.bind(("", 0))
        address = address.replace("HERE", f"127.0.0.1:{unheard.getsockname()[1]}")
        assert main(["study", "run", "small.yaml", "--executor", "ray", "--address", address, "--quiet"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert f"--address {address}: " in told.err


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_port_of_another_program_is_no_cluster(says):
    pytest.importorskip("ray")

    def answer():
        for _ in range(2):  # it is asked at both of its numbers
            peer, _ = other.accept()
            with peer:
                peer.recv(100)
                peer.sendall(says)

    with socket.create_server(("", 0)) as other:
        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(UsageError, match="what answers there is no head of Ray"):
            executors.get("ray")(ExecutorOptions(address=f"127.0.0.1:{other.getsockname()[1]}"))
        answering.join()


def test_where_ray_is_not_installed_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"^--executor ray needs Ray: pip install 'efficienttrust\[ray\]'$"):
        executors.get("ray")(ExecutorOptions())
