"""Whether a run kept its limit on memory: the peak of the process, from a fresh one where this one cannot tell.

A mark that never falls says nothing of a training in a process that had held more before. There the training is
repeated for a few steps, from loading the data to the exported file, in a process that did nothing else.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError, in_bytes
from efficienttrust.pipeline._data import load_data
from efficienttrust.pipeline._document import model_text
from efficienttrust.pipeline._progress import ProgressEvent
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline._session import warm_up
from efficienttrust.resources import Ledger
from efficienttrust.resources._peak_child import cuda_peaks
from efficienttrust.resources.peak_memory import peak_memory
from efficienttrust.resources.process_memory import memory_floor, peak_bytes, resident_bytes
from efficienttrust.training import Candidates, Settings

REHEARSED_STEPS = 8
SLACK = 1.05  # a mark this little above what is resident is no sign of earlier work


@dataclass
class Peaks:
    """The peak of this process as the phases of a run ended.

    Attributes:
        before: When the run began.
        resident: What was resident then.
        after: By phase, in order.
    """

    before: int = field(default_factory=peak_bytes)
    resident: int = field(default_factory=resident_bytes)
    after: dict[str, int] = field(default_factory=dict)

    def reach(self, phase: str) -> None:
        """Note that a phase ended."""
        self.after[phase] = peak_bytes()

    @property
    def delivered(self) -> int:
        """Return the peak up to the exported file."""
        return self.after["export"]

    @property
    def phase(self) -> str:
        """Return the phase in which that peak was reached; `before` where the run stayed below an earlier mark."""
        if self.delivered == self.before:
            return "before"
        return next(name for name, peak in self.after.items() if peak == self.delivered)

    def exact(self, limit: float) -> bool:
        """Return whether the peak is that of the run, and not of what the process had done before."""
        return self.before <= min(SLACK * self.resident, limit)


def libraries(*, exporter: bool, trees: bool) -> int:
    """Load what a fit needs and return what is resident then: the work of a fresh process."""
    import efficienttrust.pipeline._fit

    assert efficienttrust.pipeline._fit.__name__
    warm_up(exporter=exporter, trees=trees)
    return resident_bytes()


def needed(problem: Problem, request: Request) -> dict[str, bool]:
    """Return which libraries a run needs, as `warm_up` takes it."""
    return {
        "exporter": request.network != "mlp" or request.trainer == "auto" or problem.kind == "image",
        "trees": request.trainer in ("lightgbm", "auto", "exponentiated_gradient_trees") or request.settings.distil > 0,
    }


def check_memory(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, peaks: Peaks
) -> tuple[str, ...]:
    """Enter the peak into the ledger; return why the run failed by it, one line, or nothing.

    On a GPU the limit is on what torch's allocator took there. On a CPU it is on the whole process up to the exported
    file; the evaluation that follows is reported apart.
    """
    limit = ledger.budget.memory
    used, how, phase = peaks.delivered, "this process since it began", peaks.phase
    details: dict[str, object] = {"evaluation_peak": peaks.after["evaluate"]}
    cuda = cuda_peaks(sys.modules.get("torch"))
    if cuda:
        details |= {"allocated": cuda["cuda_allocated"], "reserved": cuda["cuda_reserved"], "process": used}
        used, how, phase = cuda["cuda_reserved"], "torch's allocator on the GPU", "train"
    elif limit is not None:
        with ledger.phase("verify memory"):
            if used > limit and not peaks.exact(limit):
                found = _fresh_peak(problem, request, candidates)
                if isinstance(found, str):
                    how = f"this process, which had held more before, and a fresh one could not tell: {found}"
                else:
                    used, phase = found
                    how = f"a fresh process over {REHEARSED_STEPS} steps"
            floor = memory_floor(**needed(problem, request))
            details |= {"floor": floor, "above_floor": max(used - floor, 0)}
    ledger.measured("memory", float(used), how=how, phase=phase, **details)
    return broken(limit, used, f"of {how}; phase: {phase}")


def broken(limit: float | None, used: float, where: str) -> tuple[str, ...]:
    """Return the line on a limit on memory that a run broke, or nothing."""
    if limit is None or used <= limit:
        return ()
    return (f"memory: peak {in_bytes(used)} where {in_bytes(limit)} was asked ({where})",)


def _fresh_peak(problem: Problem, request: Request, candidates: Candidates) -> tuple[int, str] | str:
    """Return the peak of a few steps in a fresh process and its phase, or why there is none."""
    network = request.trainer == "network"
    means = candidates.means
    with tempfile.TemporaryDirectory(prefix="efficienttrust-memory-") as name:
        data: dict[str, Any] = {"source": problem.source, "settings": dict(problem.settings)}
        if problem.source.startswith("<"):  # data that exist in this process alone
            path = Path(name) / "problem.pickle"
            path.write_bytes(pickle.dumps(problem, protocol=5))
            data = {"pickled": str(path)}
        arguments = {
            "data": data,
            "fit": {
                "budget": f"steps={REHEARSED_STEPS}" if network else str(replace(request.asked, memory=None)),
                "targets": [target.text for target in request.targets],
                "trainer": request.trainer,
                "model": model_text(request) if network else None,
                "seed": request.seed,
                "use_groups_at_prediction": request.aware,
            },
            "settings": asdict(request.settings),
            "means": None if means is None else [means.parts, means.checkpointed, means.precision],
        }
        found = peak_memory("efficienttrust.pipeline._memory_check:rehearse", arguments)
    if found.state != "ok" or found.result is None:
        return f"{found.state}, {found.note}"
    peak, phase = found.result
    return int(peak), str(phase)


class _Delivered(Exception):
    """The file is exported: what follows is not rehearsed."""


def rehearse(
    data: Mapping[str, Any], fit: Mapping[str, Any], settings: Mapping[str, Any], means: Sequence[Any] | None
) -> tuple[int, str]:
    """Go through a fit up to the exported file and return its peak and its phase: the work of a fresh process.

    Args:
        data: `source` and `settings`, or the path of a `pickled` problem.
        fit: Arguments of `fit`.
        settings: Of `Settings`.
        means: Parts, checkpointing and precision that were chosen before; None where there are none.

    Raises:
        UsageError: It came to no file.
    """
    from efficienttrust.pipeline._fit import fit as run
    from efficienttrust.training._memory_limit import Means, given

    if "pickled" in data:
        problem = pickle.loads(Path(data["pickled"]).read_bytes())
    else:
        chosen = dict(data["settings"])
        seed = int(chosen.pop("seed", 0))
        problem = load_data(data["source"], chosen, seed=seed)
    ended = {"data": peak_bytes()}
    going_on = "libraries"

    def until_delivered(event: ProgressEvent) -> None:
        nonlocal going_on
        if event.phase != going_on:
            ended[going_on], going_on = peak_bytes(), event.phase
        if event.phase == "measure":
            raise _Delivered

    with given(None if means is None else Means(*means)):
        try:
            run(problem, settings=Settings(**settings), progress=until_delivered, **fit)
        except _Delivered:
            peak = max(ended.values())
            return peak, next(phase for phase, reached in ended.items() if reached == peak)
    raise UsageError("the rehearsal ended before its file was exported")
