"""The live charts: one widget for all of them, so that a page has their code once."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
import vl_convert

from costroute_nb.notebook import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@cache
def _bundle() -> str:
    """Return the page's code with Vega in it, which no network has to bring."""
    source = files(__package__).joinpath("chart_view.js").read_text("utf-8")
    return vl_convert.javascript_bundle(source, vl_version="6.4")


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
