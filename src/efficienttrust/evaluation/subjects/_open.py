"""`open_subject`: from whatever names or is a model to a `Subject`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from efficienttrust.compression._export import FORMAT_KEY
from efficienttrust.compression._images import FORMAT_KEY as IMAGES_KEY
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.subjects._layouts import WISHES, Wish
from efficienttrust.evaluation.subjects._pickles import PICKLES, SKOPS, load_estimator
from efficienttrust.evaluation.subjects._rows import Rows
from efficienttrust.evaluation.subjects._subject import Subject

WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
KNOWN = "an .onnx, .joblib, .pkl or .skops file, `module:function` of a torch model, or the folder of a run"


def open_subject(
    model: Any, rows: Rows, *, weights: Path | None = None, trust_pickle: bool = False, inputs: Wish = "auto"
) -> Subject:
    """Open a model to audit it on rows.

    Args:
        model: Path of an ONNX file or of an estimator, `module:function` of a torch model; or in Python a fitted
            estimator, a `torch.nn.Module`, or a callable from a frame (or images) to scores. (Runs are opened by
            `open_deployed`.)
        rows: What it is audited on.
        weights: Parameters of a torch model.
        trust_pickle: Load pickles, which runs code from the file.
        inputs: `raw` or `encoded` where a table could be fed either way.

    Raises:
        UsageError: It is no model, cannot be loaded, or does not fit the rows; one line.
    """
    if inputs not in WISHES:
        raise UsageError(f"inputs {inputs!r} is unknown: choose auto, raw or encoded")
    if not isinstance(model, str | Path):
        return _open_object(model, rows, inputs)
    text, path = str(model), Path(model).expanduser()
    suffix = path.suffix.lower()
    if weights is not None and (":" not in text or path.exists()):
        raise UsageError(f"--weights belong to a torch model `module:function`; {text} has its own")
    if path.exists():
        return _open_file(path, suffix, rows, trust_pickle, inputs)
    if ":" in text and not suffix.endswith((*PICKLES, ".onnx")):
        from efficienttrust.evaluation.subjects._torch import find_module, open_torch

        module, size, notes = find_module(text, weights)
        return open_torch(
            module, rows, inputs, name=text.replace(":", "."), source=text, size_bytes=size, built=True, notes=notes
        )
    folder = path.parent
    siblings = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    raise UsageError(f"there is no model {text}.{did_you_mean(path.name, siblings) if siblings else ''} Give {KNOWN}")


def _open_file(path: Path, suffix: str, rows: Rows, trust_pickle: bool, inputs: Wish) -> Subject:
    if suffix == ".onnx":
        from efficienttrust.evaluation.subjects._deployed import open_deployed
        from efficienttrust.evaluation.subjects._onnx import open_onnx, open_session

        said = open_session(path).get_modelmeta().custom_metadata_map
        if FORMAT_KEY in said or IMAGES_KEY in said:
            return open_deployed(path, rows, name=path.stem, source=str(path))
        return open_onnx(path, rows, inputs)
    if suffix in (*PICKLES, SKOPS):
        from efficienttrust.evaluation.subjects._sklearn import open_sklearn

        estimator, notes = load_estimator(path, trust_pickle=trust_pickle)
        size = path.stat().st_size
        return open_sklearn(estimator, rows, inputs, name=path.stem, source=str(path), size_bytes=size, notes=notes)
    if suffix in WEIGHTS:
        raise UsageError(
            f"{path} holds weights without the model: give `module:function` that builds it, and --weights {path}"
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder but not a run (it has no run.json): give {KNOWN}")
    raise UsageError(f"{path} is not a model that can be audited: give {KNOWN}")


def _open_object(model: Any, rows: Rows, inputs: Wish) -> Subject:
    import copy
    import sys

    torch = sys.modules.get("torch")  # whoever has a module has imported it
    if torch is not None and isinstance(model, torch.nn.Module):
        from efficienttrust.evaluation.subjects._torch import open_torch

        name = type(model).__name__
        return open_torch(copy.deepcopy(model), rows, inputs, name=name, source=f"<{name}>")
    from efficienttrust.evaluation.subjects._callable import open_callable
    from efficienttrust.evaluation.subjects._sklearn import is_estimator, open_sklearn

    if is_estimator(model):
        return open_sklearn(model, rows, inputs, name=type(model).__name__, source=f"<{type(model).__name__}>")
    if callable(model) and not isinstance(model, type):
        return open_callable(model, rows, inputs)
    raise UsageError(f"a {type(model).__name__} is no model: give a fitted estimator, a torch.nn.Module or a function")
