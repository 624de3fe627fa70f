"""What the cards of chest sets say agrees with what their readers do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import dataset_card
from efficienttrust.data.images._chest import NO_FINDING
from efficienttrust.data.images._chest_options import COMMON
from efficienttrust.data.images.catalogue import chexpert, mimic_cxr, nih_cxr
from tests.data.images.chest_releases import read, write_chexpert, write_mimic, write_nih
from tests.shared_data import SHARED

OWN = {
    "chexpert": ("uncertain", "demographics"),
    "mimic_cxr": ("uncertain", "labels", "mimic_iv"),
    "nih_cxr": (),
}
"""Options of a set besides those of all."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", OWN)
def test_a_card_tells_what_a_careless_reader_gets_wrong(name):
    card = dataset_card(name)
    assert card.name == name
    told = " ".join(card.traps)
    for trap in ("mined from reports", "the view tells of the label", "positive for the healthy"):
        assert trap in told
    assert all((card.licence, card.citation, card.what, card.size, card.groups, card.how_to_get))
    assert not card.bundled
    steps = " ".join(card.how_to_get)
    assert f"{name}:" in steps


@pytest.mark.parametrize("name", OWN)
def test_every_option_of_a_set_is_on_its_card(name):
    card = dataset_card(name)
    told = " ".join((*card.cleaning, *card.how_to_get))
    for option in (*COMMON, *OWN[name]):
        assert f"?{option}=" in told


@pytest.mark.parametrize("name", OWN)
def test_the_groups_on_a_card_are_those_that_can_be_asked_for(name, tmp_path):
    write = {"chexpert": write_chexpert, "mimic_cxr": write_mimic, "nih_cxr": write_nih}[name]
    write(tmp_path / "set")
    path = {"chexpert": "CheXpert-v1.0-small", "mimic_cxr": "mimic-cxr-jpg/2.0.0", "nih_cxr": ""}[name]
    told = [line.split()[0].rstrip(":") for line in dataset_card(name).groups if "not told" not in line]
    assert set(read(name, tmp_path / "set" / path, sensitive=told).attributes) == set(told)


def test_the_findings_of_each_set_hold_the_default_and_are_all_different():
    for module, count in ((chexpert, 14), (mimic_cxr, 14), (nih_cxr, 15)):
        assert NO_FINDING in module.FINDINGS
        assert len(set(module.FINDINGS)) == len(module.FINDINGS) == count
    assert set(chexpert.FINDINGS) == set(mimic_cxr.FINDINGS)
    assert list(mimic_cxr.FINDINGS) == sorted(mimic_cxr.FINDINGS)


def test_the_findings_of_nih_are_those_of_its_small_copy():
    file = SHARED / "nih_cxr1000" / "labels.csv"
    if not file.exists():
        pytest.skip("needs ../shared/data/nih_cxr1000")
    found = np.concatenate([text.split("|") for text in pd.read_csv(file)["finding_labels"]])
    assert set(found) <= set(nih_cxr.FINDINGS)
    assert len(set(found)) >= 10
