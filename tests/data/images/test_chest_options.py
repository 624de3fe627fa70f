"""Options behind the question mark of a source of chest films: what is chosen, and what is refused."""

from __future__ import annotations

import pytest

from efficienttrust.data.images import load_images
from efficienttrust.data.images._chest_options import ChestOptions, chest_options
from efficienttrust.data.images._reading import Wanted
from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import write_chexpert


def test_values():
    assert chest_options(Wanted()) == ChestOptions(size=None, view="frontal", split="official", uncertain="zeros")
    chosen = chest_options(Wanted(options={"size": "224", "view": "PA", "uncertain": "Ones"}), "uncertain")
    assert (chosen.size, chosen.view, chosen.uncertain) == (224, "pa", "ones")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"size": "big"}, "size=big is no number of pixels"),
        ({"veiw": "pa"}, "Did you mean 'view'?"),
        ({"view": "frontl"}, "unknown value of view 'frontl'. Did you mean 'frontal'?"),
        ({"uncertain": "zeros"}, "'uncertain'. Known: size, split, view."),  # not of this set
        ({"label": "Edema"}, "leave out ?label=, and name it with --label"),
    ],
)
def test_unknown_options_and_values_are_refused(given, says):
    with pytest.raises(UsageError) as refused:
        chest_options(Wanted(options=given))
    assert says in str(refused.value)


def test_a_source_with_options_loads_again_from_what_the_set_says_of_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))
    rows = write_chexpert(tmp_path)
    options = f"size=32&view=pa&uncertain=ones&demographics={tmp_path}/CHEXPERT DEMO.csv"
    source = f"chexpert:{tmp_path}/CheXpert-v1.0-small?{options}"
    images = load_images(source, label="Edema", part="train", sensitive="race")
    assert images.x.shape[1:] == (1, 32, 32)
    assert len(images) == int(((rows["csv"] == "train") & (rows["AP/PA"] == "PA")).sum())
    assert load_images(images.source, **images.settings).fingerprint == images.fingerprint
    monkeypatch.chdir(tmp_path)
    relative = source.replace(f"demographics={tmp_path}/", "demographics=")
    assert load_images(relative, label="Edema", part="train", sensitive="race").source == images.source
