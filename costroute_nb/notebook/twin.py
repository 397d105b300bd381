"""What stays of a dashboard without a kernel: a picture of its charts, and a table."""

import base64
import html
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.budget import LIMIT_NAMES
from costroute_nb.core.money import format_usd
from costroute_nb.notebook import charts, words
from costroute_nb.notebook.figures import figures, level
from costroute_nb.notebook.options import AT_LIMIT
from costroute_nb.notebook.reading import SCOPES
from costroute_nb.notebook.views import Page
from costroute_nb.painter import Painter, PaintError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.notebook.figures import Figure
    from costroute_nb.notebook.reading import Reading

logger = logging.getLogger(__name__)

# Plots stand on a grid, their axes and titles between them.
_WIDTH, _GAP, _BELOW, _PER_ROW = 300, 90, 28, 3
_LETTERS = 56  # that a caption has room for, above one plot

_CELL = 'style="text-align: left; font-weight: normal"'

# Reopened, a trusted notebook shows an error in place of a widget without its kernel.
_HIDES_THE_DEAD = (
    ".jp-OutputArea-child:has(+ .jp-OutputArea-child .costroute-twin)"
    " > .jupyter-widgets:not(:has(*)) {display: none}"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Charts as a PNG, what they say in words, and the moment they are of."""

    png: bytes
    alt: str
    at: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A dashboard's last state: its numbers as a page, its charts in words and drawn.

    The picture is an older one unless `drawn`, or None where there never was any.
    """

    page: Page
    alt: str
    picture: Picture | None
    drawn: bool

    def bundle(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Return data and metadata of an output that has both.

        Viewers that show HTML show it: only there a picture can have its words.
        """
        picture, page, alt = self.picture, self.page, self.alt
        if picture is None:
            return {"text/plain": f"{page}\n\n{alt}", "text/html": _html(page, "")}, {}
        if not self.drawn:
            old = f"the picture is older than the numbers: it is of {picture.at}"
            page = replace(page, foot=(*page.foot, old))
        encoded = base64.b64encode(picture.png).decode("ascii")
        said = picture.alt if self.drawn else f"As of {picture.at}. {picture.alt}"
        shown = f'<img alt="{html.escape(said)}" src="data:image/png;base64,{encoded}">'
        data = {
            "text/plain": f"{page}\n\n{alt}",
            "text/html": _html(page, shown),
            "image/png": encoded,
        }
        return data, {"image/png": {"alt": said}}


def twin(
    reading: "Reading",
    painter: Painter,
    *,
    dark: bool = False,
    before: Twin | None = None,
) -> Twin:
    """Return the twin of a reading, its picture on the background of a theme.

    Where that cannot be drawn, the picture of the twin `before` is still better than
    none.
    """
    shown = figures(reading)
    alt = "Charts of spend and calls. " + " ".join(
        f"{figure.title}: {figure.caption}." for figure in shown.values()
    )
    numbers = page(reading, shown)
    try:
        png = painter.paint(charts.pictured(composed(shown), dark=dark))
    except PaintError as error:  # a picture is not worth an answer
        logger.warning("the dashboard's picture could not be drawn: %s", error)
        older = None if before is None else before.picture
        return Twin(numbers, alt, older, drawn=False)
    return Twin(numbers, alt, Picture(png, alt, _moment(reading)), drawn=True)


def page(reading: "Reading", shown: "Mapping[str, Figure]") -> Page:
    """Return the numbers of a reading, with what its figures say."""
    limits = reading.limits
    return Page(
        head=(
            f"dashboard ({words.pot_words(reading.simulated)}), {_moment(reading)}",
            words.status(reading),
        ),
        columns=(SCOPES[reading.scope], "", ""),
        rows=(
            *((tile.label, tile.value, tile.note) for tile in words.tiles(reading)),
            *(
                (
                    f"{name} limit",
                    "none" if (limit := limits.pico(name)) is None else format_usd(limit),
                    words.standing_words(name, reading.standings[name], limits),
                )
                for name in LIMIT_NAMES
            ),
            *(
                (figure.title, "", figure.caption)
                for name, figure in shown.items()
                if name not in SCOPES
            ),
        ),
        foot=(
            f"warns at {level(limits.alert_at)}; {AT_LIMIT[limits.on_limit]}",
            *(f"alert: {text}" for text in reading.alerts),
        ),
    )  # fmt: skip


def _html(page: Page, picture: str) -> str:
    """Return a picture, and a page with a table that screen readers can walk through."""
    rows = "".join(
        f'<tr><th scope="row" {_CELL}>{_text(first)}</th>'
        + "".join(f"<td {_CELL}>{_text(cell)}</td>" for cell in others)
        + "</tr>"
        for first, *others in page.rows
    )
    head, foot = ("<br>".join(map(_text, lines)) for lines in (page.head, page.foot))
    return (
        f'<style>{_HIDES_THE_DEAD}</style><div class="costroute-twin">{picture}<p>{head}</p>'
        f"<table><tbody>{rows}</tbody></table><p>{foot}</p></div>"
    )


def _text(text: str) -> str:
    # Front ends take two dollars in one stretch of text for a formula between them.
    return html.escape(text).replace("$", "<span>$</span>")


def _moment(reading: "Reading") -> str:
    return f"{reading.at.astimezone(reading.zone):%Y-%m-%d %H:%M:%S %Z}"


def composed(shown: "Mapping[str, Figure]") -> charts.Spec:
    """Return one specification of all charts, with their rows, titles and captions."""
    rows: list[list[charts.Spec]] = [[]]
    used = 0
    for chart in charts.CHARTS:
        if used + chart.columns > _PER_ROW:
            rows.append([])
            used = 0
        used += chart.columns
        figure = shown[chart.name]
        spec = charts.filled(charts.specs()[chart.name], figure.data)
        del spec["$schema"]
        spec["width"] = chart.columns * (_WIDTH + _GAP) - _GAP
        spec["title"] = {
            "text": figure.title,
            "subtitle": _wrapped(figure.caption, chart.columns * _LETTERS),
            "frame": "group",  # titles begin where plots do, which stand on a grid
        }
        rows[-1].append(spec)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "vconcat": [
            {"hconcat": row, "bounds": "flush", "spacing": _GAP} for row in rows
        ],
        "spacing": _BELOW,
        "padding": 14,
    }


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]
