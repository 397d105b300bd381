"""The live charts: one widget for all of them, so that a page has their code once."""

from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from costroute_nb.notebook import charts, twin, words
from costroute_nb.notebook.figures import figures
from costroute_nb.painter import Painter, PaintError, draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costroute_nb.notebook.reading import Reading


@cache
def _bundle() -> str:
    """Return the page's code with Vega in it, which no network has to bring."""
    source = files(__package__).joinpath("chart_view.js").read_text("utf-8")
    try:
        with Painter() as painter:
            return painter.bundle(source)
    except PaintError:  # slow for everyone here, but without it there are no charts
        return draw(source, "bundle").decode()


def state(number: int, reading: "Reading", said: str) -> dict[str, Any]:
    """Return what the widget is to show of a reading.

    Parameters
    ----------
    number
        Tells this state from those before.
    reading
        What is read from budget and ledger.
    said
        The sentence that screen readers announce.
    """
    shown = figures(reading)
    return {
        "number": number,
        "status": said,
        "tiles": [asdict(tile) for tile in words.tiles(reading)],
        "alerts": list(reading.alerts),
        "table": [list(row) for row in twin.page(reading, shown).rows],
        "figures": {
            name: {
                "title": figure.title,
                "caption": figure.caption,
                "data": figure.data,
                "empty": figure.empty,
            }
            for name, figure in shown.items()
        },
    }


class ChartView(anywidget.AnyWidget):
    """Draws what it is given; a new state redraws the charts whose rows differ.

    Parameters
    ----------
    state
        What to draw first.
    controls
        Ids of the models of controls that must never wait to send what they are
        moved to.
    """

    _css = files(__package__).joinpath("chart_view.css").read_text("utf-8")

    specs = traitlets.Dict().tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    controls: "traitlets.List[str]" = traitlets.List().tag(sync=True)
    dark = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: "Mapping[str, Any]", controls: "Sequence[str]") -> None:
        self._esm = _bundle()
        columns = {chart.name: chart.columns for chart in charts.CHARTS}
        super().__init__(
            specs={
                name: {"spec": spec, "columns": columns[name]}
                for name, spec in charts.specs().items()
            },
            looks={
                name: {
                    "config": charts.theme(dark=dark),
                    "palette": charts.palette(dark=dark),
                }
                for name, dark in (("light", False), ("dark", True))
            },
            state=dict(state),
            controls=list(controls),
        )
