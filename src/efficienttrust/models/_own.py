"""A user's own network, `module:function`: found, called, and held to answer with logits.

Whatever goes wrong in the user's code becomes one line with the name of the network, the exception, and the place.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.errors import EfficientTrustError, UsageError, did_you_mean
from efficienttrust.models._network import Inputs, Network

OURS = str(Path(__file__).parents[1])
LIBRARIES = (OURS, *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")), "<")
TRACING = ("torch._", "torch.fx")  # exceptions of torch's compiler and exporter, who have a word of their own for them


def own_network(name: str) -> Network:
    """Return the network that a function `package.module:function` of the user makes.

    Raises:
        UsageError: There is no such module or function, or importing the module fails.
    """
    module_name, _, function_name = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as for `python -m`: the user's own files come first
    if not module_name.strip(".") or not function_name.isidentifier():
        raise UsageError(f"model {name!r} is not of the form module:function")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's file does while it is imported
        raise UsageError(f"model {name}: {module_name} cannot be imported here ({_text_of(error)})") from error
    if not hasattr(module, function_name):
        functions = [known for known, thing in vars(module).items() if callable(thing)]
        raise UsageError(
            f"model {name}: {module_name} has no function {function_name}.{did_you_mean(function_name, functions)}"
        )
    function = getattr(module, function_name)
    if not callable(function):
        raise UsageError(
            f"model {name}: {function_name} is of type {type(function).__name__}, not a function; name a function of "
            "(inputs, outputs) that returns a torch.nn.Module"
        )
    return Network(
        name, ("table", "sequence", "image"), f"own network {name}", functools.partial(_make, name, function)
    )


@contextmanager
def named_failures(network: str, what: str, code: Any = None) -> Iterator[None]:
    """Turn what a user's code raises into a `UsageError` of one line; networks of ours are left alone.

    Args:
        network: Name of the network.
        what: What fails, e.g. `the backward pass`.
        code: What to name the place of where the exception came from no line of the user's.

    Raises:
        UsageError: The user's code raised something.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if ":" not in network or _has_a_word_of_its_own(error):
            raise
        raise _failure(network, what, error, code) from error


class OwnNetwork(nn.Module):
    """A user's module, whose failures are named and whose answers are checked.

    A single logit may be a column [n, 1], as most write it.

    Args:
        name: Name of the network.
        module: The user's module.
        outputs: Number of logits.
    """

    def __init__(self, name: str, module: nn.Module, outputs: int) -> None:
        super().__init__()
        self.name, self.outputs = name, outputs
        self.module = module

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows [n, *shape] to logits [n, outputs], or [n] for one output."""
        try:  # not `named_failures`: torch.compile reads this as it stands
            z = self.module(rows)
        except (Exception, SystemExit) as error:
            if _has_a_word_of_its_own(error):
                raise
            raise _failure(self.name, "the forward pass", error, type(self.module).forward) from error
        if not isinstance(z, Tensor):
            raise UsageError(f"model {self.name} answers with a {type(z).__name__}, not with a tensor of logits")
        if self.outputs == 1 and z.ndim == 2:
            z = z.squeeze(1)
        if z.ndim != (1 if self.outputs == 1 else 2) or (self.outputs > 1 and z.shape[1] != self.outputs):
            wanted = "[n] or [n, 1]" if self.outputs == 1 else f"[n, {self.outputs}]"
            raise UsageError(
                f"model {self.name} answers {rows.shape[0]} rows with a tensor of shape {list(z.shape)}, "
                f"not {wanted} logits"
            )
        return z


def _make(name: str, function: Callable[..., Any], inputs: Inputs, outputs: int) -> nn.Module:
    """Call the user's function, and refuse what cannot be trained: no module, no parameters, no logits."""
    with named_failures(name, "making it", function):
        made = function(inputs, outputs)
    if not isinstance(made, nn.Module):
        raise UsageError(f"model {name} returns a {type(made).__name__}, not a torch.nn.Module")
    module, learning = OwnNetwork(name, made, outputs), made.training
    with torch.enable_grad():
        z = module.eval()(torch.zeros(2, *inputs.shape))
    module.train(learning)
    if len(z) != 2:
        raise UsageError(
            f"model {name} answers 2 rows with a tensor of shape {list(z.shape)}: give each row its logits"
        )
    if not z.is_floating_point():
        raise UsageError(f"model {name} answers with {str(z.dtype).removeprefix('torch.')}, not with float logits")
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise UsageError(f"model {name} has no parameter that can be trained; make its layers attributes of the module")
    if not z.requires_grad:
        raise UsageError(
            f"model {name}: no gradient reaches its parameters; write the forward pass in torch operations, without "
            "detach, no_grad and numpy"
        )
    return module


def _failure(name: str, what: str, error: BaseException, code: Any) -> UsageError:
    place = _place(error, code)
    return UsageError(
        f"model {name}: {what} fails with {_text_of(error)}{f' ({place})' if place else ''}; mend it there"
    )


def _has_a_word_of_its_own(error: BaseException) -> bool:
    return isinstance(error, EfficientTrustError) or type(error).__module__.startswith(TRACING)


def _text_of(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, code: Any) -> str:
    """Return `file:line` of the last line of the user's that the exception came through, or of the code itself."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
    if users:
        file, line = users[-1].filename, users[-1].lineno
    else:
        try:
            file, line = str(inspect.getsourcefile(code)), inspect.getsourcelines(code)[1]
        except (TypeError, OSError):  # built in, or written nowhere
            return ""
    path = Path(file)
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{line}"
