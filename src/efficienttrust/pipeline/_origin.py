"""A run that something is made from or checked against: its folder, unedited, and the data that it was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from efficienttrust.compression import DeployedImages, DeployedModel
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._run import HASHED, Run, problem_of


def refuse_edited(folder: Path, run: Run) -> None:
    """Raise `UsageError` where a model file of a run is not the one that was written with it.

    Runs of earlier versions hold no hashes; of those only what `verify` compares can be told.
    """
    for name, recorded in (run.document.get("hashes") or {}).items():
        if name in HASHED and (found := file_hash(folder / name)) != recorded:
            raise UsageError(
                f"{folder / name} is not the file that this run wrote (sha256 {found[:12]}, recorded {recorded[:12]}): "
                "it was edited or replaced; take the run from where it was made"
            )


def file_hash(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_of(run: Run) -> File:
    """Open the exported file of a run."""
    image = run.document["problem"].get("kind") == "image"
    return DeployedImages(run.content) if image else DeployedModel(run.content)


def data_of(run: Run, folder: Path | str, problem: Problem | None, call: str) -> Problem:
    """Load the data of a run again, or check those that are given.

    Args:
        run: The run.
        folder: Where it lies, for messages.
        problem: The data, when the run was made from a frame that exists nowhere else.
        call: How to name them in a call, e.g. `verify(folder, problem=…)`.

    Raises:
        UsageError: The data are gone or have changed.
    """
    recorded = run.document["problem"]
    if problem is None:
        if recorded["source"].startswith("<"):
            raise UsageError(
                f"{folder} was made from data in memory ({recorded['source'].strip('<>')}): call {call} with them"
            )
        problem = problem_of(recorded)
    if problem.fingerprint != recorded["fingerprint"]:
        raise UsageError(
            f"the data at {recorded['source']} are not those of the run {folder} (hash {problem.fingerprint[:12]}, "
            f"recorded {recorded['fingerprint'][:12]}); verdicts cannot be compared"
        )
    return problem
