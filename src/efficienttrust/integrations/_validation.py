"""Validation rows of somebody else as a `Problem`: dealt into what the policy sees, what calibrates, what certifies."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.data import Attribute, Domain, Encoder, Problem, Split
from efficienttrust.data._groups import intersections
from efficienttrust.errors import UsageError
from efficienttrust.integrations._batches import unpacked
from efficienttrust.integrations._groups import Codes, codes_of

DEALT = ("monitor", "calibrate", "certify")
PATTERN = np.array(
    [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
)  # rows of a stratum go in turn: 40 % monitor, 30 % each of the others
FEWEST = 30

Arrays = NDArray[Any] | Mapping[str, NDArray[Any]]


class Rows:
    """Rows that are no table: images, sequences, tokens, or several arrays by name; where a split keeps its pixels.

    Args:
        values: [n, ...] arrays.
    """

    def __init__(self, values: Arrays) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row; empty where it consists of several arrays."""
        return () if isinstance(self._values, Mapping) else tuple(self._values.shape[1:])

    def __getitem__(self, rows: Any) -> Any:
        """Return the rows at these positions."""
        return taken(self._values, rows)


def taken(values: Arrays, rows: Any) -> Any:
    """Return a selection of rows of an array, or of each of several."""
    return {name: one[rows] for name, one in values.items()} if isinstance(values, Mapping) else values[rows]


@dataclasses.dataclass(frozen=True, eq=False)
class Validation:
    """Validation rows in memory.

    Attributes:
        x: Inputs as arrays.
        y: [n] class codes.
        codes: Attribute -> group codes [n], -1 unknown.
    """

    x: Arrays
    y: NDArray[np.int64]
    codes: Mapping[str, Codes]

    def batch(self) -> tuple[Any, Tensor, Mapping[str, Codes] | None]:
        """Return these rows as one batch."""
        x: Any = self.x
        return x, torch.from_numpy(self.y), self.codes or None


def gathered(source: Any, key: str | None) -> Validation:
    """Read validation rows: one batch (x, y, groups) of tensors, or a loader of such batches.

    Args:
        source: Where from.
        key: Name under which the model takes its one tensor.

    Raises:
        UsageError: There are no rows, or rows that do not fit together.
    """
    whole = isinstance(source, Mapping) or (isinstance(source, tuple | list) and _is_batch(source))
    if not whole and not isinstance(source, Iterable):
        raise UsageError(f"validation is a {type(source).__name__}: give (x, y, groups), or a loader of such batches")
    batches = [unpacked(source)] if whole else [unpacked(batch) for batch in source]
    if not batches:
        raise UsageError("the validation loader is empty: it yields no batch")
    y = np.concatenate([np.atleast_1d(_array(labels)) for _, labels, _ in batches])
    inputs: list[Any] = [_inputs(x, key) for x, _, _ in batches]
    first: Any = inputs[0]
    several = isinstance(first, Mapping)
    x = {name: np.concatenate([one[name] for one in inputs]) for name in first} if several else np.concatenate(inputs)
    parts = [codes_of(groups, len(labels)) for _, labels, groups in batches]
    codes = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    classes = y.astype(np.int64)
    if y.ndim != 1 or not np.array_equal(classes, y) or classes.min() < 0:
        raise UsageError("labels of validation are not whole class numbers [rows] from 0: ATATS trains classifiers")
    return Validation(x, classes, codes)


