"""Reading estimators from disk: skops without running code, pickles only when the user vouches for them."""

from __future__ import annotations

import pickle
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError

PICKLES = (".joblib", ".pkl", ".pickle")
SKOPS = ".skops"


def load_estimator(path: Path, *, trust_pickle: bool) -> tuple[Any, tuple[str, ...]]:
    """Return (estimator, notes) from a file.

    Args:
        path: `.joblib`, `.pkl`, `.pickle` or `.skops`.
        trust_pickle: Whether the user vouches for who made the file.

    Raises:
        UsageError: A pickle without trust, with the reason; a file that cannot be read.
    """
    if path.suffix.lower() == SKOPS:
        return _load_skops(path, trust_pickle), ()
    if not trust_pickle:
        raise UsageError(
            f"{path} is a pickle: loading it runs whatever code its maker put into it. Add --trust-pickle if you "
            "trust that maker, or export the model to ONNX or skops"
        )
    import joblib

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = joblib.load(path)
        except (
            pickle.UnpicklingError, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError,
            ImportError, zlib.error,
        ) as error:  # fmt: skip
            raise UsageError(f"{path} is not a pickle that can be read here: {_line(error)}") from error
    said = dict.fromkeys(_line(one.message) for one in caught)
    return estimator, tuple(f"loading {path.name} warned: {text}" for text in said)


def _load_skops(path: Path, trust: bool) -> Any:
    try:
        from skops import io
    except ImportError:
        raise UsageError(f"{path} needs the package skops: pip install skops") from None
    try:
        unknown = io.get_untrusted_types(file=path)
        if unknown and not trust:
            raise UsageError(
                f"{path} holds types that may run code when loaded: {', '.join(sorted(unknown)[:4])}. Add "
                "--trust-pickle if you trust its maker"
            )
        return io.load(path, trusted=unknown)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is not a skops file that can be read here: {_line(error)}") from error


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
