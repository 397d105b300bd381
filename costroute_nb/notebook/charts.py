"""How each chart is drawn: Vega-Lite specifications, and their colours by theme.

The rows come as they are drawn, and no specification transforms any: Vega keeps a trace
of every row that passed through a transform, and there are many updates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import TIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

# Every colour has at least 4.5:1 on the backgrounds of Jupyter's two themes.
_LIGHT = {
    "ink": "#1f2933", "quiet": "#52606d", "grid": "#d9dee4", "accent": "#1d4ed8",
    "limit": "#b91c1c", "warn": "#92400e", "small": "#0f766e", "medium": "#1d4ed8",
    "large": "#a21caf",
}  # fmt: skip
_DARK = {
    "ink": "#e6e9ed", "quiet": "#a7b0ba", "grid": "#3a424b", "accent": "#60a5fa",
    "limit": "#f87171", "warn": "#fbbf24", "small": "#2dd4bf", "medium": "#60a5fa",
    "large": "#e879f9",
}  # fmt: skip
BACKGROUNDS = {False: "#ffffff", True: "#111111"}
"""Of a picture, which cannot know where it is shown, by whether the theme is dark."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_HEIGHT, _TALL = 150, 190
_BAR = 15
PARETO_ROOM = 1.45  # how much wider it is than bars and line, for the words beside them
_NAMES, _EXTENT = 150, 50  # pixels for the names of bars, and for numbers
_USD = "'$' + format(datum.value, abs(datum.value) < 0.01 ? '.2~r' : ',.4~r')"
_DOLLARS: dict[str, Any] = {"labelExpr": _USD, "tickCount": 4, "minExtent": _EXTENT}
# Of a bar, which has its rank before its name: names need not differ.
_NAME = "slice(datum.value, indexof(datum.value, ':') + 1)"
# Clock times where they are whole seconds, days at midnight.
_TIME = (
    "datum.value % 1000 ? '' : datum.value % 60000 ? utcFormat(datum.value, '%H:%M:%S')"
    " : datum.value % 86400000 ? utcFormat(datum.value, '%H:%M')"
    " : utcFormat(datum.value, '%b %d')"
)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its name, the names of its data, and how to draw it.

    `columns` is how many of three it is wide.
    """

    name: str
    data: tuple[str, ...]
    build: Callable[[], Any]
    columns: int = 1


def theme(*, dark: bool) -> Spec:
    """Return the Vega configuration of a theme; its background is transparent."""
    colour = _DARK if dark else _LIGHT
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": "transparent"},
        # Nothing here is invalid; looking for it costs a filter for each mark.
        "mark": {"invalid": None},
        "range": {"category": [colour[tier] for tier in TIERS]},
        "axis": {
            "labelColor": colour["ink"], "titleColor": colour["ink"],
            "gridColor": colour["grid"], "domainColor": colour["quiet"],
            "tickColor": colour["quiet"], "labelFontSize": 11, "titleFontSize": 11,
            "titleFontWeight": "normal", "labelLimit": 170,
        },
        "legend": {
            "labelColor": colour["ink"], "titleColor": colour["ink"],
            "labelFontSize": 11,
        },
        "title": {
            "color": colour["ink"], "subtitleColor": colour["ink"], "anchor": "start",
            "fontSize": 13, "subtitleFontSize": 11, "offset": 8, "font": _FONT,
        },
    }  # fmt: skip


def palette(*, dark: bool) -> list[dict[str, str]]:
    """Return the colours that specifications use by name, as Vega-Lite parameters."""
    return [
        {"name": name, "value": colour}
        for name, colour in (_DARK if dark else _LIGHT).items()
    ]


@cache
def specs() -> dict[str, Spec]:
    """Return the specification of every chart, without its data."""
    return {chart.name: _spec(chart) for chart in CHARTS}


def filled(spec: Any, data: "Mapping[str, Rows]") -> Any:
    """Return a specification with its rows in the places of their names."""
    if isinstance(spec, list):
        return [filled(part, data) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if "name" in spec and "format" in spec:
        return {"values": data[spec["name"]]}
    return {key: filled(part, data) for key, part in spec.items()}


def pictured(spec: Spec, *, dark: bool) -> Spec:
    """Return a specification in a theme, on the background of that theme."""
    config = theme(dark=dark) | {"background": BACKGROUNDS[dark]}
    return {**spec, "params": palette(dark=dark), "config": config}


def _spec(chart: Chart) -> Spec:
    # The theme's configuration is added where the chart is drawn.
    spec: Spec = chart.build().to_dict()
    spec.pop("config", None)
    return spec


def _data(name: str) -> Any:
    import altair as alt

    as_given = alt.DataFormat(parse=alt.Parse(t=None))
    return alt.NamedData(name=name, format=as_given)


def _colour(name: str) -> Any:
    """Return a colour of the palette."""
    import altair as alt

    return alt.expr(name)


def _time() -> Any:
    import altair as alt

    time = alt.X("t:T", title=None, scale=alt.Scale(type="utc"))
    return time.axis(
        grid=False, tickCount=4, labelExpr=_TIME, labelOverlap=True, labelFlush=True
    )


def _curve(y: Any) -> list[Any]:
    """Return an area with its line, and a dot at its end."""
    import altair as alt

    accent = _colour("accent")
    base = alt.Chart(_data("rows")).encode(_time(), y)
    end = alt.Chart(_data("last")).encode(_time(), y)
    return [
        base.mark_area(color=accent, opacity=0.18),
        base.mark_line(color=accent, strokeWidth=2),
        end.mark_point(color=accent, filled=True, size=45, opacity=1),
    ]


def _spend() -> Any:
    """Draw spend over time, and the lines it may not or should not cross."""
    import altair as alt

    y = alt.Y("usd:Q", title=None, stack=None).axis(**_DOLLARS)
    layers = _curve(y)
    for kind, dashes in (("limit", [6, 3]), ("warn", [2, 3])):
        line = alt.Chart(_data(kind)).encode(y)
        layers += [
            line.mark_rule(color=_colour(kind), strokeDash=dashes, strokeWidth=1.5),
            line.mark_text(color=_colour(kind), align="left", dx=4, dy=-7).encode(
                x=alt.value(0), text="text:N"
            ),
        ]
    return alt.layer(*layers, _room(y)).properties(width="container", height=_HEIGHT)


def _hits() -> Any:
    import altair as alt

    y = alt.Y("rate:Q", title=None, stack=None, scale=alt.Scale(domain=[0, 1]))
    y = y.axis(format=".0%", tickCount=3, minExtent=_EXTENT)
    return alt.layer(*_curve(y)).properties(width="container", height=_HEIGHT)


def _saved() -> Any:
    import altair as alt

    y = alt.Y("usd:Q", title=None, stack=None).axis(**_DOLLARS)
    return alt.layer(*_curve(y)).properties(width="container", height=_HEIGHT)


def _cost() -> Any:
    """Draw a bar for each model, in the colour of its tier."""
    import altair as alt

    usd = alt.X("usd:Q", title=None, stack=None)
    usd = usd.axis(labelExpr=_USD, tickCount=3, grid=False)
    base = alt.Chart(_data("rows")).encode(_names(), usd)
    return alt.layer(
        base.mark_bar(size=_BAR).encode(_tier()),
        base.mark_text(color=_colour("ink"), align="left", dx=5).encode(text="label:N"),
        _room(usd),
    ).properties(width="container", height=_HEIGHT)


def _calls() -> Any:
    """Draw how many attempts each tier had, paler where the cache answered."""
    import altair as alt

    y = alt.Y("tier:N", title=None, sort=None, scale=alt.Scale(domain=list(TIERS)))
    y = y.axis(ticks=False, domain=False, minExtent=_EXTENT)
    count = alt.X("count:Q", title=None, stack=None)
    count = count.axis(tickMinStep=1, tickCount=4, format=",d", grid=False)
    kind = alt.Opacity("kind:N", legend=None).scale(
        domain=["asked", "cached"], range=[1, 0.45]
    )
    bars = alt.Chart(_data("rows")).mark_bar(size=_BAR)
    labels = alt.Chart(_data("labels")).encode(y, count)
    return alt.layer(
        bars.encode(y, count, _tier(), kind, x2="since:Q"),
        labels.mark_text(color=_colour("ink"), align="left", dx=5).encode(
            text="label:N"
        ),
        _room(count),
    ).properties(width="container", height=_HEIGHT)


def _pareto() -> Any:
    """Draw what each workflow and step cost, dearest first, and how it adds up."""
    import altair as alt

    usd = alt.X("usd:Q", title=None, stack=None)
    usd = usd.axis(labelExpr=_USD, tickCount=4, grid=False)
    share = alt.X("cumulative:Q", title="share of all, added up")
    share = share.scale(domain=[0, PARETO_ROOM]).axis(
        format="%", orient="top", grid=False, values=[0, 0.2, 0.4, 0.6, 0.8, 1]
    )
    base = alt.Chart(_data("rows")).encode(_names())
    priced = base.encode(usd)
    colours = alt.condition(
        "datum.vital", alt.value(_colour("accent")), alt.value(_colour("quiet"))
    )
    bars = alt.layer(
        priced.mark_bar(size=_BAR).encode(color=colours),
        base.mark_text(color=_colour("ink"), align="right").encode(
            x=alt.value("width"), text="label:N"
        ),
        _room(usd),
    )
    warn = _colour("warn")
    adding = alt.layer(
        base.mark_line(color=warn, strokeWidth=1.5).encode(share, order="rank:Q"),
        base.mark_point(color=warn, filled=True, size=30, opacity=1).encode(share),
    )
    chart = alt.layer(bars, adding).resolve_scale(x="independent")
    return chart.properties(width="container", height=_TALL)


def _names() -> Any:
    import altair as alt

    names = alt.Y("bar:N", title=None, sort=alt.EncodingSortField("rank", op="min"))
    return names.axis(
        labelExpr=_NAME, ticks=False, domain=False, minExtent=_NAMES, maxExtent=_NAMES
    )


def _tier() -> Any:
    import altair as alt

    return alt.Color("tier:N", scale=alt.Scale(domain=list(TIERS)), legend=None)


def _room(along: Any) -> Any:
    """Return an unseen layer that leaves room for words after a bar or above a line."""
    import altair as alt

    unseen = alt.Chart(_data("room")).mark_point(opacity=0, color=_colour("quiet"))
    return unseen.encode(along)


_CURVE = ("rows", "last")

CHARTS = (
    Chart("session", (*_CURVE, "limit", "warn", "room"), _spend),
    Chart("day", (*_CURVE, "limit", "warn", "room"), _spend),
    Chart("month", (*_CURVE, "limit", "warn", "room"), _spend),
    Chart("cost", ("rows", "room"), _cost),
    Chart("calls", ("rows", "labels", "room"), _calls),
    Chart("hits", _CURVE, _hits),
    Chart("pareto", ("rows", "room"), _pareto, columns=2),
    Chart("saved", _CURVE, _saved),
)
"""Every chart, in the order in which they are shown."""
