"""A trial in a process of its own, watched from outside: forked from a server in which the libraries are loaded.

The process leads a session. It is the parent of all that it starts, also of what loses its parent, and is killed with
all of it; only what a trial started in another session, and left when it crashed, lives until the driver ends. When the
driver ends, however it ends, a guardian (see `_guardian.py`) kills all trials and whatever they started.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from efficienttrust.study._trial import Outcome
from efficienttrust.study.running._run_trial import run_trial
from efficienttrust.study.running.executors._executor import Ended, Limits
from efficienttrust.study.running.executors._guardian import keep_descendants, kill_descendants

GUARDIAN = "efficienttrust.study.running.executors._guardian"
PRELOADED = ("efficienttrust.study.running._everything", "efficienttrust.study.running.executors._process")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LOOK_SECONDS = 0.5  # between two looks at the memory of a trial
END_SECONDS = 5.0  # for a process that has closed its pipe to end
TELLING = 0.9  # of its time, after which a trial writes down where it is
LOG_BYTES = 8_000_000  # of what a trial prints, after which the file begins anew
Run = Callable[..., Outcome]
TOLD = 4_000  # last characters of it that a failure quotes


def start_server() -> None:
    """Start the server of forks, one for this process; it loads the libraries, so the first trial waits seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([GUARDIAN, *PRELOADED])
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class TrialProcess:
    """One trial that was started.

    Args:
        name: By which its end is told.
        settings: Of the trial.
        limits: When it is killed.
        folder: For its output and for prepared data.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], limits: Limits, folder: Path) -> None:
        self.name, self._limits = name, limits
        self._log = folder / f"{name}.log"
        context = multiprocessing.get_context("forkserver")
        self._outcome, theirs = context.Pipe(duplex=False)
        with _no_main_module():
            self._process = context.Process(
                target=_serve, args=(theirs, run_trial, dict(settings), limits.seconds, self._log, folder)
            )
            _start(self._process)
        theirs.close()
        self._begun = self._looked = time.monotonic()

    @property
    def signs(self) -> tuple[Connection, int]:
        """What `multiprocessing.connection.wait` can wait for."""
        return self._outcome, self._process.sentinel

    def ended(self) -> Ended | None:
        """Return how it ended; None while it runs within its limits."""
        if self._outcome.poll():
            try:
                outcome = self._outcome.recv()
            except (EOFError, OSError):  # it ended, before or while it told
                self._process.join(END_SECONDS)
                return self._died()
            return self._told(outcome)
        if self._process.exitcode is not None:
            return self._died()
        if reason := self._exceeded():
            return self._told(Outcome("failed", reason=reason, traceback=self._output()))
        return None

    def kill(self) -> None:
        """Kill it and whatever it started."""
        import psutil

        pid = self._process.pid
        assert pid is not None, "it was started"
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children(recursive=True):  # those with a session of their own, too
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        for kill in (os.kill, os.killpg):  # it leads no group yet when it has only just begun
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)
        self._process.join()
        self._outcome.close()
        self._log.unlink(missing_ok=True)

    def _told(self, outcome: Outcome) -> Ended:
        self.kill()
        return Ended(self.name, outcome)

    def _died(self) -> Ended:
        import psutil

        code, output = self._process.exitcode, self._output()
        # The server of forks, if it dies, answers so for all its children, which live on.
        lost = code == -signal.SIGKILL or (code == 255 and psutil.pid_exists(self._process.pid or 0))
        self.kill()
        if lost:
            return Ended(self.name, None, "its process was killed by somebody else, or for want of memory")
        if code is not None and code < 0:
            reason = f"its process was ended by signal {-code}, {signal.strsignal(-code)}"
        else:
            reason = f"its process ended with exit code {code} and no result"
        return Ended(self.name, Outcome("failed", reason=reason, traceback=output))

    def _exceeded(self) -> str:
        now = time.monotonic()
        most = self._limits.seconds
        if most is not None and now - self._begun > most:
            return f"it was killed after {most:g} s, the limit of a trial"
        if now - self._looked < LOOK_SECONDS:
            return ""
        self._looked = now
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            os.truncate(self._log, 0)
        if self._limits.memory is not None and (used := _resident(self._process.pid or 0)) > self._limits.memory:
            return f"it was killed at {used / 1e6:.0f} MB; the limit of a trial is {self._limits.memory / 1e6:.0f} MB"
        return ""

    def _output(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - TOLD))
                return file.read().decode(errors="replace").lstrip("\0")
        except OSError:
            return ""


def _start(process: ForkServerProcess) -> None:
    """Start a process; a server of forks that was killed a moment ago may not be seen to be gone yet."""
    while True:
        start_server()
        try:
            process.start()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return


def _serve(
    outcome: Connection,
    run: Run,
    settings: dict[str, Any],
    seconds: float | None,
    log: Path,
    folder: Path,
) -> None:
    """Be the process of a trial."""
    import faulthandler

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which tells
    os.setsid()
    keep_descendants()
    _offer_to_the_kernel()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    faulthandler.enable(file=2)
    if seconds is not None:
        faulthandler.dump_traceback_later(TELLING * seconds, file=2)  # so that a time kill can say where it hung
    ended = run(settings, cache=folder)
    kill_descendants()
    outcome.send(ended)


def _offer_to_the_kernel() -> None:
    """Where memory runs out, let the kernel choose the trial rather than its driver."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _resident(pid: int) -> int:
    """Return the resident bytes of a trial and all it started."""
    import psutil

    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        trial = psutil.Process(pid)
        for one in (trial, *trial.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_info().rss
    return total


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Keep multiprocessing from importing the main module into each trial, which needs nothing of it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
