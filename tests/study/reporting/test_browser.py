"""The page in a real browser: filters, tooltips, keyboard, telephone, dark scheme, print; no request, no error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.study.reporting.conftest import Made

CHROMIUM = shutil.which("chromium") or ""
pytestmark = pytest.mark.slow  # a browser takes seconds to start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev holds Playwright")
    if not CHROMIUM:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Visit:
    """An open page, what it asked of the network, and what it complained about."""

    def __init__(self, browser: Any, made: Made, *, width: int = 1100, **options: Any) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.on("console", lambda one: self.complaints.append(one.text))
        self.page.on("pageerror", lambda one: self.complaints.append(str(one)))
        self.page.goto((made.folder / "report.html").as_uri())

    def draw_all(self) -> None:
        figures = self.page.locator("figure[data-specs]")
        for at in range(figures.count()):
            figures.nth(at).scroll_into_view_if_needed()
        self.page.wait_for_function(
            "document.querySelectorAll('figure[data-specs]:not([data-ready])').length === 0", timeout=60_000
        )

    def figure(self, name: str) -> Any:
        return self.page.locator(f"figure[data-specs='specs-{name}']")


@pytest.fixture(scope="module")
def visit(browser: Any, made: Made) -> Visit:
    found = Visit(browser, made)
    found.draw_all()
    return found


def points(figure: Any) -> int:
    return int(figure.locator(".view path[aria-roledescription='point']").count())


def test_all_figures_are_drawn_without_a_request_or_a_complaint(visit: Visit, made: Made) -> None:
    assert visit.page.locator("figure[data-ready]").count() == len(made.content.figures())
    assert [one for one in visit.requests if not one.startswith(("data:", "blob:"))] == [visit.requests[0]]
    assert visit.complaints == []


def test_unticking_a_method_takes_its_marks_away(visit: Visit) -> None:
    figure = visit.figure("effects-mitigation")
    before = points(figure)
    box = figure.locator("input").first
    box.uncheck()
    visit.page.wait_for_function(
        "before => document.querySelectorAll(\"figure[data-specs='specs-effects-mitigation'] "
        ".view path[aria-roledescription='point']\").length < before", arg=before,
    )  # fmt: skip
    assert points(figure) == before / 2
    box.check()


def test_a_data_set_can_be_chosen_by_keyboard(visit: Visit) -> None:
    figure = visit.figure("tradeoffs-accuracy")
    path = figure.locator(".view path[aria-roledescription='point']").first
    before = path.get_attribute("transform")
    figure.locator("select").focus()
    visit.page.keyboard.press("ArrowDown")
    assert figure.locator("select").input_value() == "adult <i>"
    visit.page.wait_for_function(
        "before => document.querySelector(\"figure[data-specs='specs-tradeoffs-accuracy'] "
        ".view path[aria-roledescription='point']\").getAttribute('transform') !== before", arg=before,
    )  # fmt: skip


def test_hovering_shows_the_numbers_as_text(visit: Visit) -> None:
    figure = visit.figure("effects-mitigation")
    figure.scroll_into_view_if_needed()
    figure.locator(".view path[aria-roledescription='point']").first.hover(force=True)
    tip = visit.page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5000)
    assert "value" in tip.inner_text()
    assert tip.locator("i, b").count() == 0


def test_rows_of_a_long_table_can_be_filtered(visit: Visit) -> None:
    table = visit.page.locator(".filtered", has=visit.page.locator("caption", has_text="All differences")).first
    table.evaluate("one => one.closest('details').open = true")
    rows = table.locator("tbody tr:visible")
    before = rows.count()
    table.locator("input").fill("prune=0.8")
    assert 0 < rows.count() < before
    assert all("prune=0.8" in text for text in rows.all_inner_texts())


def test_details_open_by_keyboard(visit: Visit) -> None:
    summary = visit.figure("effects-constraint").locator("summary")
    summary.focus()
    visit.page.keyboard.press("Enter")
    assert visit.figure("effects-constraint").locator("details").get_attribute("open") is not None


def test_a_telephone_scrolls_in_one_direction_only(browser: Any, made: Made) -> None:
    small = Visit(browser, made, width=320)
    small.draw_all()
    assert small.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert small.complaints == []
    small.page.close()


def test_the_dark_page_has_dark_colours_in_its_figures(browser: Any, made: Made) -> None:
    dark = Visit(browser, made, color_scheme="dark")
    dark.draw_all()
    figure = next(one for one in made.content.figures() if one.name == "effects-mitigation")
    fills = dark.figure("effects-mitigation").locator(".view path[aria-roledescription='point']")
    found = {fills.nth(at).get_attribute("fill") for at in range(fills.count())}
    assert found == {style.dark for style in figure.styles.values()}
    dark.page.close()


def test_print_shows_the_still_pictures_and_all_tables(visit: Visit) -> None:
    visit.page.emulate_media(media="print")
    figure = visit.figure("effects-mitigation")
    assert figure.locator(".still img").is_visible()
    assert not figure.locator(".live").is_visible()
    visit.page.emulate_media(media="screen")
    assert not figure.locator(".still img").is_visible()


def test_without_javascript_the_still_pictures_stand_in(browser: Any, made: Made) -> None:
    still = Visit(browser, made, java_script_enabled=False)
    assert still.figure("effects-mitigation").locator(".still img").is_visible()
    assert not still.page.locator(".filter").first.is_visible()
    still.page.close()
