"""The print is PDF/UA, holds what the page holds, and is the same bytes for the same study."""

from __future__ import annotations

from efficienttrust.report.study._draw import draw
from efficienttrust.report.study._print import render_pdf
from tests.study.reporting.conftest import Made


def test_it_is_tagged_and_says_that_it_is_pdf_ua(made: Made) -> None:
    pdf = made.report.pdf
    assert pdf is not None
    assert pdf.startswith(b"%PDF-")
    assert b"pdfuaid" in pdf
    assert b"/StructTreeRoot" in pdf or b"/MarkInfo" in pdf


def test_it_is_the_same_for_the_same_study(made: Made) -> None:
    stills = {figure.name: made.report.figures[f"{figure.name}.svg"] for figure in made.content.figures()}
    assert render_pdf(made.content, stills) == made.report.pdf


def test_a_figure_is_the_same_for_the_same_numbers(made: Made) -> None:
    figure = made.content.figures()[0]
    assert draw(figure)["svg"] == made.report.figures[f"{figure.name}.svg"]
