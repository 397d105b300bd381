"""A report's page in a browser without a network, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from costroute_nb.core.report import Report
from costroute_nb.session import Session
from tests.support.jupyter import Jupyter
from tests.support.lab import Theme

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    place = tmp_path_factory.mktemp("report")
    file = place / "report.html"
    with Session(provider="simulated", home=str(place)) as session:
        for number, workflow in enumerate(["triage", "triage", HOSTILE, None]):
            session.route(f"Summarize number {number}: x", workflow=workflow)
        return session.report(html=file), file


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Theme:
    return request.param


@pytest.fixture
def page(
    jupyter: Jupyter, report: tuple[Report, Path], theme: Theme, shots: Path
) -> Iterator[Page]:
    context = jupyter.browser.new_context(color_scheme=theme, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: complaints.append(request.url))
    address = report[1].as_uri()
    page.goto(address)
    page.screenshot(path=shots / f"report-{theme}.png", full_page=True)
    yield page
    context.close()
    assert complaints == [address]


def test_page_asks_for_nothing_and_has_the_reports_numbers(
    page: Page, report: tuple[Report, Path]
) -> None:
    found, _ = report
    text = page.inner_text("body")
    for group in found.groups:
        assert group.title in text
    row = page.locator("tr", has_text="triage").first.inner_text().split()
    assert row[:2] == ["triage", "2"]
    cards = page.locator("dd").all_inner_texts()
    assert cards[0] == str(found.totals.calls) == "4"


def test_charts_are_drawn_and_said_in_words(page: Page) -> None:
    charts = page.locator("figure svg[role=img]")
    assert charts.count() == 3
    for number in range(3):
        chart = charts.nth(number)
        assert (chart.get_attribute("aria-label") or "").startswith("Cost ")
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 300


def test_ink_stands_out_from_paper_in_both_themes(page: Page, theme: Theme) -> None:
    colour = "getComputedStyle(document.body)"
    ink = page.evaluate(f"{colour}.color")
    paper = page.evaluate(f"{colour}.backgroundColor")
    label = page.evaluate(
        "getComputedStyle(document.querySelector('figure svg text')).fill"
    )
    assert label == ink
    assert (_brightness(ink) < _brightness(paper)) is (theme == "light")
    assert abs(_brightness(ink) - _brightness(paper)) > 150


def _brightness(colour: str) -> float:
    red, green, blue = (int(part) for part in colour[4:-1].split(","))
    return 0.299 * red + 0.587 * green + 0.114 * blue
