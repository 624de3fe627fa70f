"""SIGKILL at any moment: no acknowledged outcome is lost, none is there twice, and the store is whole."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from efficienttrust.study import Outcome
from efficienttrust.study.store import open_store
from tests.postgres_server import missing, server
from tests.study.store.planned import IDENTITY, plan

ROOT = Path(__file__).parents[3]
ROUNDS, WRITERS, TRIALS = 24, 2, 600

NURSERY = f"""
import json, os, random, signal, sys, time
import sqlalchemy.dialects.sqlite
from efficienttrust.study import Outcome
from efficienttrust.study.store import open_store
from tests.study.store.planned import IDENTITY, plan

def write(where, acknowledged, writer):
    with open_store(where) as store:
        store.begin(IDENTITY, trials[:1])
        while leases := store.claim(writer, seconds=0.5, limit=2, max_attempts=10**6):
            for lease in leases:
                figure = random.random()
                if store.finish(lease, Outcome("done", {{"metric.x": figure}})):
                    os.write(acknowledged, (json.dumps([lease.key, lease.token, figure]) + "\\n").encode())

where, rounds, writers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
trials = plan({TRIALS})
for number in range(rounds):
    told, tell = os.pipe()
    children = []
    for writer in range(writers):
        child = os.fork()
        if child == 0:
            write(where, tell, f"{{number}}.{{writer}}")
            os._exit(0)
        children.append(child)
    os.close(tell)
    with os.fdopen(told) as lines:
        if number % 4:  # else they are killed while they open the store
            for _ in range(random.randint(1, 8)):
                print(lines.readline(), end="")
        time.sleep(random.uniform(0.0, 0.02))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        print(lines.read(), end="")
"""


def test_writers_that_are_killed_lose_nothing_that_was_acknowledged(tmp_path):
    file = tmp_path / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(TRIALS))
    command = [sys.executable, "-c", NURSERY, str(file), str(ROUNDS), str(WRITERS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    acknowledged = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(acknowledged) > ROUNDS, "too few to show anything"
    assert len({key for key, _, _ in acknowledged}) == len(acknowledged), "a trial was acknowledged twice"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT max(n) FROM (SELECT count(*) n FROM outcomes GROUP BY key)").fetchone() == (
            1,
        )
    with open_store(file, read_only=True) as store:
        kept = {one.trial.key: one for one in store.trials("done")}
        for key, token, figure in acknowledged:
            assert kept[key].outcome.figures == {"metric.x": figure}
            assert store.attempts(key)[-1].token == token
        # An outcome may be on disk of which the writer was killed before it could tell.
        assert 0 <= len(kept) - len(acknowledged) <= ROUNDS * WRITERS
        assert sum(store.counts().values()) == TRIALS


def test_a_server_that_is_killed_loses_nothing_and_its_clients_wait_for_it():
    if reason := missing():
        pytest.skip(reason)
    acknowledged: list[tuple[str, float]] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with open_store(where, patience=60) as store:
                store.begin(IDENTITY, trials)
                while leases := store.claim(name, seconds=60):
                    figure = float(len(acknowledged)) + 0.5
                    assert store.finish(leases[0], Outcome("done", {"metric.x": figure}))
                    acknowledged.append((leases[0].key, figure))
        except BaseException as error:
            failures.append(error)

    trials = plan(150)
    with server() as postgres:
        where = postgres.database("study")
        workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
        for worker in workers:
            worker.start()
        for share in (0.2, 0.6):
            while len(acknowledged) < share * len(trials) and not failures:
                time.sleep(0.002)
            postgres.kill()
            time.sleep(0.2)
            postgres.start()
        for worker in workers:
            worker.join(timeout=60)
        assert failures == []
        with open_store(where) as store:
            kept = {one.trial.key: one for one in store.trials()}
    assert len(acknowledged) == len(trials) == len(kept)
    assert {key: one.outcome.figures["metric.x"] for key, one in kept.items()} == dict(acknowledged)
    assert {one.attempts for one in kept.values()} == {1}, "a claim whose acknowledgement was lost is found again"
