"""Charts of a report as SVG that takes its ink from the page around it."""

from __future__ import annotations

import json
import logging
from datetime import date
from typing import TYPE_CHECKING, Any

from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.totals import Totals
from costroute_nb.painter import Painter, PaintError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.report import Group

logger = logging.getLogger(__name__)

Row = dict[str, Any]

_APART = {"labelSeparation": 20}

# Clear on white and on black: a dark page needs no second picture.
_ACCENT = "#3b82f6"
_FONT = "system-ui, sans-serif"
_WIDTH, _BAR, _HEIGHT = 520, 22, 160
_MOST_BARS = 12
# A page's own font may be a quarter wider than the one that is measured here.
_NAMES, _LIMIT = 190, 150
_ROOM = 1.3  # for the words after the longest bar
# Ticks between midnights would say the same day twice.
_DAY = "datum.value % 86400000 ? '' : utcFormat(datum.value, '%b %d')"
_USD = "'$' + format(datum.value, abs(datum.value) < 0.01 ? '.2~r' : ',.4~r')"


class Pictures:
    """Draws pictures in another process, which `close` ends."""

    def __init__(self) -> None:
        self._painter = Painter()
        self._failed = False

    def svg(self, spec: Row) -> str | None:
        """Return a chart as SVG; None if it or one before it could not be drawn."""
        if self._failed:  # another one might take as long to fail
            return None
        try:
            return self._painter.svg(spec)
        except PaintError as error:  # a picture is not worth a report
            logger.warning("the report's pictures could not be drawn: %s", error)
            self._failed = True
            return None

    def close(self) -> None:
        """End the process that draws."""
        self._painter.close()


def bars(groups: Sequence[Group]) -> Row:
    """Draw what each group cost as a bar with its name; the last ones are one bar.

    A cost that is unknown is a word without a bar; where it is in part, that is said.
    """
    shown = [(group.title, group.totals) for group in groups]
    if len(shown) > _MOST_BARS:
        rest = shown[_MOST_BARS - 1 :]
        together = sum((totals for _, totals in rest), Totals())
        shown = [*shown[: _MOST_BARS - 1], (f"{len(rest)} others", together)]
    rows = [
        {
            "number": number,
            "usd": pico_to_usd(totals.cost),  # a word needs a place, too
            "label": _label(totals),
        }
        for number, (_, totals) in enumerate(shown)
    ]
    # Names that are alike stay bars of their own.
    labels = json.dumps([name for name, _ in shown])
    axis = {
        "labelExpr": f"{labels}[datum.value]",
        "minExtent": _NAMES,
        "labelLimit": _LIMIT,
    }
    most = max(totals.cost for _, totals in shown) or 1
    scale = {"domain": [0, _ROOM * (pico_to_usd(most) or 0.0)]}
    y = {"field": "number", "type": "ordinal", "title": None, "axis": axis}
    x = {**_usd(), "scale": scale}
    words = {"type": "text", "align": "left", "dx": 5, "color": "currentColor"}
    layer = [
        {"mark": {"type": "bar", "color": _ACCENT}},
        {"mark": words, "encoding": {"text": {"field": "label"}}},
    ]
    encoding = {"x": x, "y": y}
    height = _BAR * len(rows)
    return _whole({"layer": layer, "encoding": encoding, "height": height}, rows)


def per_day(days: Sequence[Group]) -> Row:
    """Draw what each day cost as columns over time; none where it is unknown."""
    rows = [
        {"day": f"{day.name}T00:00:00Z", "usd": pico_to_usd(day.totals.known_cost)}
        for day in days
    ]
    span = (_date(days[-1]) - _date(days[0])).days + 1
    column = max(1.0, min(_BAR, 0.8 * _WIDTH / span))
    x = {
        "field": "day",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc", "padding": column},
        "axis": {
            "labelExpr": _DAY,
            "grid": False,
            "labelOverlap": "greedy",
            "tickCount": 8,
        },
    }
    mark = {"type": "bar", "color": _ACCENT, "size": column}
    encoding = {"x": x, "y": _usd()}
    return _whole({"mark": mark, "encoding": encoding, "height": _HEIGHT}, rows)


def _label(totals: Totals) -> str:
    cost = totals.known_cost
    if cost is None or not totals.unknown:
        return format_usd(cost)
    return f"{format_usd(cost)} + {totals.unknown:,} unknown"


def _date(group: Group) -> date:
    return date.fromisoformat(str(group.name))


def _usd() -> Row:
    axis = {"labelExpr": _USD, "tickCount": 4}
    return {"field": "usd", "type": "quantitative", "title": None, "axis": axis}


def _whole(spec: Row, rows: Sequence[Row]) -> Row:
    ink = "currentColor"
    config = {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink,
            "domainColor": ink,
            "tickColor": ink,
            "gridColor": ink,
            "gridOpacity": 0.15,
            "labelFontSize": 12,
        },
        "text": {"fontSize": 12},
    }
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    whole = {"$schema": schema, "data": {"values": list(rows)}, "width": _WIDTH}
    return {**whole, **spec, "config": config}
