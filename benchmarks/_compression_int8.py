"""Our int8 networks against the same networks exported by torch and quantised by hand with onnxruntime."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from efficienttrust.compression import ModuleScorer, NetworkScorer
from efficienttrust.compression._core import core_of
from efficienttrust.compression._sessions import open_session
from efficienttrust.compression.quantisation import parse_quantisation, quantise
from efficienttrust.models import Inputs, build_mlp, make_network

AIM = 1.05
ABOUT = (
    "Each network with random weights, exported by `torch.onnx.export` and quantised by `quantize_static` (QDQ, U8S8, "
    "per channel) or `quantize_dynamic` (per channel) after `quant_pre_process`, against `--quantize int8` (static; "
    "dynamic where a network is recurrent). Ratios ours / by hand; median of interleaved calls, CPU clock. The aim is "
    f"at most {AIM}, by the same method. A dynamic file scales activations by the batch that a row happens to lie in, "
    "so that its answer depends on its neighbours: we take that only where there is no static kernel."
)
STEPS, CHANNELS = 24, 6
CALIBRATION = 256
OPSET = 18
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Case:
    """A network with random weights: bytes and speed do not depend on them.

    Attributes:
        name: Its name.
        scorer: As we hold it.
        module: As torch holds it.
        rows: Rows to calibrate and to time by.
        calls: Timed calls of one row.
    """

    name: str
    scorer: NetworkScorer | ModuleScorer
    module: nn.Module
    rows: Rows
    calls: int


def run(quick: bool) -> list[str]:
    """Return the table."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    lines = [
        ABOUT,
        "",
        "| network | by hand | bytes | latency, batch 1 | latency, batch 256 | float / ours, batch 1 | same method |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in cases(quick):
        ours = quantise(case.scorer, parse_quantisation("int8"), case.rows[:CALIBRATION])
        hands = by_hand(case)
        sessions = [open_session(one, case.name) for one in (core_of(case.scorer), ours.core, *hands.values())]
        single = in_turns(sessions, case.rows[:1], case.calls)
        many = in_turns(sessions, case.rows[:256], 3 if quick else 12)
        for index, (method, content) in enumerate(hands.items(), start=2):
            same = method == "static" or case.name == "LSTM"
            lines.append(
                f"| {case.name} | {method}, {len(content):,} bytes | {len(ours.core) / len(content):.2f} | "
                f"{single[1] / single[index]:.2f} | {many[1] / many[index]:.2f} | {single[0] / single[1]:.2f} | "
                f"{'yes' if same else 'no'} |"
            )
    return lines


def cases(quick: bool) -> Iterator[Case]:
    """Yield the networks."""
    rng = np.random.default_rng(0)
    mlp = build_mlp(n_features=108, widths=(256, 128), seed=0).eval()
    table = rng.normal(size=(512, 108)).astype(np.float32)
    calls = 100 if quick else 2000
    yield Case("MLP 108-256-128", NetworkScorer(mlp.layers()), mlp, table, calls)
    images = Inputs("image", (3, 32, 32))
    pictures = rng.random((512, 3, 32, 32)).astype(np.float32)
    yield _module("resnet20", "ResNet-20", images, 10, pictures, calls // 10)
    cells = STEPS * CHANNELS
    grid = np.arange(cells).reshape(STEPS, CHANNELS)
    hours = Inputs("table", (cells + 4,), cells + 4, np.full(cells + 4, -1), (), grid)
    series = rng.normal(size=(512, cells + 4)).astype(np.float32)
    yield _module("lstm", "LSTM", hours, 1, series, calls // 4)
    yield _module("time_transformer", "Transformer", hours, 1, series, calls // 4)


def _module(name: str, title: str, inputs: Inputs, outputs: int, rows: Rows, calls: int) -> Case:
    module = make_network(name, inputs, outputs, seed=0).eval()
    return Case(title, ModuleScorer(module, inputs.shape, outputs, name), module, rows, calls)


class _Reader(CalibrationDataReader):
    def __init__(self, rows: Rows) -> None:
        self._parts = iter([{"rows": rows[start : start + 64]} for start in range(0, len(rows), 64)])

    def get_next(self) -> dict[str, Rows] | None:
        return next(self._parts, None)


def by_hand(case: Case) -> dict[str, bytes]:
    """Export and quantise a network as the documentation of onnxruntime says."""
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exported, ready, made = (folder / f"{step}.onnx" for step in ("exported", "ready", "made"))
        torch.onnx.export(
            case.module, (torch.from_numpy(case.rows[:2]),), exported, input_names=["rows"], output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("N")},), opset_version=OPSET, dynamo=True, external_data=False,
            verbose=False,
        )  # fmt: skip
        quant_pre_process(str(exported), str(ready), skip_symbolic_shape=True)
        if case.name != "LSTM":  # which has no static kernel
            quantize_static(
                str(ready), str(made), _Reader(case.rows[:CALIBRATION]), quant_format=QuantFormat.QDQ,
                per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
            found["static"] = made.read_bytes()
        if case.name != "ResNet-20":  # which onnxruntime advises against, for convolutions
            quantize_dynamic(str(ready), str(made), per_channel=True)
            found["dynamic"] = made.read_bytes()
    return found


def in_turns(sessions: Sequence[Any], rows: Rows, calls: int) -> list[float]:
    """Return the median CPU seconds of a call of each session; they take turns."""
    timed: list[list[float]] = [[] for _ in sessions]

    for turn in range(calls + max(calls // 20, 2)):
        for index, session in enumerate(sessions):
            before = time.thread_time()
            session.run(None, {"rows": rows})
            if turn >= max(calls // 20, 2):
                timed[index].append(time.thread_time() - before)
    return [float(np.median(column)) for column in timed]
