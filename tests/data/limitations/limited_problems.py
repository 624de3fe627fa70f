"""Problems that the tests of limitations share, and every limitation as text."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from efficienttrust.data import Attribute, Domain, Encoder, Pixels, Problem, Split, load_problem

EVERY = (
    "fewer_rows({})",
    "label_noise({})",
    "label_noise({}, kind=class)",
    "label_noise({}, by=sex, group=F)",
    "biased_sampling({}, by=sex, group=F)",
    "selective_labels({}, by=sex, group=F)",
    "selective_labels({}, kind=negative, by=sex, group=F)",
    "missing_features({})",
    "missing_features({}, kind=cells)",
    "missing_sensitive({})",
    "missing_sensitive({}, by=region)",
)


def make_table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "income": rng.normal(30.0, 8.0, n),
            "age": rng.integers(18, 80, n),
            "gains": rng.integers(0, 40, n),
            "housing": rng.choice(["own", "rent", "free"], n),
            "employed": rng.random(n) < 0.7,
            "sex": rng.choice(["F", "M"], n, p=[0.4, 0.6]),
            "region": rng.choice(["north", "south", "east"], n, p=[0.6, 0.3, 0.1]),
            "w": rng.choice([0.5, 1.0, 3.0], n),
        }
    )
    table.loc[::11, "income"] = np.nan
    table["approved"] = np.where(table["income"].fillna(30.0) + rng.normal(0, 8, n) > 30, "yes", "no")
    return table


@cache
def tabular(n: int = 2000, seed: int = 0, *, sensitive_is_input: bool = False) -> Problem:
    return load_problem(
        make_table(n, seed),
        label="approved",
        sensitive="sex,region",
        weight="w",
        immutable="age",
        relations=("age >= gains - 40", "income <= 1000"),
        use_sensitive_as_input=sensitive_is_input,
        name="loans",
    )


@cache
def pictures(n: int = 400, classes: int = 4) -> Problem:
    """Images whose groups are the classes, in the shape that `load_image_problem` gives."""
    rng = np.random.default_rng(0)
    names = tuple(f"class {code}" for code in range(classes))
    source = rng.integers(0, 256, (n, 1, 2, 2), dtype=np.uint8)
    y = rng.permutation(np.arange(n) % classes)
    splits = {}
    for name, rows in zip(
        ("train", "monitor", "calibrate", "certify", "test"),
        np.split(np.arange(n), [n // 2, 230, 290, 330]),
        strict=True,
    ):
        splits[name] = Split(
            x=np.zeros((len(rows), 0), dtype=np.float32),
            y=y[rows],
            groups=y[rows],
            codes={"class": y[rows]},
            weight=None,
            rows=rows,
            pixels=Pixels(source, rows),
        )
    nothing = np.zeros(0, dtype=np.float32)
    return Problem(
        name="pictures",
        source="folder:pictures",
        task="multiclass",
        label="class",
        positive="",
        negative="",
        columns=(),
        sensitive=("class",),
        attributes={"class": Attribute("class", names)},
        group_names=names,
        encoder=Encoder((), ()),
        domain=Domain(nothing, nothing, nothing, nothing.astype(bool), nothing.astype(np.int64), (), 0),
        splits=splits,
        inputs=pd.DataFrame(index=range(n)),
        notes=(),
        card=None,
        fingerprint="pictures",
        settings={},
        preparation={},
        classes=names,
    )


def content(problem: Problem) -> list[object]:
    """Everything of a problem that a training or a measurement could see, comparable by ==."""
    arrays = [
        array.tobytes()
        for split in problem.splits.values()
        for array in (split.x, split.y, split.groups, *split.codes.values(), split.rows)
    ]
    domain = [getattr(problem.domain, name).tobytes() for name in ("lower", "upper", "step", "mutable", "indicator")]
    shown = (problem.columns, problem.encoder, problem.notes, problem.fingerprint, problem.settings)
    return [arrays, domain, *shown, pd.util.hash_pandas_object(problem.inputs).tolist()]
