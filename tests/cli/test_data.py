"""The verb `data`: lists what is known, shows cards and tables, and gets files without ever printing two lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from efficienttrust.data import dataset_names

from .conftest import Result

Command = Callable[..., Result]
LAW = "bar_pass_prediction.csv"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of downloads, on a machine without a connection."""
    import requests

    def refuse(*_arguments: object, **_options: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.setenv("EFFICIENTTRUST_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def place(folder: Path) -> Path:
    folder.mkdir(parents=True)
    header = "decile1b decile3 lsat ugpa zfygpa zgpa fulltime fam_inc tier race1 gender pass_bar"
    rows = [
        [1, 2, 30 + i % 9, 3, i / 9, 0.2, 1, 3, 4, ("white", "black")[i % 2], "male", i % 5 // 2] for i in range(120)
    ]
    rows = [[*row[:-1], min(row[-1], 1)] for row in rows]
    pd.DataFrame(rows, columns=header.split()).to_csv(folder / LAW, index=False)
    return folder / LAW


def test_list_names_every_set_and_how_to_come_by_it(command: Command, folder: Path) -> None:
    place(folder / "law")
    done = command("data", "list")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines() if line.strip()}
    assert set(dataset_names()) <= set(lines)
    for name, how in (("adult", "bundled"), ("diabetes130", "download"), ("law", "downloaded")):
        assert how in lines[name].split()


def test_list_as_json_holds_the_cards(command: Command) -> None:
    cards = {card["name"]: card for card in json.loads(command("data", "list", "--json").out)["data"]}
    assert set(cards) == set(dataset_names())
    assert cards["adult"]["availability"] == "bundled"
    assert cards["diabetes130"]["availability"] == "download"
    assert cards["diabetes130"]["fetch"]["url"].startswith("https://archive.ics.uci.edu/")
    for name in ("adult", "law"):
        assert all(cards[name][key] for key in ("what", "size", "groups", "base_rates", "licence", "citation", "traps"))


def test_show_without_the_files_prints_the_card(command: Command) -> None:
    done = command("data", "show", "diabetes130")
    assert (done.code, done.err) == (0, "")
    for part in (
        "71,518 patients",
        "Base rates",
        "Licence: CC BY 4.0",
        "Cite: Strack",
        "hospice",
        "How to get it",
        "sha256",
    ):
        assert part in done.out
    card = json.loads(command("data", "show", "diabetes130", "--json").out)["card"]
    assert card["name"] == "diabetes130"
    trusted = command("data", "show", "law").out
    assert "sha256 not on record: that of the first download is kept" in trusted


def test_show_with_the_files_describes_the_table(command: Command, folder: Path, tmp_path: Path) -> None:
    path = place(tmp_path / "mine")
    by_path = json.loads(command("data", "show", f"law:{path}", "--json").out)["problem"]
    assert (by_path["rows"], by_path["positive"], by_path["name"]) == (120, "yes", "law")
    place(folder / "law")
    by_name = json.loads(command("data", "show", "law", "--json").out)["problem"]
    assert by_name["fingerprint"] == by_path["fingerprint"]
    assert "Inputs (" in command("data", "show", "law").out


def test_get_prints_the_path_of_the_file(command: Command, folder: Path, tmp_path: Path) -> None:
    path = place(folder / "law")
    assert command("data", "get", "law") == Result(0, f"{path}\n", "")
    other = place(tmp_path / "mine")
    done = command("data", "get", "law", "--to", tmp_path / "mine", "--json")
    document = json.loads(done.out)
    assert (document["name"], document["path"]) == ("law", str(other))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("data", "get", "law"), f"cannot download law: there is no connection. Place {LAW} (https://"),
        (("data", "get", "adult"), "adult comes with the package"),
        (("data", "get", "lav"), "unknown data set 'lav'. Did you mean 'law'?"),
        (("data", "show", "lav"), "unknown data set 'lav'. Did you mean 'law'?"),
    ],
)
def test_what_cannot_be_had_is_one_line_and_code_2(command: Command, arguments: tuple[str, ...], says: str) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1
