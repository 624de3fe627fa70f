"""A study whose store is a PostgreSQL server that dies under it: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from efficienttrust.cli.main import main
from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.running import Ended, run_study
from efficienttrust.study.spec import open_study
from efficienttrust.study.store import open_store
from tests.postgres_server import PASSWORD, Server, missing, server

STUDY = """
name: small
question: What does half the training cost?
data: [german]
constraint: [none, time=50%]
reference: {steps: 40}
seeds: 3
"""


@pytest.fixture
def postgres() -> Iterator[Server]:
    if reason := missing():
        pytest.skip(reason)
    with server() as one:
        yield one


@pytest.fixture
def file(workdir):
    (workdir / "small.yaml").write_text(STUDY)
    return workdir / "small.yaml"


class Simple:
    """An executor that has run everything at once; `before` is called when its results are asked for."""

    slots = 2

    def __init__(self, before=lambda: None):
        self.begun, self._names, self._before = [], [], before

    def submit(self, name, settings, *, exclusive=False):
        self.begun.append((settings["budget"], settings["seed"]))
        self._names.append(name)

    def wait(self, seconds):
        self._before()
        names, self._names = self._names, []
        return [Ended(name, Outcome("done", {"metric.x": 1.0})) for name in names]

    def cancel(self, name):
        if name in self._names:
            self._names.remove(name)


def test_a_server_that_is_gone_for_good_ends_a_study_in_one_line_and_another_call_goes_on(postgres, file):
    where = postgres.database("gone")
    study, asked = open_study(file), []

    def gone():
        asked.append(1)
        if len(asked) == 2:
            postgres.kill()

    first = Simple(gone)
    with open_store(where, patience=1) as store, pytest.raises(UsageError) as told:
        run_study(study, store, first, seconds=2)
    assert "\n" not in str(told.value)
    assert "PostgreSQL says" in str(told.value)
    assert len(first.begun) == 4
    postgres.start()
    second = Simple()
    with open_store(where) as store:
        driven = run_study(study, store, second, seconds=2)
        assert driven.counts["done"] == 6
        assert {one.attempts for one in store.trials()} == {1, 2}, "those under way are begun again"
    assert len(second.begun) == 4, "what was acknowledged is not done again"
    assert {*first.begun[:2]} & {*second.begun} == set()


@pytest.mark.slow
def test_a_study_goes_on_when_its_server_is_killed_and_starts_again(postgres, file, capsys):
    where = postgres.database("killed")
    acknowledged = {}

    def kill() -> None:
        while not acknowledged:
            time.sleep(0.05)
            try:
                with open_store(where, read_only=True) as store:
                    acknowledged.update({one.trial.key: one.outcome.figures for one in store.trials("done")})
            except UsageError:  # there is no store yet
                continue
        postgres.kill()
        time.sleep(2)
        postgres.start()

    killer = threading.Thread(target=kill)
    killer.start()
    code = main(["study", "run", str(file), "--store", where, "--workers", "2", "--quiet"])
    killer.join(60)
    assert (code, capsys.readouterr().out) == (0, "6 done\n")
    assert 1 <= len(acknowledged) < 6, "it was killed in the middle"
    with open_store(where, read_only=True) as store:
        kept = {one.trial.key: one for one in store.trials("done")}
        assert {key: kept[key].outcome.figures for key in acknowledged} == acknowledged
        assert [one.attempts for one in kept.values()] == [1] * 6
        assert [one["kind"] for one in store.events() if one["kind"] in ("lost", "fenced")] == []


def test_a_wrong_password_is_never_printed(postgres, file, capsys):
    where = f"postgresql://tester:not-the-pass@127.0.0.1:{postgres.port}/postgres"
    assert main(["study", "run", str(file), "--store", where]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "password authentication failed" in told.err
    assert "not-the-pass" not in told.err
    assert PASSWORD not in told.err
    assert told.err.count("\n") == 1


def test_no_server_at_all_is_one_line(file, capsys):
    assert main(["study", "run", str(file), "--store", "postgresql://me:hidden@127.0.0.1:1/none"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert "check host and port" in told.err
    assert "hidden" not in told.err
