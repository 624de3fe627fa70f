"""The verb `data`: which data sets are known, how to get one, and what is in one or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table

data = App(name="data", help="List, download and show the data sets.")


@data.command(name="list")
def list_(*, json: bool = False) -> int:
    """List the known data sets: tables, images and clinical records, and how to come by each.

    Args:
        json: Print one JSON document on stdout.
    """
    from efficienttrust.data import card_summary, dataset_card, dataset_names

    cards = [card_summary(dataset_card(name)) for name in dataset_names()]
    if json:
        print_json({"data": cards})
    else:
        shown = ("name", "title", "availability", "licence")
        print_table(shown, [[card[key] for key in shown] for card in cards])
    return 0


@data.command
def get(name: str, /, *, to: Path | None = None, json: bool = False) -> int:
    """Download a data set, check its hash, and print the path of the file.

    A file that is there already is checked and not downloaded again; a broken download is continued.

    Args:
        name: A data set that `data list` shows as `download`.
        to: Folder to download to; by default EFFICIENTTRUST_DATA, or the cache folder of the operating system.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.data import download

    path = str(download(name, to))
    if json:
        print_json({"name": name, "path": path})
    else:
        print(path)
    return 0


@data.command
def show(
    source: str,
    /,
    *,
    label: str | None = None,
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    task: str | None = None,
    sensitive: list[str] | None = None,
    weight: str | None = None,
    split_column: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    immutable: list[str] | None = None,
    relation: list[str] | None = None,
    drop: list[str] | None = None,
    limit: int | None = None,
    limitation: list[str] | None = None,
    seed: int = 0,
    show_small_cells: bool = False,
    json: bool = False,
) -> int:
    """Show rows, columns as inferred, groups with base rates, licence and source of a data set or file.

    Of a data set whose files are not at hand its card is shown: what it is, its traps, and how to get it.

    Args:
        source: A data set, NAME:PATH for your copy of its files, a .csv, .csv.gz or .parquet file (which needs
            `--label`), or images as `folder:PATH` or a .npz file.
        label: Column to predict.
        positive: Value of the label that counts as 1.
        task: What is learned: binary, multiclass, or regression for a number; by default what the label says.
        sensitive: Sensitive columns, as `sex,age_band`.
        weight: Column of sample weights.
        split_column: Column that says train, monitor, calibrate, certify or test for every row.
        unit: Column whose equal values are never divided between splits, such as a patient.
        time: Column that orders the rows: oldest in train, newest in test.
        immutable: Columns that a perturbation may not change.
        relation: A relation between numeric columns that a perturbed row has to satisfy; may be repeated.
        drop: Columns to leave out.
        limit: Use at most so many images, drawn at random.
        limitation: What the data shall lack, as `label_noise(0.2)`; may be repeated.
        seed: Seed of the split.
        show_small_cells: Show counts of fewer than ten people; without it those of clinical data are withheld.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.data import (
        card_summary,
        dataset_card,
        describe,
        describe_card,
        is_card_alone,
        summary,
    )
    from efficienttrust.pipeline import for_readers, load_data

    if is_card_alone(source):
        card = dataset_card(source)
        if json:
            print_json({"card": card_summary(card)})
        else:
            print(describe_card(card), end="")
        return 0
    settings = {
        "label": label,
        "positive": positive,
        "task": task,
        "sensitive": ",".join(sensitive or ()),
        "weight": weight,
        "split_column": split_column,
        "unit": unit,
        "time": time,
        "immutable": ",".join(immutable or ()),
        "relations": relation or (),
        "drop": ",".join(drop or ()),
        "limit": limit,
        "limitations": limitation or (),
    }
    problem = load_data(source, settings, seed=seed)
    whole = {"problem": summary(problem)}
    shown = for_readers(whole, show_small_cells=show_small_cells)
    if json:
        print_json(shown)
    else:
        print(describe(problem, None if shown is whole else shown["problem"]), end="")
    return 0
