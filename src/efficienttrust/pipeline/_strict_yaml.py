"""Strict YAML files: reading with line numbers, and the text of every fault at its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import ErrorDetails

from efficienttrust.errors import UsageError, did_you_mean

Location = tuple[int | str, ...]
"""Keys and positions from the top of a document to a value; as pydantic gives it, with the tags of unions."""


class Strict(BaseModel):
    """Base of all parts of a file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(file: Path, *, states: str, keys: Iterable[str]) -> Mapping[str, Any]:
    """Return the mapping in a YAML file, with line numbers on its nodes.

    Args:
        file: The file.
        states: What such a file states, for the error where there is none: `data, budget and targets`.
        keys: The keys that it may have, for the error where it holds no mapping.

    Raises:
        UsageError: There is no such file, it is no text in UTF-8 or no YAML, or it holds no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = YAML().load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file; give a .yaml file that states {states}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not a text file in UTF-8") from None
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{file}{line}: not valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise UsageError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping):
        raise UsageError(f"{file}:1: give a mapping with the keys {', '.join(keys)}")
    return document


@contextmanager
def fault_of_the_field() -> Iterator[None]:
    """Turn a `UsageError` into the error that pydantic collects, so that several faults are reported at once."""
    try:
        yield
    except UsageError as error:
        raise ValueError(str(error)) from None


def path_of(loc: Location) -> Location:
    """Return a location without the tags, as `<text>`, by which the forms of a value are told apart."""
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith("<") and part.endswith(">")))


def line_of(document: Mapping[str, Any], path: Location) -> int:
    """Return the line, counted from 1, on which a value stands, or on which what should hold it stands."""
    line = 0
    node: Any = document
    for part in path:
        lines = node.lc.data if hasattr(node, "lc") else None
        if not lines or part not in lines:
            break
        line = lines[part][0]
        node = node[part]
    return line + 1


def text_of_fault(fault: ErrorDetails, part: type[BaseModel] | None) -> str:
    """Return what is wrong and what to do.

    Args:
        fault: As pydantic gives it.
        part: The model whose key the fault is about, where there is one.
    """
    path = path_of(fault["loc"])
    if fault["type"] == "extra_forbidden" and part is not None:
        return f"unknown key.{did_you_mean(str(path[-1]), part.model_fields)}"
    if fault["type"] == "missing" and part is not None:
        return f"missing; give {part.model_fields[str(path[-1])].description}"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    remedy = _REMEDIES.get(fault["type"], fault["msg"])
    return f"{remedy}, not {fault['input']!r}"


_REMEDIES = {
    "string_type": "give a text",
    "tuple_type": "give a list",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "greater_than_equal": "give 0 or more",
    "less_than_equal": "give 1 or less",
    "model_type": "give a mapping of keys and values",
}
