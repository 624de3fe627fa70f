"""The command as a whole: errors are one line with the right exit code, and `--help` answers at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from efficienttrust import __version__
from efficienttrust.errors import EfficientTrustError, InfeasibleError, RunInterrupted, UsageError

HEAVY = {"torch", "pandas", "sklearn", "scipy", "onnx", "onnxruntime", "pyarrow", "matplotlib", "pydantic"}


def cpu_seconds(code: str) -> float:
    """Return the least CPU seconds of three fresh processes."""

    def once() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    return min(once() for _ in range(3))


def modules_after(code: str) -> set[str]:
    finished = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.partition(".")[0] for name in finished.stderr.split()}


def test_version(command):
    assert command("--version").out.strip() == __version__


def test_no_arguments_shows_the_verbs(command):
    result = command()
    assert result.code == 0
    for verb in ("fit", "audit", "verify", "data", "doctor"):
        assert verb in result.out


@pytest.mark.parametrize(
    "verb", [["fit"], ["audit"], ["verify"], ["data"], ["data", "list"], ["data", "show"], ["doctor"]]
)
def test_every_verb_explains_itself(command, verb):
    result = command(*verb, "--help")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith("Usage: efficienttrust " + " ".join(verb))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fitt"], 'Did you mean "fit"?'),
        (["fit"], "SOURCE"),
        (["fit", "adult", "--buget", "time=2s"], "Did you mean --budget?"),
        (["fit", "adult", "--seed", "one"], "--seed"),
        (["fit", "adult"], "--budget: missing"),
        (["fit", "adult", "--budget", "time=-2s"], "--budget: time=-2s"),
        (["fit", "adult", "--budget", "tme=2s"], "Did you mean 'time'?"),
        (["fit", "adult", "--budget", "time=2s", "--policy", "plam"], "Did you mean 'plan'?"),
        (["fit", "nosuch.yaml"], "no such file"),
        (["data", "shw"], 'Did you mean "show"?'),
    ],
)
def test_wrong_usage_is_one_line(command, arguments, says):
    result = command(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert says in result.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("label 'aproved' is not a column"), 2),
        (InfeasibleError("2 ms is less than one training step"), 3),
        (RunInterrupted("saved after step 12; the same command continues"), 130),
        (PermissionError(13, "Permission denied", "runs/x"), 2),
        (OSError(28, "No space left on device", "runs/x/model.onnx"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_of_a_run_are_one_line(command, fake, workdir, error, code):
    def fail(_arguments):
        raise error

    fake.during = fail
    result = command("fit", "adult", "--budget", "time=2s", "--quiet")
    assert result.code == code
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    if isinstance(error, EfficientTrustError | OSError):
        assert (str(error) if isinstance(error, EfficientTrustError) else error.strerror) in result.err


def test_help_imports_nothing_heavy():
    run = "from efficienttrust.cli.main import main\nassert main(['fit', '--help']) == 0"
    assert modules_after(run) & HEAVY == set()


def test_a_wrong_name_is_found_before_torch_is_imported():
    run = "from efficienttrust.cli.main import main\nassert main(['fit', 'adult', '--budget', 'tme=2s']) == 2"
    assert modules_after(run) & {"torch", "sklearn", "onnxruntime", "pandas"} == set()


def test_import_and_help_are_fast():
    assert cpu_seconds("import efficienttrust") < 0.3
    assert cpu_seconds("from efficienttrust.cli.main import main; main(['--help'])") < 0.5


def test_the_public_names_are_there():
    import efficienttrust

    for name in efficienttrust.__all__:
        assert getattr(efficienttrust, name) is not None
    assert set(efficienttrust.__all__) <= set(dir(efficienttrust))
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        _ = efficienttrust.fitt
