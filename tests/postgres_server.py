"""A real server of PostgreSQL for tests: started in a folder, on a Unix socket and a free port, and killed at will."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "se:cr@t/?#1"


def missing() -> str:
    """Return why no server can be started here; empty where one can."""
    if _programs() is None:
        return "no PostgreSQL server under /usr/lib/postgresql (Debian: apt install postgresql)"
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and setpriv is not installed"
    return ""


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """One cluster; it survives `kill`, as a machine's would."""

    def __init__(self, folder: Path) -> None:
        programs = _programs()
        assert programs is not None
        self._programs, self._data, self.socket = programs, folder / "data", folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._unprivileged: list[str] = []
        if os.getuid() == 0:
            self._unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(folder, 65534, 65534)
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        self._run(
            "initdb", "--pgdata", str(self._data), "--username=tester", f"--pwfile={secret}",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-locale", "--encoding=UTF8",
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            *self._unprivileged, str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.socket),
            "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB",
            "-c", "max_connections=60",
        ]  # fmt: skip
        deadline = time.monotonic() + 60
        ready = [self._programs / "pg_isready", "-q", "-h", self.socket, "-p", str(self.port)]
        while True:
            # A new server refuses to start while children of one that was killed are still ending.
            if self._process is None or self._process.poll() is not None:
                with (self.socket / "log").open("ab") as log:
                    self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
            if subprocess.run(ready, check=False).returncode == 0:
                return
            assert time.monotonic() < deadline, (self.socket / "log").read_text(encoding="utf-8")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server at once; what it started notices and ends."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it, where it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def database(self, name: str) -> str:
        """Return the URL by the socket of an empty place for a store: a schema, which is quicker than a database."""
        import psycopg

        with psycopg.connect(
            f"host={self.socket} port={self.port} user=tester dbname=postgres", autocommit=True
        ) as one:
            one.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://tester@/postgres?host={self.socket}&port={self.port}&options=-csearch_path%3D{name}"

    def _run(self, program: str, *options: str) -> None:
        command = [*self._unprivileged, str(self._programs / program), *options]
        subprocess.run(command, check=True, capture_output=True, cwd="/")


@contextmanager
def server(*, on_disk: bool = False) -> Iterator[Server]:
    """Run a server for a while.

    Args:
        on_disk: Keep its data on a disk, as for timings; by default in memory, as tests kill processes, not machines.
    """
    memory = Path("/dev/shm")
    in_memory = not on_disk and os.access(memory, os.W_OK)
    folder = Path(tempfile.mkdtemp(prefix="et-pg-", dir=memory if in_memory else None))  # short, as a socket's must be
    one = Server(folder)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)
