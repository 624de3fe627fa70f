"""A report is made from what is there; only what is stale is made again, and nothing half is left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.report.study import Report
from efficienttrust.study import reporting
from efficienttrust.study.analysis import read_analysis
from efficienttrust.study.reporting import folder_of, make_report
from tests.study.export.finished import finished
from tests.study.reporting.conftest import Made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for drawing, which other tests do."""

    def render(source: object, *, pdf: bool, progress: object) -> Report:
        return Report("<!DOCTYPE html>page", b"%PDF" if pdf else None, {"a.csv": b"a\n"})

    monkeypatch.setattr("efficienttrust.report.study.render_study", render)


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    for name in ("trials.parquet", "analysis.json"):
        shutil.copy(made.folder / name, tmp_path / name)
    return tmp_path


def test_an_analysis_of_the_same_table_is_kept(folder: Path, quick: None) -> None:
    before = (folder / "analysis.json").read_bytes()
    found = make_report(folder)
    assert not found.analysed
    assert (folder / "analysis.json").read_bytes() == before
    assert found.page.read_text().startswith("<!DOCTYPE html>")
    assert found.pdf is not None
    assert found.pdf.read_bytes() == b"%PDF"
    assert sorted(one.name for one in folder.iterdir()) == [
        "analysis.json", "figures", "report.html", "report.pdf", "trials.parquet",
    ]  # fmt: skip


def test_an_analysis_of_another_table_is_made_again(folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_analysis(folder / "analysis.json")
    monkeypatch.setattr("efficienttrust.study.analysis.analyse_table", lambda table: whole)
    text = (folder / "analysis.json").read_text(encoding="utf-8")
    digest = read_analysis(folder / "analysis.json").table
    (folder / "analysis.json").write_text(text.replace(digest, "0" * 64), encoding="utf-8")
    seen: list[str] = []
    assert make_report(folder, progress=seen.append).analysed
    assert "analysis" in seen
    assert read_analysis(folder / "analysis.json").table == digest


def test_a_pdf_of_older_results_does_not_stay(folder: Path, quick: None) -> None:
    make_report(folder)
    (folder / "figures" / "old.svg").write_text("old")
    found = make_report(folder, pdf=False)
    assert found.pdf is None
    assert not (folder / "report.pdf").exists()
    assert [one.name for one in (folder / "figures").iterdir()] == ["a.csv"]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no trials\.parquet"):
        make_report(tmp_path)


def test_a_folder_that_cannot_be_replaced_keeps_what_it_had(
    folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left"):
        make_report(folder)
    assert (folder / "figures" / "a.csv").read_text() == "a\n"
    assert not [one for one in folder.iterdir() if "partial" in one.name or "old" in one.name]


def test_a_store_is_exported_and_analysed_first(tmp_path: Path, quick: None) -> None:
    with finished(tmp_path):
        pass
    found = make_report(tmp_path / "study.db")
    assert found.analysed
    assert found.page == tmp_path / "study" / "report.html"
    assert (tmp_path / "study" / "trials.parquet").is_file()


@pytest.mark.parametrize(
    ("study", "folder"),
    [("a/b.yaml", "a/b"), ("a/b.db", "a/b"), ("a/b", "a/b"), ("a/trials.parquet", "a"), ("postgresql://h/x", ".")],
)
def test_outputs_stand_beside_the_study(study: str, folder: str) -> None:
    assert folder_of(study) == Path(folder)
    assert reporting.__all__
