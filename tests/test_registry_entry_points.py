"""Installed packages add metrics and the like through entry points; a broken one is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.metrics import metrics
from efficienttrust.registry import Registry

MODULE = """
from things import registry
THING = "a thing"
registry.register("from_the_module")("another thing")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder on the path in which packages can be installed, with an own registry of things in it."""
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "__init__.py").write_text(
        "from efficienttrust.registry import Registry\nregistry = Registry('data thing', 'things', of=str)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("things", "plugin", "broken"):
        sys.modules.pop(name, None)


def install(site: Path, package: str, points: dict[str, str]) -> None:
    folder = site / f"{package}-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[efficienttrust.data_things]", *lines, ""]))


def things() -> Registry[str]:
    from things import registry  # type: ignore[import-not-found]

    return registry


def test_an_entry_point_is_found_under_its_name(site: Path) -> None:
    (site / "plugin.py").write_text(MODULE)
    install(site, "plugin", {"mine": "plugin:THING"})
    assert things().get("mine") == "a thing"
    assert things().names() == ["from_the_module", "mine"]


def test_a_module_registers_what_it_holds(site: Path) -> None:
    (site / "plugin.py").write_text(MODULE)
    install(site, "plugin", {"mine": "plugin"})
    assert things().names() == ["from_the_module"]


@pytest.mark.parametrize(
    ("text", "point", "reason"),
    [
        ("raise RuntimeError('no licence\\nsecond line')", "broken:THING", "RuntimeError: no licence"),
        ("THING = 'x'", "broken:ANOTHER", "AttributeError"),
        ("THING = 5", "broken:THING", "TypeError: data thing 'bad' must be a str, not a int"),
    ],
)
def test_a_broken_one_is_named_every_time(site: Path, text: str, point: str, reason: str) -> None:
    (site / "broken.py").write_text(text)
    install(site, "broken", {"bad": point})
    for _ in range(2):
        with pytest.raises(UsageError, match=r"the data thing 'bad' of the installed package broken 1\.2") as caught:
            things().names()
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_name_that_is_taken_is_refused(site: Path) -> None:
    (site / "plugin.py").write_text(MODULE)
    install(site, "plugin", {"from_the_module": "plugin:THING"})
    with pytest.raises(UsageError, match="'from_the_module' is registered twice: plugin did first, then plugin:THING"):
        things().names()


def test_who_took_a_name_first_is_said() -> None:
    registry: Registry[object] = Registry("thing", "efficienttrust")
    registry.register("one", "also")(1)
    with pytest.raises(ValueError, match=rf"thing 'also' is registered twice: {__name__} did first, then {__name__};"):
        registry.register("two", "also")(2)
    with pytest.raises(ValueError, match=r"registered twice: efficienttrust\.metrics\.catalogue\.accuracy did first"):
        metrics.register("accuracy")(metrics.get("accuracy"))


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("metric", "efficienttrust.metrics"),
        ("policy", "efficienttrust.policies"),
        ("data set", "efficienttrust.data_sets"),
        ("fairness penalty", "efficienttrust.fairness_penalties"),
    ],
)
def test_the_group_is_the_plural(kind: str, group: str) -> None:
    assert Registry[object](kind, "efficienttrust").entry_points == group
