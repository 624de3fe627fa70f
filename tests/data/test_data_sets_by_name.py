"""Data sets by name: full cards, sources NAME and NAME:PATH, and one line where nothing is to be had."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from efficienttrust.data import DatasetCard, bundled_names, dataset_card, dataset_names, download, load_problem
from efficienttrust.data._bundled import availability, data_sets, find_data_set, is_card_alone
from efficienttrust.data._cards import dataset_cards
from efficienttrust.data._loading import open_table
from efficienttrust.errors import UsageError

TABLES = ["acs_income", "adult", "communities_crime", "compas", "diabetes130", "german", "law"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EFFICIENTTRUST_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    def refuse(*_arguments: object, **_options: object) -> None:
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", refuse)


def test_every_table_has_a_full_card_and_roles_that_are_told_apart() -> None:
    assert set(TABLES) <= set(data_sets.names())
    for name in data_sets.names():
        data_set, card = data_sets.get(name), dataset_card(name)
        assert card.name == name
        texts = (card.title, card.licence, card.citation, card.origin, card.what, card.size)
        assert all(texts), name
        assert all((card.groups, card.base_rates, card.cleaning, card.traps, card.how_to_get)), name
        assert set(data_set.sensitive) <= set(data_set.options), name
        assert data_set.positive is not None or data_set.task == "regression"


@pytest.mark.parametrize("name", ["adult", "compas", "german"])
def test_counts_and_base_rates_of_the_cards_are_those_of_the_bundled_files(name: str) -> None:
    data_set = data_sets.get(name)
    table, card = data_set.read(), data_set.card
    y = table[data_set.label].astype(str) == data_set.positive
    groups, rates = [], []
    for option in data_set.options:
        by = y.groupby(table[option], observed=True)
        groups.append(f"{option}: " + ", ".join(f"{group} {n:,}" for group, n in by.size().items()))
        rates.append(
            f"{option}: " + ", ".join(f"{group} {rate:.3f}".replace(" 0.", " .") for group, rate in by.mean().items())
        )
    assert list(card.groups) == groups
    assert list(card.base_rates[1:]) == rates
    assert card.base_rates[0].endswith(f"{y.mean():.3f}"[1:])


def test_cards_of_images_and_clinical_records_are_found_with_those_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    card = DatasetCard("films", "Films", "none", "nobody", "nowhere")
    dataset_cards.names()
    monkeypatch.setattr(dataset_cards, "_things", {**dataset_cards._things, "films": card})
    monkeypatch.setattr(dataset_cards, "_aliases", {**dataset_cards._aliases, "films": "films"})
    assert dataset_card("films") is card
    assert {"films", *TABLES} <= set(dataset_names())
    assert "films" not in bundled_names()
    assert (availability("films"), is_card_alone("films")) == ("your copy", True)
    with pytest.raises(UsageError, match=r"unknown data set 'film'\. Did you mean 'films'"):
        dataset_card("film")
    with pytest.raises(UsageError, match=r"cifar10_c is not downloaded: download CIFAR-10-C\.tar from .*cifar_c"):
        download("cifar10_c")
    with pytest.raises(UsageError, match=r"imagenet_c is no table at hand\. How to get imagenet_c: download the"):
        open_table("imagenet_c")
    with pytest.raises(UsageError, match=r"unknown data set 'imagnet_c'\. Did you mean 'imagenet_c'"):
        open_table("imagnet_c")
    with pytest.raises(UsageError, match="films is not downloaded: give your copy as films:PATH"):
        download("films")


def test_a_bundled_set_has_no_path_and_is_not_downloaded() -> None:
    found = find_data_set("german")
    assert found is not None
    assert (found.data_set, found.path, found.source) == (data_sets.get("german"), None, "german")
    with pytest.raises(UsageError, match="german comes with the package: give 'german' alone"):
        load_problem("german:german.csv")
    with pytest.raises(UsageError, match="german comes with the package: there is nothing to download"):
        download("german")


@pytest.mark.parametrize("source", ["diabets130:/somewhere", "diabets130"])
def test_an_unknown_word_gets_a_did_you_mean(source: str) -> None:
    with pytest.raises(
        UsageError, match=r"unknown data set 'diabets130'\. Did you mean 'diabetes130'\? Or give the path"
    ):
        load_problem(source)


def test_a_colon_in_a_path_is_no_word(tmp_path: Path) -> None:
    path = tmp_path / "a:b.csv"
    pd.DataFrame({"x": range(40), "y": [0, 1] * 20}).to_csv(path, index=False)
    table, data_set, where = open_table(path)
    assert (len(table), data_set, where) == (40, None, str(path))
    with pytest.raises(UsageError, match=r"there is no file .*a:c\.csv\. Did you mean 'a:b\.csv'"):
        load_problem(tmp_path / "a:c.csv", label="y")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["acs_income", "communities_crime", "diabetes130", "law"])
def test_offline_a_name_alone_says_which_file_belongs_where(name: str, folder: Path) -> None:
    fetch = dataset_card(name).fetch
    assert fetch is not None
    with pytest.raises(UsageError) as caught:
        load_problem(name)
    line = str(caught.value)
    assert "\n" not in line
    for part in (fetch.file, fetch.url, fetch.known, str(folder / name), f"{name}:PATH"):
        assert part in line


@pytest.mark.usefixtures("no_network")
def test_a_name_alone_reads_the_file_in_the_folder_of_downloads(folder: Path) -> None:
    assert (availability("law"), is_card_alone("law")) == ("download", True)
    (folder / "law").mkdir(parents=True)
    header = "decile1b decile3 lsat ugpa zfygpa zgpa fulltime fam_inc tier race1 gender pass_bar"
    rows = [[1, 2, 30 + i % 9, 3, 0.1 * i, 0.2, 1 + i % 2, 3, 4, "white", "male", int(i % 3 > 0)] for i in range(90)]
    pd.DataFrame(rows, columns=header.split()).to_csv(folder / "law" / "bar_pass_prediction.csv", index=False)
    assert (availability("law"), is_card_alone("law")) == ("downloaded", False)
    problem = load_problem("law", sensitive="fulltime")
    assert (problem.name, problem.source, len(problem.inputs)) == ("law", "law", 90)
    assert load_problem(problem.source, **problem.settings).fingerprint == problem.fingerprint
