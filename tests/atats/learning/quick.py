"""Micro-tasks with little to train, for tests that are not about learning."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.atats.learning import Task, draw_tasks


def quick_tasks(seed: int, n: int, *, budget: float = 100.0) -> list[Task]:
    return [
        replace(task, budget=budget, monitor_cost=task.monitor_cost * budget / task.budget)
        for task in draw_tasks(seed, n)
    ]
