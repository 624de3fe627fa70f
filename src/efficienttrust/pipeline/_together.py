"""The proof of a run in several processes: each attacks its share of the rows of the exported file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from efficienttrust.compression import Decision, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.proof import Proof, prove
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.selection import Guarantee
from efficienttrust.evaluation.suite import File
from efficienttrust.pipeline._file import open_file
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._weights import load_weights, save_weights
from efficienttrust.training._distributed import Team

MODEL = "model.onnx"


def prove_together(
    problem: Problem,
    request: Request,
    content: bytes,
    file: File,
    scorer: Scorer,
    decision: Decision,
    team: Team | None,
    guarantee: Guarantee,
) -> Proof:
    """Prove a run; with a team and a target on attacks, every process attacks its share of the rows.

    Attacks start at random points that follow from the seed and the rows at hand: other points for another number of
    processes, the same again for the same number.
    """
    if team is None or not any(target.metric in ROBUST_METRICS for target in request.targets):
        return prove(problem, request.targets, file, scorer, decision, seed=request.seed, guarantee=guarantee)
    with tempfile.TemporaryDirectory() as folder:
        save_weights(Path(folder), scorer, decision)
        (Path(folder) / MODEL).write_bytes(content)
        team.ask({path.name: path.read_bytes() for path in Path(folder).iterdir()})
    spread = team.spread
    return prove(
        problem, request.targets, file, scorer, decision, seed=request.seed, spread=spread, guarantee=guarantee
    )


def help_to_prove(problem: Problem, request: Request, team: Team) -> None:
    """Take part in the proof of process 0, if it asks for help."""
    if (told := team.ask()) is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in told.items():
            (Path(folder) / name).write_bytes(content)
        scorer, decision = load_weights(Path(folder))
        file = open_file(problem, told[MODEL])
    prove(problem, request.targets, file, scorer, decision, seed=request.seed, spread=team.spread)