def problem_of(
    rows: Validation, *, task: str, classes: int, domain: Domain | None, seed: int, test: Validation | None = None
) -> Problem:
    """Deal validation rows, in strata of label and group, and return them as a problem.

    There are no training rows in it: the monitor rows stand in for them, where calibration asks for rows whose labels
    it does not read; and without `test` the certify rows do for those.

    Args:
        rows: The rows.
        task: `binary` or `multiclass`.
        classes: Number of classes.
        domain: What a perturbation of a table may change; None for everything else.
        seed: Seed of the dealing.
        test: Rows for point estimates.

    Raises:
        UsageError: Too few rows, or labels that the model has no logit for.
    """
    import pandas as pd

    n = len(rows.y)
    if n < FEWEST:
        raise UsageError(
            f"validation has {n} rows, which monitor, calibrate and certify must share: give {FEWEST} or more"
        )
    for part in (rows, test):
        if part is not None and int(part.y.max()) >= classes:
            raise UsageError(f"a label is {int(part.y.max())}, the model knows the classes 0 to {classes - 1}")
    sizes = group_sizes(rows)
    attributes = {name: Attribute(name, tuple(map(str, range(size)))) for name, size in sizes.items()}
    groups, names = intersections(attributes, rows.codes, n)
    dealt = _dealt(rows.y, groups, seed)
    label_type = np.int8 if task == "binary" else np.int64
    table = domain is not None

    def split(part: Validation, chosen: NDArray[np.int64], mixed: Codes) -> Split:
        x = taken(part.x, chosen)
        return Split(
            x=np.asarray(x, np.float32) if table else np.zeros((len(chosen), 0), np.float32),
            y=part.y[chosen].astype(label_type),
            groups=mixed[chosen],
            codes={name: codes[chosen] for name, codes in part.codes.items()},
            weight=None,
            rows=chosen,
            pixels=None if table else Rows(x),  # type: ignore[arg-type]  # read by position and shape alone
        )

    splits = {name: split(rows, chosen, groups) for name, chosen in dealt.items()}
    splits["train"], splits["test"] = splits["monitor"], splits["certify"]
    if test is not None:
        known = _known(test, sizes)
        splits["test"] = split(
            known, np.arange(len(known.y)), _dense(known, sizes, _lookup(sizes, [(rows.codes, groups)]))
        )
    width = splits["train"].x.shape[1]
    return Problem(
        name="your own loop", source="<loader>", task=task, label="label", positive="1", negative="0", columns=(),
        sensitive=tuple(sizes), attributes=attributes, group_names=names, encoder=Encoder((), ()),
        domain=fixed_domain(0) if domain is None else widened(domain, width), splits=splits, inputs=pd.DataFrame(),
        notes=(), card=None, fingerprint=_fingerprint(rows), settings={}, preparation={},
        classes=tuple(map(str, range(classes))),
    )  # fmt: skip


def group_sizes(rows: Validation) -> dict[str, int]:
    """Return attribute -> number of its codes."""
    return {name: int(codes.max()) + 1 for name, codes in rows.codes.items() if codes.max() >= 0}


def dense_codes(problem: Problem) -> dict[str, Codes]:
    """Return attribute ("" for the intersections) -> dense group of each of its (mixed) codes, -1 without rows."""
    sizes = {name: len(names) for name, names in problem.attribute_names.items()}
    found = {name: np.arange(size, dtype=np.int64) for name, size in sizes.items()}
    parts = [problem.splits[name] for name in DEALT]
    return {"": _lookup(sizes, [(part.codes, part.groups) for part in parts]), **found}


def fixed_domain(width: int) -> Domain:
    """Return the domain of rows of a table in which nothing may move."""
    none = np.zeros(width, np.float32)
    return Domain(none, none, none, none.astype(bool), np.full(width, -1, np.int64), (), width)


def table_domain(x: Any, movable: Sequence[int] | None = None) -> Domain:
    """Return what a perturbation may change in rows of a table as they stand: columns of numbers, between their ends.

    The radius `eps` of an attack is in the unit of the columns: standardise them to have it in standard deviations.

    Args:
        x: [n, d] training rows.
        movable: Columns that may move; None lets all of them.

    Raises:
        UsageError: x are no rows of numbers, or there is no such column.
    """
    rows = np.asarray(_array(x), np.float32)
    if rows.ndim != 2 or not len(rows):
        raise UsageError(f"a domain needs rows [n, d] of numbers, got an array of shape {list(rows.shape)}")
    width = rows.shape[1]
    chosen = range(width) if movable is None else movable
    if any(not 0 <= column < width for column in chosen):
        raise UsageError(f"movable columns {list(chosen)}: the rows have the columns 0 to {width - 1}")
    mutable = np.isin(np.arange(width), np.array(chosen, dtype=int))
    return dataclasses.replace(fixed_domain(width), lower=rows.min(axis=0), upper=rows.max(axis=0), mutable=mutable)


