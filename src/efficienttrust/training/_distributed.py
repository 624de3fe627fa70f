"""Several processes, one training: what they tell each other.

`torchrun` starts the processes. Process 0 *leads*: it alone reads clocks, watches, decides, and writes; it announces
every move, and the others *follow* (`_follower`). So no two processes can disagree on a decision or on the end of the
budget. Every batch is that of one process; each takes its share of the rows, and gradients are averaged by
DistributedDataParallel. Augmentation, dropout and the attack's noise are drawn by each process from the seed, the step
and its rank.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from efficienttrust.atats import ATTACKS, DIALS, TrustAction
from efficienttrust.errors import UsageError
from efficienttrust.resources import Clocks

PATIENCE = timedelta(minutes=30)  # of a process that waits for another; one that died is noticed at once
MOST_ROWS = 256  # of a batch
LOST = ("connection closed", "connection reset", "timed out", "broken pipe", "gloo", "nccl")  # in what torch says
_FIELDS = 4 + len(DIALS)  # of an announcement, before the numbers of the rows


class Move(IntEnum):
    """What process 0 announces."""

    BUILD = 0
    LOAD = 1
    BATCH = 2
    ATTACK = 3
    STEP = 4
    END = 5


@dataclass(frozen=True)
class Share:
    """Which rows of a batch a process takes: every `size`-th, so that all take as many of those that are attacked.

    Attributes:
        rank: Number of this process, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    def of(self, rows: Tensor) -> Tensor:
        """Return this process's rows of a batch."""
        return rows[self.rank :: self.size]

    def among(self, first: int) -> int:
        """Return how many of the first rows of a batch are this process's."""
        return len(range(self.rank, first, self.size))


@dataclass(frozen=True)
class Announcement:
    """A move with its arguments.

    Attributes:
        move: What is to be done.
        rows: [n] rows of the batch.
        action: The dials that a step reads.
        learning_rate: Of the step.
        seed: Of what is drawn from here on.
    """

    move: Move
    rows: Tensor
    action: TrustAction
    learning_rate: float = 0.0
    seed: int = 0


