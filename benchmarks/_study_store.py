"""How many trials a second a store takes, and up to how many workers that is enough.

`throughput` is measured by real processes that do nothing but claim and finish trials of no duration. `simulate` puts
the measured times of transactions on a virtual clock on which any number of workers train.
"""

from __future__ import annotations

import heapq
import multiprocessing
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.study import Outcome, Trial
from efficienttrust.study._trial import content_address
from efficienttrust.study.store import StudyIdentity, open_store

FIGURES = {f"metric.figure_{number}": number / 7 for number in range(40)}
LEASE = 600.0
WARM_UP = 3  # first transactions of a writer, which open its connection
ENOUGH = 0.95  # share of a worker's time that is training, from which on the store is no bottleneck
IDENTITY = StudyIdentity("throughput", "name: throughput\n", design={}, data={}, code={})


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        writers: Processes.
        trials_per_second: Claimed and finished, of all writers together.
        claim, finish: Seconds of each transaction, as a client sees them.
        lost: Trials that were not there afterwards, or were there twice; 0 or the store is wrong.
    """

    writers: int
    trials_per_second: float
    claim: tuple[float, ...]
    finish: tuple[float, ...]
    lost: int

    def columns(self) -> dict[str, float]:
        """Return the figures of a table: milliseconds at p50, p99 and most of claim and finish together."""
        both = sorted(1000 * (a + b) for a, b in zip(self.claim, self.finish, strict=True))
        return {
            "writers": self.writers, "trials/s": self.trials_per_second, "p50 ms": statistics.median(both),
            "p99 ms": both[int(0.99 * (len(both) - 1))], "max ms": both[-1], "lost": self.lost,
        }  # fmt: skip


def throughput(where: str, writers: int, trials: int) -> Row:
    """Let processes claim and finish all trials of a new store at `where`."""
    settings = [{"number": number} for number in range(trials)]
    plan = [Trial(content_address(one), "cell", {"number": "any"}, one, seed=0) for one in settings]
    with open_store(where) as store:
        store.begin(IDENTITY, plan)
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(writers), context.Queue()
    processes = [context.Process(target=_write, args=(where, gate, answers, f"w{n}")) for n in range(writers)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    with open_store(where, read_only=True) as store:
        ended = [one.attempts for one in store.trials("done")]
    claims, finishes = ([one for _, _, *both in found for one in both[which]] for which in (0, 1))
    seconds = max(end for _, end, *_ in found) - min(begin for begin, *_ in found)
    return Row(writers, trials / seconds, tuple(claims), tuple(finishes), trials - ended.count(1))


def _write(where: str, gate: Any, answers: Any, name: str) -> None:
    with open_store(where) as store:
        store.begin(IDENTITY, [])
        store.counts()
        gate.wait()
        claims, finishes = [], []
        begin = before = time.time()
        while leases := store.claim(name, seconds=LEASE):
            between = time.time()
            store.finish(leases[0], Outcome("done", FIGURES))
            after = time.time()
            claims.append(between - before)
            finishes.append(after - between)
            before = after
        answers.put((begin, before, claims[WARM_UP:] or claims, finishes[WARM_UP:] or finishes))


@dataclass(frozen=True)
class Simulated:
    """One simulated run.

    Attributes:
        workers: That train at once.
        waiting: Mean seconds that a worker waits for the store, per trial.
        efficiency: Share of a worker's time that is training.
    """

    workers: int
    waiting: float
    efficiency: float


def simulate(
    workers: int, seconds_per_trial: float, transactions: Sequence[float], *, trials: int = 20_000, spread: float = 0.3,
    seed: int = 0, heartbeat: float = 20.0, servers: int = 1,
) -> Simulated:  # fmt: skip
    """Run trials on a virtual clock with a store that serves one transaction after another.

    A worker claims, trains, and finishes; while it trains, its lease is renewed. Each transaction takes a time drawn
    from the measured ones (of one writer: how long several writers wait for each other is what is simulated here).

    Args:
        workers: That run at once; all begin at the same moment, which is the worst case.
        seconds_per_trial: Mean length of a training.
        transactions: Measured seconds of one transaction.
        trials: Simulated in all, at least four for each worker.
        spread: Standard deviation of the logarithm of a training's length.
        seed: Of what is drawn.
        heartbeat: Seconds between renewals.
        servers: Transactions that the store serves at once; SQLite: 1.
    """
    random_ = random.Random(seed)
    trials = max(trials, 4 * workers)
    free = [0.0] * servers  # when each server is free again
    waiting = 0.0
    left = trials
    # What happens next: when, which (to break ties), what, and the seconds of training that are still to be done.
    queue: list[tuple[float, int, str, float]] = [(0.0, number, "claim", 0.0) for number in range(workers)]
    heapq.heapify(queue)
    while queue:
        now, worker, what, rest = heapq.heappop(queue)
        server = heapq.heappop(free)
        done = max(now, server) + random_.choice(transactions)
        heapq.heappush(free, done)
        waiting += done - now if what != "renew" else 0.0  # a driver renews while its workers train
        if what == "finish":
            heapq.heappush(queue, (done, worker, "claim", 0.0))
            continue
        if what == "claim":
            if left == 0:
                continue
            left -= 1
            rest = seconds_per_trial * random_.lognormvariate(-(spread**2) / 2, spread)
            now = done
        step = min(rest, heartbeat)
        heapq.heappush(queue, (now + step, worker, "finish" if step == rest else "renew", rest - step))
    waiting /= trials
    return Simulated(workers, waiting, seconds_per_trial / (seconds_per_trial + waiting))


def enough_for(seconds_per_trial: float, transactions: Sequence[float], *, most: int = 100_000, **options: Any) -> int:
    """Return the largest number of workers, to two digits, for which the store is no bottleneck."""
    low, high = 1, most
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        one = simulate(middle, seconds_per_trial, transactions, trials=4 * middle, **options)
        good = one.efficiency >= ENOUGH
        low, high = (middle, high) if good else (low, middle)
    return low
