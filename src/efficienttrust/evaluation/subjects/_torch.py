"""torch modules: found as `module:function`, filled from safetensors, put into evaluation mode, read as they are."""

from __future__ import annotations

import importlib
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.evaluation.subjects._build import build_subject, read_outputs
from efficienttrust.evaluation.subjects._layouts import Layout, Wish, matrix_layout
from efficienttrust.evaluation.subjects._outputs import Raw, Reading
from efficienttrust.evaluation.subjects._rows import Inputs, Rows
from efficienttrust.evaluation.subjects._subject import Check, Subject
from efficienttrust.evaluation.subjects._training_mode import answering_in_training, in_training

NEW = "built in training mode, as every new module is"
NESTED = ("state_dict", "model_state_dict", "model", "net")


@dataclass(frozen=True, eq=False)
class TorchModel:
    """A module that runs on the CPU without gradients.

    Attributes:
        module: In evaluation mode.
        layout: What it is fed.
    """

    module: nn.Module
    layout: Layout

    def prepare(self, inputs: Inputs) -> Tensor:
        """Return float32 rows or images."""
        return torch.from_numpy(np.ascontiguousarray(self.layout.matrix(inputs), dtype=np.float32))

    def run(self, prepared: Tensor) -> Raw:
        """Return the module's output as an array."""
        try:
            with torch.no_grad():
                said = self.module(prepared)
        except Exception as error:  # shapes that do not fit, layers that refuse: whatever the module raises
            what = "images" if prepared.ndim == 4 else "rows"
            shape = ", ".join(["n", *map(str, prepared.shape[1:])])
            raise UsageError(
                f"the {what} of the data have the shape [{shape}], which {type(self.module).__name__} refused: "
                f"{shorten(str(error))}"
            ) from error
        return Raw(tensor_of(said).float().numpy())


def shorten(text: str, most: int = 120) -> str:
    """Return a message in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def open_torch(
    module: nn.Module,
    rows: Rows,
    wish: Wish,
    *,
    name: str,
    source: str,
    size_bytes: int | None = None,
    built: bool = False,
    notes: tuple[str, ...] = (),
) -> Subject:
    """Open a module, which is put into evaluation mode.

    Args:
        module: The module.
        rows: What it is audited on.
        wish: `raw` or `encoded` where a table could be fed either way.
        name: Short name.
        source: Where it came from.
        size_bytes: Bytes of its file; without one its parameters in memory are counted.
        built: Whether it was built a moment ago, and so is in training mode as every new module is.
        notes: What a reader must know.

    Raises:
        UsageError: Inputs or outputs do not fit the data.
    """
    left = in_training(module)
    module.eval()
    layout = _layout(module, rows, wish)
    model = TorchModel(module, layout)
    reading, forced = answering_in_training(module, lambda: read_outputs(model, rows))
    new = {"mode": f"{NEW}: put into evaluation mode"} if built and left else {}
    of_numbers = rows.task == "regression"
    parameters = sum(parameter.numel() for parameter in module.parameters())
    held = sum(value.numel() * value.element_size() for value in module.state_dict().values())
    return build_subject(
        model,
        rows,
        name=name,
        source=source,
        kind="torch",
        inputs=layout.text,
        encoded=layout.kind == "encoded",
        size_bytes=held if size_bytes is None else size_bytes,
        parameters=parameters,
        reading=reading,
        float_parent=None if of_numbers else Logits(module, reading),
        facts={"module": type(module).__name__, **new},
        checks=(_left_in_training([] if built else left, forced), *([] if of_numbers else [_softmax_inside(reading)])),
        notes=(*notes, layout.note, _grey_repeated(module, rows)),
        artefact=module,
    )


class Logits(nn.Module):
    """A module as attacks want it: logits [m, K] in the order of the data's classes, or margins [m] for two classes.

    Probabilities become their logarithms: exact, but where float32 has rounded a probability to 0 or 1 the gradient is
    lost, which `probabilities_instead_of_logits` warns of.

    Args:
        module: Gives logits or probabilities.
        reading: How its output is read.
    """

    def __init__(self, module: nn.Module, reading: Reading) -> None:
        super().__init__()
        self.module = module
        self._probabilities = reading.kind == "probabilities"
        self._binary = reading.n_classes == 2
        self._codes = list(reading.codes)
        self._tiny = torch.finfo(torch.float32).tiny

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [m, K], or margins [m] for two classes."""
        values = tensor_of(self.module(x))
        if values.ndim == 1:
            margin = self._log(values) - self._log(1 - values) if self._probabilities else values
            return margin if self._codes[1] == 1 else -margin
        logits = self._log(values) if self._probabilities else values
        ordered = logits[:, [self._codes.index(code) for code in range(len(self._codes))]]
        return ordered[:, 1] - ordered[:, 0] if self._binary else ordered

    def _log(self, p: Tensor) -> Tensor:
        return torch.log(p.clamp_min(self._tiny))


def tensor_of(said: Any) -> Tensor:
    """Return the tensor in what a module returns: itself, `.logits`, `["logits"]`, or the first of several."""
    if isinstance(said, dict):
        said = said.get("logits", next(iter(said.values()), None))
    elif hasattr(said, "logits"):
        said = said.logits
    elif isinstance(said, list | tuple) and said:
        said = said[0]
    if not isinstance(said, Tensor):
        raise UsageError(f"the module returns a {type(said).__name__}; a tensor of logits is needed")
    return said.squeeze(1) if said.ndim == 2 and said.shape[1] == 1 else said


