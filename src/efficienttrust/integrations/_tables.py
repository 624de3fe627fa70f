"""Arrays and frames in memory as the one table that `load_problem` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import read_table
from efficienttrust.data._text import cell_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Table:
    """Everything that one training reads, as columns with names of their own.

    Attributes:
        frame: Inputs, then sensitive columns, the label, and the weights where there are any; [n] rows from 0.
        inputs: Name of each column of X to what it is called here, in the order of X.
        sensitive: Names of the sensitive columns.
        label: Name of the label column.
        weight: Name of the column of weights, or None.
        classes: [K] the classes in their own type, sorted.
        texts: The text that stands for each class.
    """

    frame: pd.DataFrame
    inputs: Mapping[str, str]
    sensitive: tuple[str, ...]
    label: str
    weight: str | None
    classes: NDArray[Any]
    texts: tuple[str, ...]


def join(
    inputs: pd.DataFrame,
    sensitive: pd.DataFrame | None,
    codes: NDArray[np.signedinteger[Any]],
    classes: NDArray[Any],
    weight: NDArray[np.float64] | None,
    label: str,
) -> Table:
    """Put inputs, groups, labels and weights beside each other, under names that all differ.

    An input that is called like a sensitive column becomes `NAME (input)`, as targets name groups by their column.

    Args:
        inputs: [n] rows of inputs.
        sensitive: [n] rows of sensitive columns, or None.
        codes: [n] labels as codes into the classes.
        classes: [K] the classes.
        weight: [n] weights, or None.
        label: What the label is called, unless another column is called so.
    """
    import pandas as pd

    groups = pd.DataFrame(index=inputs.index) if sensitive is None else sensitive
    taken = set(groups.columns)
    names = {name: _free(name, taken, " (input)") for name in inputs.columns}
    texts = _texts(classes.tolist())
    columns: dict[str, Any] = {called: inputs[name] for name, called in names.items()}
    columns |= {name: groups[name] for name in groups.columns}
    label = _free(label, taken, " (label)")
    columns[label] = pd.Categorical.from_codes(codes, categories=pd.Index(list(texts)))
    weighted = None if weight is None else _free("sample_weight", taken, " (weight)")
    if weighted is not None:
        columns[weighted] = weight
    return Table(pd.DataFrame(columns), names, tuple(groups.columns), label, weighted, classes, texts)


def is_frame(values: object) -> bool:
    """Return whether values are a pandas or polars frame."""
    return hasattr(values, "columns") and hasattr(values, "dtypes")


def inputs_frame(values: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return inputs as a frame with rows from 0; unnamed columns are called x0, x1 and so on.

    Args:
        values: Frame or array, [n, d].
        names: What to call the columns, whatever they were called.
    """
    table = read_table(values) if is_frame(values) else _from_array(values, "x")
    if names is not None:
        table = table.set_axis(list(names), axis=1)
    return table


def sensitive_frame(values: Any) -> pd.DataFrame:
    """Return sensitive features as a frame with rows from 0; unnamed ones are called as fairlearn calls them.

    Args:
        values: Frame, named column, or array [n] or [n, k].
    """
    if is_frame(values):
        return read_table(values)
    name = getattr(values, "name", None)
    if hasattr(values, "to_frame") and name not in (None, ""):
        return read_table(values.to_frame())
    array = np.asarray(values)
    if array.ndim not in (1, 2):
        raise ValueError(f"sensitive_features has {array.ndim} dimensions: give one column, or several as a frame")
    return _from_array(array.reshape(len(array), -1), "sensitive_feature_")


def _from_array(array: NDArray[Any], stem: str) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(array, columns=pd.Index([f"{stem}{k}" for k in range(array.shape[1])], dtype=object))
    return table.infer_objects() if array.dtype == object else table


def _free(name: str, taken: set[str], mark: str) -> str:
    """Return a name that is not taken, and take it."""
    while name in taken:
        name += mark
    taken.add(name)
    return name


def _texts(classes: Iterable[Any]) -> tuple[str, ...]:
    """Return a text for each class: its own, unless these cannot be told apart once blanks are stripped."""
    found = [cell_text(one) for one in classes]
    texts: Mapping[str | None, None] = dict.fromkeys(found)
    if None in texts or len(texts) < len(found):
        return tuple(f"class {place}" for place in range(len(found)))
    return tuple(str(text) for text in found)