class Team:
    """The processes of one training, from the inside of one of them.

    Args:
        share: Which one this is.
        local_rank: Number of this process on its machine: the number of its GPU.

    Attributes:
        others_cpu: CPU seconds that the other processes have reported since they met; known to process 0.
        preparation: `wall` and `cpu` seconds before that: of the slowest, and of all together.
    """

    def __init__(self, share: Share, local_rank: int) -> None:
        self.share, self.local_rank = share, local_rank
        self.others_cpu = 0.0
        self.preparation: dict[str, float] = {}
        self._reported, self._left, self._asked = time.process_time(), False, False

    def meet(self, agreed: str, preparation: Mapping[str, float]) -> None:
        """Check that all work on the same, and add up what they have spent so far.

        Raises:
            UsageError: They do not.
        """
        told: list[Any] = [None] * self.share.size
        distributed.all_gather_object(told, (agreed, dict(preparation)))
        if any(one != agreed for one, _ in told):
            raise UsageError("the processes were given different data or settings: start all with the same command")
        self.preparation = {
            "wall": max(one["wall"] for _, one in told),
            "cpu": sum(one["cpu"] for _, one in told),
        }
        self._reported = time.process_time()

    def leave(self) -> None:
        """End the others' part in the training, from process 0; the first call counts."""
        if self.share.rank == 0 and not self._left:
            self._left = True
            with suppress(RuntimeError):  # nobody may be left to hear it
                self.announce(Announcement(Move.END, torch.zeros(0, dtype=torch.int64), TrustAction()))
                self.sum()

    def ask(self, help_with: Any = None) -> Any:
        """After the training, tell the others from process 0 what else to help with; the first call counts.

        Returns:
            What was asked, in every process; None lets them go.
        """
        if self._asked:
            return None
        self._asked = True
        return self.tell(help_with)

    def spread(
        self, work: Callable[[NDArray[np.int64]], NDArray[np.bool_]], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return what work says of each row, bool [n] in every process, each of which works on its share of them."""
        parts: list[Any] = [None] * self.share.size
        distributed.all_gather_object(parts, work(rows[self.share.rank :: self.share.size]))
        joined = np.zeros(len(rows), dtype=bool)
        for rank, part in enumerate(parts):
            joined[rank :: self.share.size] = part
        return joined

    def clocks(self) -> Clocks:
        """Return the clocks of the training: CPU time is that of all processes, wall time that of the slowest."""
        return Clocks(cpu=lambda: time.process_time() + self.others_cpu)

    def announce(self, said: Announcement) -> None:
        """Tell the others what comes next."""
        action, n = said.action, len(said.rows)
        last = said.seed if said.move is Move.BATCH else said.learning_rate
        fields = (said.move, n, ATTACKS.index(action.attack), last, *(getattr(action, dial.name) for dial in DIALS))
        message = torch.zeros(_FIELDS + MOST_ROWS, dtype=torch.float64)
        message[:_FIELDS] = torch.tensor(fields, dtype=torch.float64)
        message[_FIELDS : _FIELDS + n] = said.rows
        distributed.broadcast(message, 0)

    def hear(self) -> Announcement:
        """Wait for what comes next."""
        message = torch.zeros(_FIELDS + MOST_ROWS, dtype=torch.float64)
        distributed.broadcast(message, 0)
        move, n, attack, last, *dials = message[:_FIELDS].tolist()
        settings = {dial.name: setting for dial, setting in zip(DIALS, dials, strict=True)}
        action = TrustAction(attack=ATTACKS[int(attack)], **settings)
        rows = message[_FIELDS : _FIELDS + int(n)].long()
        batch = Move(int(move)) is Move.BATCH
        return Announcement(Move(int(move)), rows, action, 0.0 if batch else last, int(last) if batch else 0)

    def tell(self, values: Any = None) -> Any:
        """Give plain values and tensors from process 0 to all."""
        box = [values]
        distributed.broadcast_object_list(box, 0, device=torch.device("cpu"))
        return box[0]

    def tell_state(self, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give a state with tensors, on whatever device, from process 0 to all, where it lands on the CPU."""
        file = io.BytesIO()
        if state is not None:
            torch.save(state, file)
        told: bytes = self.tell(file.getvalue())
        return dict(torch.load(io.BytesIO(told), map_location="cpu", weights_only=True))

    def gather(self, values: Tensor, n: int) -> Tensor:
        """Return the values [n] of the whole batch, in its order, from those of each process's rows."""
        size = self.share.size
        most = -(-n // size)
        mine = torch.zeros(most, dtype=values.dtype)
        mine[: len(values)] = values.cpu()
        parts = [torch.zeros_like(mine) for _ in range(size)]
        distributed.all_gather(parts, mine)
        return torch.stack(parts, dim=1).reshape(-1)[:n]

    def sum(self, loss: float = 0.0) -> float:
        """Return the sum of what all give; CPU time since the last report goes with it."""
        now = time.process_time()
        own = 0.0 if self.share.rank == 0 else now - self._reported
        self._reported = now
        figures = torch.tensor([loss, own], dtype=torch.float64)
        distributed.all_reduce(figures)
        self.others_cpu += float(figures[1])
        return float(figures[0])


_present: list[Team] = []


def present_team() -> Team | None:
    """Return the team of the training under way; None where one process trains alone."""
    return _present[-1] if _present else None


def processes() -> int:
    """Return how many processes torchrun has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Return the number of this process; 0 leads."""
    return int(os.environ.get("RANK", "0")) if processes() > 1 else 0


@contextmanager
def team_of(agreed: str, preparation: Mapping[str, float]) -> Iterator[Team | None]:
    """Meet the other processes for the body; yields None where there are none.

    Args:
        agreed: What all must have been told alike: data, settings, version.
        preparation: `wall` and `cpu` seconds that this process has spent on loading the data.

    Raises:
        UsageError: Another process works on something else, died, or did not answer.
    """
    if processes() == 1:
        yield None
        return
    with _losses_told():
        if not distributed.is_initialized():  # once for all trainings of a process: addresses are not exchanged twice
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
            distributed.init_process_group(backend, timeout=PATIENCE)
            atexit.register(_part)
        team = Team(Share(rank(), processes()), int(os.environ.get("LOCAL_RANK", "0")))
        team.meet(agreed, preparation)
        _present.append(team)
        try:
            yield team
        finally:
            _present.pop()
            team.leave()
            if team.share.rank == 0:
                with suppress(RuntimeError):
                    team.ask(None)


def _part() -> None:
    """Leave the others while the interpreter is whole.

    Threads of gloo that outlive it abort the process as soon as they touch a tensor. They end with the last reference
    to the group, which a graph of autograd in a cycle may hold.
    """
    distributed.destroy_process_group()
    gc.collect()


@contextmanager
def _losses_told() -> Iterator[None]:
    """Turn what torch says when a process is lost into one line."""
    try:
        yield
    except RuntimeError as error:  # DistError is one
        if not isinstance(error, distributed.DistError) and not any(word in str(error).lower() for word in LOST):
            raise
        said = str(error).strip().splitlines()[0][:200]
        raise UsageError(
            f"process {rank()} of {processes()} lost another one, which ended or did not answer for "
            f"{PATIENCE.total_seconds() / 60:.0f} minutes ({said}); start the same command again to go on from the "
            "last checkpoint"
        ) from error
