"""The steppers of several processes: process 0 announces every move of its stepper, the others make the same."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from efficienttrust.atats import TrustAction
from efficienttrust.training._distributed import Announcement, Move, Team
from efficienttrust.training._module_step import ModuleStepper

if TYPE_CHECKING:
    from efficienttrust.data import Problem
    from efficienttrust.training._trainer import TrainingTask

SEEDS = 2**52  # seeds travel as floats


class LeadingStepper(ModuleStepper):
    """The stepper of process 0; arguments as for `ModuleStepper`, with a team.

    Whoever puts other weights into its network need not tell: the next batch gives them to all.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._joined = False
        self._changed = changed = [False]
        # A plain function: snapshots copy the network with its hooks.
        self._network.register_load_state_dict_post_hook(  # type: ignore[no-untyped-call]
            lambda module, keys: changed.__setitem__(0, True)
        )

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return this process's inputs, after the others have been told of theirs."""
        if not self._joined:
            self._say(Move.BUILD, rows, action)
            self._members.tell(
                {
                    "options": dict(self.setup.options),
                    "soft": self.setup.soft,
                    "parts": self.parts,
                    "compiled": self.compiled,
                }
            )
            self.join()
            self._joined = True
        if self._changed[0]:
            self._say(Move.LOAD, rows, action)
            self._members.tell_state(self.state_dict())
            self._changed[0] = False
        seed = int(torch.randint(SEEDS, (), generator=self._generator))
        self._members.announce(Announcement(Move.BATCH, rows, action, seed=seed))
        after = self._generator.get_state()
        self.reseed(seed)
        x = super().batch(rows, action)
        self._generator.set_state(after)  # so that a checkpoint holds all that the next seed depends on
        return x

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Attack this process's rows while the others attack theirs."""
        self._say(Move.ATTACK, rows, action)
        return super().attack(x, rows, action)

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take a step together."""
        self._say(Move.STEP, rows, action, learning_rate)
        return super().step(x, rows, action, learning_rate)

    @property
    def _members(self) -> Team:
        assert self._team is not None
        return self._team

    def _say(self, move: Move, rows: Tensor, action: TrustAction, learning_rate: float = 0.0) -> None:
        self._members.announce(Announcement(move, rows, action, learning_rate))


def follow(problem: Problem, task: TrainingTask, team: Team) -> None:
    """Make every move that process 0 announces, until it announces the end."""
    from efficienttrust.training._bench import Bench
    from efficienttrust.training._levers import levers_of

    levers = levers_of(task.targets, problem.task)
    stepper: ModuleStepper | None = None
    x = torch.zeros(0)
    while (said := team.hear()).move is not Move.END:
        if said.move is Move.BUILD:
            told = team.tell()
            made = Bench(problem, dataclasses.replace(task, options=told["options"]), levers, told["soft"]).stepper()
            assert isinstance(made, ModuleStepper)
            stepper = made
            stepper.parts, stepper.compiled = told["parts"], told["compiled"]
            stepper.join()
            continue
        assert stepper is not None
        if said.move is Move.LOAD:
            stepper.load_state_dict(team.tell_state())
        elif said.move is Move.BATCH:
            stepper.reseed(said.seed)
            x = stepper.batch(said.rows, said.action)
        elif said.move is Move.ATTACK:
            x = stepper.attack(x, said.rows, said.action)
        else:
            stepper.step(x, said.rows, said.action, said.learning_rate)
    team.sum()
