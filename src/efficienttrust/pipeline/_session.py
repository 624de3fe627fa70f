"""One thread, everything imported: the conditions under which time is charged."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


@contextmanager
def single_thread() -> Iterator[None]:
    """Run the body with one thread in torch and in the numerical libraries, and put back what was there.

    Small models gain nothing from more threads, idle threads burn CPU time that is charged, and sums come out in one
    order only, so that a seed determines a run.
    """
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def warm_up(*, exporter: bool = False, trees: bool = False) -> None:
    """Import what a run needs, so that the budget pays for work and not for loading libraries.

    Args:
        exporter: Whether a torch module will be exported, whose exporter takes seconds to load.
        trees: Whether LightGBM will grow trees where it is installed.
    """
    import onnx.helper
    import onnxruntime
    import pyarrow
    import sklearn.ensemble
    import sklearn.linear_model
    import torch

    assert all(module.__name__ for module in (onnx.helper, onnxruntime, pyarrow, sklearn.ensemble, torch))
    assert sklearn.linear_model.LogisticRegression
    network = torch.nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)
    network(torch.zeros(1, 2)).sum().backward()
    optimiser.step()
    if trees and find_spec("lightgbm") is not None:
        import lightgbm

        assert lightgbm.__name__
    if exporter:
        _load_exporter()


@functools.cache
def _load_exporter() -> None:
    import torch

    from efficienttrust.compression import ModuleScorer
    from efficienttrust.compression._graph import Graph
    from efficienttrust.compression._module_graph import add_module

    add_module(Graph(["rows"]), ModuleScorer(torch.nn.Linear(2, 1), (2,), 1, "linear"), "rows")
