"""Every chart draws with no data, with little and with much, in both themes."""

from __future__ import annotations

import re

import pytest
import vl_convert

from costroute_nb.core.budget import Limits
from costroute_nb.notebook import charts
from costroute_nb.notebook.figures import figures
from costroute_nb.notebook.reading import Group
from costroute_nb.notebook.twin import composed
from tests.support.readings import busy, reading, spent

NAMES = [chart.name for chart in charts.CHARTS]


def drawn(name: str, count: int, *, dark: bool = False) -> str:
    """Return the SVG of one chart."""
    figure = figures(busy(count, Limits(session=0.5, day=20.0)))[name]
    spec = charts.pictured(charts.filled(charts.specs()[name], figure.data), dark=dark)
    return str(vl_convert.vegalite_to_svg(spec | {"width": 300}, vl_version="6.4"))


@pytest.mark.parametrize("count", [0, 1, 500])
@pytest.mark.parametrize("name", NAMES)
def test_a_chart_draws_however_many_rows_it_has(name: str, count: int) -> None:
    svg = drawn(name, count)
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    assert "Infinity" not in svg


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_declares_the_data_that_its_figure_brings(name: str) -> None:
    (chart,) = (chart for chart in charts.CHARTS if chart.name == name)
    assert set(figures(busy(3))[name].data) == set(chart.data)


def test_what_is_drawn_is_what_was_read() -> None:
    svg = drawn("cost", 3)
    assert all(text in svg for text in ("model-2, large", "$0.03", "$0.02", "$0.01"))
    assert "3 (33%" not in drawn("cost", 3)
    assert "limit $0.50" in drawn("session", 12)
    assert "limit $20.00" not in drawn("day", 12)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_is_readable_on_its_background(dark: bool) -> None:
    below = luminance(charts.BACKGROUNDS[dark])
    for colour in charts.palette(dark=dark):
        if colour["name"] == "grid":
            continue  # lines that only help to read
        light, deep = sorted((luminance(colour["value"]), below), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, colour


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_chart_uses_its_theme_s_colours_only(name: str, dark: bool) -> None:
    svg = drawn(name, 3, dark=dark)
    used = set(re.findall(r'(?:fill|stroke)="(#\w{6}|\w+)"', svg))
    colours = {colour["value"] for colour in charts.palette(dark=dark)}
    background = charts.BACKGROUNDS[dark]
    assert used - colours - {"none", "transparent", background} == set()


def test_nothing_in_a_specification_is_asked_of_a_network() -> None:
    spec = composed(figures(busy(5)))
    assert "url" not in str({**spec, "$schema": ""})
    assert all("url" not in str(s | {"$schema": ""}) for s in charts.specs().values())


@pytest.mark.parametrize("name", ["cost", "pareto"])
def test_bars_are_drawn_dearest_first(name: str) -> None:
    svg = drawn(name, 6)
    shown = re.findall(r">(model-\d|flow \d / step \d)", svg)
    names = [row["name"].split(",")[0] for row in figures(busy(6))[name].data["rows"]]
    assert shown == names


def test_bars_that_read_alike_are_drawn_apart() -> None:
    steps: tuple[Group, ...] = ((("a / b", None), spent(3)), (("a", "b"), spent(2)))
    figure = figures(reading(by_step=steps))["pareto"]
    spec = charts.filled(charts.specs()["pareto"], figure.data)
    themed = charts.pictured(spec, dark=False) | {"width": 300}
    svg = str(vl_convert.vegalite_to_svg(themed, vl_version="6.4"))
    assert svg.count(">a / b<") == 2


@pytest.mark.parametrize("name", NAMES)
def test_no_row_passes_through_a_transform_that_would_remember_it(name: str) -> None:
    spec = charts.specs()[name]
    config = {"config": charts.theme(dark=False), "params": charts.palette(dark=False)}
    vega = vl_convert.vegalite_to_vega(spec | config, vl_version="6.4")
    assert [data for data in vega["data"] if "transform" in data] == []