def find_module(spec: str, weights: Path | None) -> tuple[nn.Module, int | None, tuple[str, ...]]:
    """Return (module, bytes of its weights on disk, notes) for `package.module:function`.

    Args:
        spec: Names a function that returns a module, a class of modules, or a module; looked for from the current
            folder too, as `python -m` does.
        weights: `.safetensors`, or `.pt`/`.pth` that hold tensors only.

    Raises:
        UsageError: It cannot be imported, is no module, or the weights do not fit.
    """
    place, _, name = spec.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = importlib.import_module(place)
    except Exception as error:  # the user's code may raise anything
        raise UsageError(f"cannot import {place!r}: {' '.join(str(error).split())[:200]}") from error
    finally:
        sys.path.remove(here)
    if not hasattr(found, name):
        raise unknown_name(f"name in {place}:", name, [known for known in vars(found) if not known.startswith("_")])
    thing = getattr(found, name)
    if not isinstance(thing, nn.Module):
        try:
            thing = thing()
        except Exception as error:
            raise UsageError(f"{spec} failed: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(thing, nn.Module):
        raise UsageError(f"{spec} returns a {type(thing).__name__}; a torch.nn.Module is needed")
    if weights is None:
        return thing, None, (f"no --weights: the parameters are those that {spec} sets",)
    notes = load_weights_into(thing, weights)
    return thing, weights.stat().st_size, notes


def load_weights_into(module: nn.Module, path: Path) -> tuple[str, ...]:
    """Fill a module from a file and return notes; nothing in the file is run.

    Raises:
        UsageError: The file holds more than tensors, is damaged, or does not fit the module.
    """
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    state, notes = _state(path), []
    for key in NESTED:
        if isinstance(state.get(key), dict):
            state = state[key]
            notes.append(f"weights were found under {key!r} in {path.name}")
            break
    if state and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    expected = module.state_dict()
    missing, surplus = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or surplus:
        parts = [f"lacks {_few(missing)}"] * bool(missing) + [f"has {_few(surplus)} too many"] * bool(surplus)
        raise UsageError(f"{path} does not fit {type(module).__name__}: it {' and '.join(parts)}")
    for key, value in expected.items():
        if tuple(value.shape) != tuple(getattr(state[key], "shape", ())):
            raise UsageError(
                f"{path} does not fit {type(module).__name__}: {key} has shape "
                f"{list(getattr(state[key], 'shape', ()))}, {list(value.shape)} is needed"
            )
    module.load_state_dict(state)
    return tuple(notes)


def _state(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise UsageError(f"{path} is not a safetensors file that can be read: {error}") from error
    if path.suffix.lower() not in (".pt", ".pth", ".bin"):
        raise UsageError(f"weights {path}: give a .safetensors file, or .pt with tensors only")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise UsageError(
            f"{path} is damaged or holds more than tensors, and loading that could run code: save the state_dict with "
            "safetensors.torch.save_file"
        ) from error
    if not isinstance(state, dict):
        raise UsageError(f"{path} holds a {type(state).__name__}; a state_dict is needed")
    return state


def _layout(module: nn.Module, rows: Rows, wish: Wish) -> Layout:
    if rows.kind == "image":
        return Layout("images", text=f"images [n, {', '.join(map(str, rows.inputs.shape[1:]))}] in [0, 1]")
    first = next((layer for layer in module.modules() if isinstance(layer, nn.Linear)), None)
    return matrix_layout(rows, None if first is None else first.in_features, wish, type(module).__name__)


def _grey_repeated(module: nn.Module, rows: Rows) -> str:
    """Return the note that a model of colours took grey images, by repeating the one channel, or an empty text."""
    first = next((layer for layer in module.modules() if isinstance(layer, nn.Conv2d)), None)
    if rows.kind != "image" or first is None or rows.inputs.shape[1] != 1 or first.in_channels == 1:
        return ""
    return (
        f"images are grey and the first convolution of {type(module).__name__} reads {first.in_channels} channels: "
        "the model repeats the one, as by a normalisation with one mean a colour"
    )


def _left_in_training(left: list[str], forced: list[str]) -> Check:
    """Return the check of the layers in training mode when handed over, and of those that `forward` puts into it."""
    active, found = left, "found in training mode"
    meaning = (
        "Dropout and batch normalisation were active as in training. The module was put into evaluation mode "
        "before anything was measured; deployed as it was handed over, it answers otherwise."
    )
    if forced:
        active, found = forced, "put into training mode by the module's own forward, whatever mode it is set to"
        meaning = (
            "Dropout or batch normalisation works as in training whatever is done: answers are random, or depend on "
            "the rows beside them and on what was asked before. Every figure here is of the module as it answers."
        )
    kinds = ", ".join(sorted(set(active)))
    return Check(
        name="train_mode_left_on",
        fired=bool(active),
        value=float(len(active)),
        threshold=0.0,
        meaning=meaning,
        detail=f"{len(active)} layers {found}: {kinds}" if active else "no layer was left in training mode",
    )


def _softmax_inside(reading: Reading) -> Check:
    inside = reading.kind == "probabilities"
    return Check(
        name="probabilities_instead_of_logits",
        fired=inside,
        value=None,
        threshold=None,
        meaning="A softmax or sigmoid at the end rounds confident rows to 0 and 1, where the gradient vanishes: an "
        "attack by gradient looks weaker than it is.",
        detail=f"outputs are {reading.facts.get('outputs', reading.kind)}",
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
