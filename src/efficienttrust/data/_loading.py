"""`load_problem`: from a source to a `Problem`, as one readable sequence."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import _checks as checks
from efficienttrust.data._bundled import DataSet, dataset_card, dataset_names, find_data_set
from efficienttrust.data._columns import Cells, read_inputs, shown_column
from efficienttrust.data._domain import domain_of
from efficienttrust.data._encoder import Encoder, fit_encoder
from efficienttrust.data._groups import attribute_of, intersections
from efficienttrust.data._identity import fingerprint, repeated_across
from efficienttrust.data._label import read_label
from efficienttrust.data._problem import Problem, Split
from efficienttrust.data._reading import SUFFIXES, place_of, read_table
from efficienttrust.data._relations import parse_relation
from efficienttrust.data._roles import Roles, names_of, read_time, read_unit, read_weight, refuse_bad_roles
from efficienttrust.data._splits import (
    SPLITS,
    Rows,
    bands,
    deal,
    deal_rest,
    refuse_few_numbers,
    refuse_few_rows,
    refuse_one_class,
    refuse_one_value,
)
from efficienttrust.data._stray_texts import refuse_stray_texts
from efficienttrust.data._text import cell_text, text_codes
from efficienttrust.data._time_bins import merged_bins
from efficienttrust.data.limitations import limit_loaded
from efficienttrust.errors import UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd


def load_problem(
    source: object,
    *,
    label: str | None = None,
    positive: object = None,
    task: str | None = None,
    sensitive: str | Sequence[str] = (),
    weight: str | None = None,
    split_column: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    use_sensitive_as_input: bool = False,
    immutable: str | Sequence[str] = (),
    relations: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    limitations: str | Sequence[str] = (),
    seed: int = 0,
    name: str | None = None,
) -> Problem:
    """Make a table ready to learn from.

    Args:
        source: Name of a data set, `NAME:PATH` for your copy of its official files, path of a `.csv`, `.csv.gz` or
            `.parquet` file, or a pandas or polars frame.
        label: Label column; data sets have a default.
        positive: The label value that counts as 1; needed where it is not obvious (1/0, yes/no, true/false, >x).
        task: `binary` (the default where the label has two values, or `positive` is given), `multiclass` (the default
            where it is text of 3 to 50 values), or `regression`: the label is a number to predict.
        sensitive: Sensitive columns, as a sequence or as `"a,b"`; data sets have a default. Without any, all rows
            are one group.
        weight: Column of sample weights, 0 or more.
        split_column: Column with the user's own splits: train and test at least; what is missing is cut out of
            validation or train.
        unit: Column whose equal values (one patient's rows) are never divided between splits; data sets of patients
            have a default.
        time: Column that orders the rows: the oldest are for training, the newest for the test.
        use_sensitive_as_input: Also use the sensitive columns as inputs.
        immutable: Columns that may not be perturbed.
        relations: Relations between numeric columns that a perturbed row has to satisfy, such as
            `"capital_gain >= capital_loss"`; sums of columns times factors.
        drop: Columns to leave out.
        limitations: What the data shall lack, such as `"label_noise(0.2)"` (see `efficienttrust.data.limitations`).
        seed: Seed of the splits and of the limitations.
        name: Name of the problem; by default that of the source.

    Returns:
        The problem. Unless it came from a frame, `load_problem(problem.source, **problem.settings)` gives it again.

    Raises:
        UsageError: The table cannot be read or learned from; one line says why and what to do.
    """
    wall, cpu = clock.perf_counter(), clock.process_time()
    table, data_set, where = open_table(source)
    columns = list(table.columns)
    if data_set and (label is None or label in data_set.positives):
        label = label or data_set.label
        if positive is None and task in (None, "binary"):
            positive = data_set.positives[label]
            task = task or ("regression" if positive is None else None)
    if label is None:
        raise UsageError(f"which column is the label? Add --label NAME. Columns: {', '.join(columns[:20])}.")
    unit = unit or (data_set.unit if data_set else None)
    attributes_asked = names_of(sensitive, columns) or (data_set.sensitive if data_set else ())
    taken = (label, weight, split_column, unit, time, *attributes_asked)
    left_out = (*names_of(drop, columns), *(data_set.left_out(taken) if data_set else ()))
    roles = Roles(
        label=label,
        positive=cell_text(positive),
        sensitive=attributes_asked,
        weight=weight,
        split_column=split_column,
        unit=unit,
        time=time,
        use_sensitive_as_input=use_sensitive_as_input,
        immutable=names_of(immutable, columns),
        drop=tuple(dict.fromkeys(left_out)),
        seed=seed,
        name=name or (data_set.card.name if data_set else _name_of(where)),
        relations=(relations,) if isinstance(relations, str) else tuple(relations),
        derived=data_set.derived if data_set else {},
        task=task,
    )
    refuse_bad_roles(roles, columns)

    notes: list[str] = list(table.attrs.get("notes", ())) if data_set else []
    answer = read_label(table[roles.label], roles.positive, roles.task, notes)
    roles = replace(roles, positive=answer.positive or None, task=answer.task)
    table, y, class_names = table[answer.known], answer.y[answer.known], answer.classes
    if class_names:
        refuse_few_rows(y, roles.label, class_names, clinical=data_set is not None and data_set.card.clinical)
    else:
        refuse_few_numbers(y, roles.label)

    place = None if data_set and data_set.card.clinical else partial(place_of, where)
    if place is not None:
        for column in roles.sensitive:
            refuse_stray_texts(table[column], place)
    attributes = {column: attribute_of(table[column], notes) for column in roles.sensitive}
    codes = {column: attribute.codes(table[column]) for column, attribute in attributes.items()}
    groups, group_names = intersections(attributes, codes, len(y))
    weights = read_weight(table[roles.weight]) if roles.weight else None

    split = _split(table, roles, y, groups, class_names, notes)
    train = np.flatnonzero(split == SPLITS.index("train"))

    cells, dropped = read_inputs(table[roles.input_columns(columns, notes)], place)
    encoder, pooled = fit_encoder(cells, train)
    cells = {column: cells[column] for column in cells if column in encoder.columns}
    notes += dropped + pooled
    if not cells:
        raise UsageError(
            f"no input column is left ({'; '.join(merged_bins(dropped + pooled, columns)) or 'there are no others'})."
        )

    notes += checks.missing_sensitive(codes)
    for column, attribute in attributes.items():
        notes += checks.small_groups(f"groups by {column!r}", attribute.groups, codes[column])
    if len(attributes) > 1:
        notes += checks.small_groups("intersections", group_names, groups)
    notes += checks.leaks(cells, y, class_names, train, roles.label)
    notes += checks.proxies(cells, attributes, codes, train)
    if repeated := repeated_across(cells, y, split):
        notes.append(
            f"{repeated} rows have a row with the same inputs and label in another split: chance when inputs are "
            "coarse; if they are the same people, name their identifier as the unit"
        )

    declared = [parse_relation(text, columns) for text in roles.relations]
    notes += checks.broken_relations(declared, table)
    kept = [column for column in columns if column in cells or column in attributes]
    block_categories = {block.column: block.categories for block in encoder.categorical}
    arrays = (y, groups, split, *codes.values(), *(() if weights is None else (weights,)))
    identity = {"schema": 1, "roles": roles.settings() | {"name": ""}, "classes": class_names, "groups": group_names}
    problem = Problem(
        name=roles.name,
        source=where,
        task=answer.task,
        label=roles.label,
        positive=answer.positive,
        negative=answer.negative,
        columns=tuple(shown_column(c, column, roles.immutable, block_categories) for c, column in cells.items()),
        sensitive=roles.sensitive,
        attributes=attributes,
        group_names=group_names,
        encoder=encoder,
        domain=domain_of(encoder, roles.immutable, declared),
        splits=_build_splits(table, split, encoder, cells, y, groups, codes, weights),
        inputs=table[kept],
        notes=tuple(merged_bins(notes, columns)),
        card=data_set.card if data_set else None,
        fingerprint=fingerprint(identity, cells, arrays),
        settings=roles.settings(),
        preparation={"wall": clock.perf_counter() - wall, "cpu": clock.process_time() - cpu},
        classes=class_names,
    )
    return limit_loaded(problem, limitations, seed)


def open_table(source: object) -> tuple[pd.DataFrame, DataSet | None, str]:
    """Return the table of a source, its data set where it names one, and the text that names the source."""
    if not isinstance(source, str | Path):
        return read_table(source), None, "<frame>"
    text = str(source)
    if found := find_data_set(text):
        return read_table(found.read()), found.data_set, found.source
    path = Path(source).expanduser()
    word, colon, _ = text.partition(":")
    named = word == Path(word).name and (colon or not text.lower().endswith(SUFFIXES))
    if named and not path.exists():
        if word in dataset_names():
            raise UsageError(
                f"{text} is no table at hand. How to get {word}: {'; '.join(dataset_card(word).how_to_get)}."
            )
        error = unknown_name("data set", word, dataset_names())
        raise UsageError(f"{error} Or give the path of a {', '.join(SUFFIXES)} file.")
    return read_table(path), None, str(path.resolve())


def _split(
    table: pd.DataFrame,
    roles: Roles,
    y: NDArray[Any],
    groups: NDArray[np.int64],
    class_names: tuple[str, ...],
    notes: list[str],
) -> NDArray[np.int8]:
    unit = read_unit(text_codes(table[roles.unit])[0], roles.unit, notes) if roles.unit else None
    rows = Rows(y if class_names else bands(y), groups, unit, read_time(table[roles.time]) if roles.time else None)
    if roles.split_column:
        split = deal_rest(rows, *text_codes(table[roles.split_column]), roles.split_column, roles.seed)
        because = f"by the split column {roles.split_column!r}. Mark more rows."
    else:
        split = deal(rows, SPLITS, roles.seed)
        because = (
            f"when each {roles.unit!r} stays whole. Give more of them, or a split column."
            if roles.unit
            else f"in the order of {roles.time!r}. Give a split column instead."
        )
    if class_names:
        refuse_one_class(split, y, class_names, because)
    else:
        refuse_one_value(split, y, because)
    if roles.unit and roles.time:
        notes.append(f"each {roles.unit!r} stays whole and is placed in time by its first row")
    return split


def _build_splits(
    table: pd.DataFrame,
    split: NDArray[np.int8],
    encoder: Encoder,
    cells: Mapping[str, Cells],
    y: NDArray[Any],
    groups: NDArray[np.int64],
    codes: Mapping[str, NDArray[np.int64]],
    weights: NDArray[np.float32] | None,
) -> dict[str, Split]:
    source_rows = table.index.to_numpy(dtype=np.int64)
    built = {}
    for place, name in enumerate(SPLITS):
        rows = np.flatnonzero(split == place)
        built[name] = Split(
            x=encoder.encode({column: values.take(rows) for column, values in cells.items()}, len(rows)),
            y=y[rows],
            groups=groups[rows],
            codes={attribute: values[rows] for attribute, values in codes.items()},
            weight=None if weights is None else weights[rows],
            rows=source_rows[rows],
        )
    return built


def _name_of(where: str) -> str:
    name = Path(where).name
    for suffix in SUFFIXES[::-1]:
        name = name.removesuffix(suffix)
    return name.strip("<>")