def unit_domain(width: int) -> Domain:
    """Return the domain of flat rows of pixels: every cell may move in [0, 1]."""
    zeros, ones = np.zeros(width, np.float32), np.ones(width, np.float32)
    return dataclasses.replace(fixed_domain(width), lower=zeros, upper=ones, mutable=ones.astype(bool))


def widened(domain: Domain, width: int) -> Domain:
    """Return the same domain with the columns that are not numeric counted as numeric ones that may not move.

    Then a point under attack is a whole row, which a model of somebody else can be asked about.
    """
    if domain.n_features != width:
        raise UsageError(f"the domain describes rows of {domain.n_features} features, these have {width}")
    more = width - len(domain.lower)

    def longer(values: NDArray[Any], fill: Any) -> NDArray[Any]:
        return np.concatenate([values, np.full(more, fill, values.dtype)])

    relations = domain.relations
    if relations is not None:
        relations = (np.pad(relations[0], ((0, 0), (0, more))), relations[1], relations[2])
    return dataclasses.replace(
        domain, lower=longer(domain.lower, 0), upper=longer(domain.upper, 0), step=longer(domain.step, 0),
        mutable=longer(domain.mutable, False), indicator=longer(domain.indicator, -1), relations=relations,
    )  # fmt: skip


def _dealt(y: NDArray[np.int64], groups: Codes, seed: int) -> dict[str, NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort((groups * (y.max() + 1) + y)[order], kind="stable")]
    turn = PATTERN[np.arange(len(y)) % len(PATTERN)]
    return {name: np.sort(order[turn == k]) for k, name in enumerate(DEALT)}


def _known(test: Validation, sizes: Mapping[str, int]) -> Validation:
    """Return test rows with codes of the same attributes; one that validation lacks is unknown."""
    n = len(test.y)
    unknown = np.full(n, -1, np.int64)
    codes = {
        name: np.where(test.codes.get(name, unknown) < size, test.codes.get(name, unknown), -1)
        for name, size in sizes.items()
    }
    return dataclasses.replace(test, codes=codes)


def _dense(test: Validation, sizes: Mapping[str, int], lookup: Codes) -> Codes:
    """Return the intersections of test rows by the codes that those of validation have."""
    mixed, known = _mix(test.codes, sizes, len(test.y))
    return np.where(known, lookup[np.where(known, mixed, 0)], -1)


def _mix(codes: Mapping[str, Codes], sizes: Mapping[str, int], n: int) -> tuple[Codes, NDArray[np.bool_]]:
    """Return the mixed code of every row, and where all attributes are known."""
    mixed, known = np.zeros(n, np.int64), np.ones(n, bool)
    for name, size in sizes.items():
        mixed = mixed * size + codes[name]
        known &= codes[name] >= 0
    return mixed, known


def _lookup(sizes: Mapping[str, int], parts: Sequence[tuple[Mapping[str, Codes], Codes]]) -> Codes:
    """Return the dense code of each mixed code, -1 where it has no rows."""
    lookup = np.full(int(np.prod(list(sizes.values()) or [1])), -1, dtype=np.int64)
    for codes, groups in parts:
        mixed, known = _mix(codes, sizes, len(groups))
        lookup[mixed[known]] = groups[known]
    return lookup


def _fingerprint(rows: Validation) -> str:
    return hashlib.sha256(rows.y.tobytes()).hexdigest()


def _is_batch(source: Any) -> bool:
    return len(source) in (2, 3) and isinstance(source[1], Tensor | np.ndarray)


def _inputs(x: Any, key: str | None) -> Arrays:
    if isinstance(x, Mapping):
        named = {name: _array(one) for name, one in x.items()}
        return named[key] if key is not None and len(named) == 1 else named
    return _array(x)


def _array(values: Any) -> NDArray[Any]:
    found = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else torch.as_tensor(values))
    return found.astype(np.float32) if found.dtype.kind == "f" else found
