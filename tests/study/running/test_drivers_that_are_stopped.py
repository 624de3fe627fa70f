"""Drivers in processes of their own: two at once, interrupted, and killed; no trial is done twice or forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from efficienttrust.study.store import open_store
from tests.study.running.planned import STUDY, start_command, start_driver, start_trials_with_children
from tests.study.running.stand_in import LONG, all_dead, lives, notes


def _wait_for(file: Path, begun: int, driver: subprocess.Popen[str]) -> None:
    until = time.monotonic() + LONG
    while sum(what == "begun" for _, what, _, _ in notes(file)) < begun:
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def _said(driver: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = driver.communicate(timeout=LONG)
    return driver.returncode, out, err


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The file of a real study; its trials are stand-ins."""
    file = tmp_path / "small.yaml"
    file.write_text(STUDY)
    return file


def test_two_drivers_help_each_other_and_nothing_runs_twice_or_beside_an_exclusive_trial(tmp_path):
    file, store = tmp_path / "notes", tmp_path / "study.db"
    drivers = [start_driver(store, file, trials=16, takes=0.2, seconds=60) for _ in range(2)]
    said = [_said(driver) for driver in drivers]
    assert [(code, err) for code, _, err in said] == [(0, ""), (0, "")]
    ended = [json.loads(out)[1].get("done", 0) for _, out, _ in said]
    assert sum(ended) == 16
    assert Counter(seed for seed, what, _, _ in notes(file) if what == "begun") == dict.fromkeys(range(16), 1)
    when = {(seed, what): at for seed, what, at, _ in notes(file)}
    for alone in (6, 13):
        begun, over = when[alone, "begun"], when[alone, "ended"]
        beside = [seed for seed in range(16) if when[seed, "begun"] < over and when[seed, "ended"] > begun]
        assert beside == [alone]


def test_a_killed_driver_takes_its_trials_with_it_and_the_next_one_goes_on(tmp_path):
    file, store = tmp_path / "notes", tmp_path / "study.db"
    driver = start_driver(store, file, trials=5, takes=LONG, seconds=2)
    _wait_for(file, 2, driver)
    driver.kill()
    driver.communicate()
    orphans = [pid for _, what, _, pid in notes(file) if what == "begun"]
    assert all_dead(orphans)
    # The settings, and so the keys, are the same: how long a stand-in takes is in the environment.
    code, out, err = _said(start_driver(store, file, trials=5, takes=0.0, seconds=60))
    assert (code, err) == (0, "")
    assert json.loads(out)[1] == {"done": 5}
    with open_store(store, read_only=True) as kept:
        attempts = sorted(len(kept.attempts(one.trial.key)) for one in kept.trials())
    assert attempts == [1, 1, 1, 2, 2]
    assert Counter(seed for seed, what, _, _ in notes(file) if what == "ended") == dict.fromkeys(range(5), 1)


def test_nothing_that_its_trials_started_outlives_a_killed_driver(tmp_path):
    file = tmp_path / "notes"
    driver = start_trials_with_children(file)
    _wait_for(file, 2, driver)
    while sum(what == "child" for _, what, _, _ in notes(file)) < 3:
        assert driver.poll() is None
        time.sleep(0.01)
    pids = [pid for _, _, _, pid in notes(file)]
    assert len(pids) == 5
    assert all(map(lives, pids))
    driver.kill()
    driver.communicate()
    assert all_dead(pids)


def test_ctrl_c_lets_running_trials_end(tmp_path):
    file, store = tmp_path / "notes", tmp_path / "study.db"
    driver = start_driver(store, file, trials=6, takes=2.0, seconds=60)
    _wait_for(file, 2, driver)
    driver.send_signal(signal.SIGINT)
    code, out, _ = _said(driver)
    counts, ended, fenced, interrupted = json.loads(out)
    assert (code, counts["waiting"], ended, fenced, interrupted) == (0, 4, {"done": 2}, 0, True)


def test_a_second_ctrl_c_gives_trials_back_at_once(tmp_path):
    file, store = tmp_path / "notes", tmp_path / "study.db"
    driver = start_driver(store, file, trials=6, takes=LONG, seconds=60)
    _wait_for(file, 2, driver)
    driver.send_signal(signal.SIGINT)
    time.sleep(0.5)
    driver.send_signal(signal.SIGINT)
    code, out, _ = _said(driver)
    counts, ended, fenced, interrupted = json.loads(out)
    assert (code, counts["waiting"], ended, fenced, interrupted) == (0, 6, {}, 0, True)
    assert all_dead([pid for _, what, _, pid in notes(file) if what == "begun"])


@pytest.mark.slow
def test_the_command_is_interrupted_and_goes_on(tmp_path, small):
    file = tmp_path / "notes"
    command = start_command("study", "run", str(small), "--workers", "2", notes=file, takes=4.0)
    _wait_for(file, 2, command)
    command.send_signal(signal.SIGINT)
    code, out, err = _said(command)
    assert code == 130
    assert out == "6 waiting, 2 done\n"
    assert "stopping when the running trials have ended" in err
    assert err.endswith("interrupted; the same command goes on\n")

    command = start_command("study", "run", str(small), "--workers", "2", notes=file, takes=LONG)
    _wait_for(file, 4, command)
    command.send_signal(signal.SIGINT)
    time.sleep(0.5)
    command.send_signal(signal.SIGINT)
    code, out, _ = _said(command)
    assert (code, out) == (130, "6 waiting, 2 done\n")
    assert all_dead([pid for _, what, _, pid in notes(file) if what == "begun"])

    command = start_command("study", "run", str(small), "--json", "--limit", "6", notes=file)
    code, out, err = _said(command)
    assert code == 0
    said = json.loads(out)
    assert (said["ended"], said["counts"]["done"], said["interrupted"]) == ({"done": 6}, 8, False)
    assert err.count("done: data=german, ") == 6
    with open_store(tmp_path / "small.db", read_only=True) as kept:
        assert {len(kept.attempts(one.trial.key)) for one in kept.trials()} == {1}, "what is given back is no attempt"


def test_sigterm_gives_trials_back_at_once(tmp_path):
    file, store = tmp_path / "notes", tmp_path / "study.db"
    driver = start_driver(store, file, trials=3, takes=LONG, seconds=60)
    _wait_for(file, 2, driver)
    os.kill(driver.pid, signal.SIGTERM)
    code, out, _ = _said(driver)
    counts, ended, fenced, interrupted = json.loads(out)
    assert (code, counts["waiting"], ended, fenced, interrupted) == (0, 3, {}, 0, True)
