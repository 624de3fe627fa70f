"""Turns a trained network into one of whole numbers, and verifies what came out."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._core import core_of
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._scorers import NetworkScorer
from efficienttrust.compression._sessions import open_session
from efficienttrust.compression.quantisation._quantisation import quantisations
from efficienttrust.compression.quantisation._step import QuantiseStep
from efficienttrust.compression.quantisation._verify import verify_quantised
from efficienttrust.errors import UsageError

FEWEST_ROWS = 32  # by which the ranges of activations can be measured
BATCH, ALONE = 256, 32  # rows of a batch, and how many of them are also asked one by one


def quantise(
    scorer: NetworkScorer | ModuleScorer, step: QuantiseStep, calibration: NDArray[np.float32]
) -> QuantisedScorer:
    """Quantise a network by a real method.

    Args:
        scorer: The trained network.
        step: A real quantisation.
        calibration: Rows [m, *shape], by which the ranges of activations are measured; they belong to no split on which
            the model is calibrated, certified or tested.

    Raises:
        UsageError: Too few rows; or nothing, or next to nothing, became whole numbers.
    """
    method = quantisations.get(step.method)
    if method.convert is None:
        raise ValueError(f"{step.text} is simulated: there is nothing to convert")
    if method.calibrated and len(calibration) < FEWEST_ROWS:
        raise UsageError(
            f"--quantize {step.text}: {len(calibration)} training rows are too few to measure the ranges of "
            f"activations by, it takes {FEWEST_ROWS}; give more rows, or weights:{step.bits}, which needs none"
        )
    before = core_of(scorer)
    with _quiet():
        model = method.convert(prepared(before), np.ascontiguousarray(calibration, dtype=np.float32), step.options)
    content: bytes = model.SerializeToString(deterministic=True)
    facts = verify_quantised(before, content, step)
    facts["calibration_rows"] = len(calibration)
    dependence = _batch_dependence(content, calibration)
    facts |= {**dependence, "notes": [*facts["notes"], *dependence["notes"]]}
    return QuantisedScorer(scorer, content, method.name, step.bits, facts)


def prepared(core: bytes) -> Any:
    """Return a core with shapes inferred and operators fused; without that quantisers pass over recurrent layers."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="efficienttrust-") as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "prepared.onnx"
        source.write_bytes(core)
        # Symbolic shapes need no inference here: the batch is the only one, and the tool asks for sympy.
        quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
        return onnx.load_model(target)


def _batch_dependence(content: bytes, rows: NDArray[np.float32]) -> dict[str, Any]:
    """Return how far a row's answer depends on the rows that it is asked with.

    Dynamic methods scale activations by the largest of the whole call, so that it does.
    """
    session = open_session(content, "the quantised network")
    batch = rows[:BATCH]
    together = session.run(None, {"rows": batch})[0][:ALONE]
    alone = np.concatenate([session.run(None, {"rows": batch[k : k + 1]})[0] for k in range(len(together))])
    largest = float(np.abs(together - alone).max(initial=0.0))
    one = together.shape[1] == 1
    flips = (together > 0) != (alone > 0) if one else (together.argmax(1) != alone.argmax(1))[:, None]
    found: dict[str, Any] = {"batch_dependence": largest, "batch_flips": float(np.mean(flips)), "notes": []}
    if largest > 1e-4 * max(1.0, float(np.ptp(together))):
        found["notes"].append(
            f"a row's answer depends on the rows that it is asked with: alone and among {len(batch)} its logit differs "
            f"by up to {largest:.2g}; figures are of calls of many rows"
        )
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the quantiser says of itself from the user."""
    root = logging.getLogger()
    before, handlers, level = root.manager.disable, root.handlers[:], root.level
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        root.handlers[:] = handlers  # a warning of the quantiser gives the root logger one, as nobody else did
        root.setLevel(level)
