"""The verb `data`: which data sets come with the package, and what is in one of them or in a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table

data = App(name="data", help="List and show the data sets.")


@data.command(name="list")
def list_(*, json: bool = False) -> int:
    """List the data sets that come with the package.

    Args:
        json: Print one JSON document on stdout.
    """
    from efficienttrust.data import bundled_names, dataset_card

    cards = [dataset_card(name) for name in bundled_names()]
    if json:
        print_json({"data": [asdict(card) for card in cards]})
    else:
        print_table(["name", "title", "licence"], [(card.name, card.title, card.licence) for card in cards])
    return 0


@data.command
def show(
    source: str,
    /,
    *,
    label: str | None = None,
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    sensitive: list[str] | None = None,
    weight: str | None = None,
    split_column: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    immutable: list[str] | None = None,
    relation: list[str] | None = None,
    drop: list[str] | None = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Show rows, columns as inferred, groups with base rates, licence and source of a data set or file.

    Args:
        source: A bundled data set, or a .csv, .csv.gz or .parquet file (which needs `--label`).
        label: Column to predict.
        positive: Value of the label that counts as 1.
        sensitive: Sensitive columns, as `sex,age_band`.
        weight: Column of sample weights.
        split_column: Column that says train, monitor, calibrate, certify or test for every row.
        unit: Column whose equal values are never divided between splits, such as a patient.
        time: Column that orders the rows: oldest in train, newest in test.
        immutable: Columns that a perturbation may not change.
        relation: A relation between numeric columns that a perturbed row has to satisfy; may be repeated.
        drop: Columns to leave out.
        seed: Seed of the split.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.data import describe, load_problem, summary

    problem = load_problem(
        source,
        label=label,
        positive=positive,
        sensitive=",".join(sensitive or ()),
        weight=weight,
        split_column=split_column,
        unit=unit,
        time=time,
        immutable=",".join(immutable or ()),
        relations=relation or (),
        drop=",".join(drop or ()),
        seed=seed,
    )
    if json:
        print_json({"problem": summary(problem)})
    else:
        print(describe(problem), end="")
    return 0
