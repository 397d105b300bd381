"""The rows behind each chart, and the words beside it, from one reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import TIERS
from costroute_nb.core.money import format_usd, pico_to_usd
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.charts import PARETO_ROOM
from costroute_nb.notebook.reading import SCOPES

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from costroute_nb.notebook.charts import Rows
    from costroute_nb.notebook.reading import Group, Reading, Scope

_NEAR = 0.15  # a limit this far from what is spent would flatten the curve
_MOST_MODELS, _MOST_STEPS = 6, 8
_VITAL = 0.8


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart's heading, what it shows in a sentence, and its rows by data name."""

    title: str
    caption: str
    data: "dict[str, Rows]"
    empty: bool = False


def figures(reading: "Reading") -> dict[str, Figure]:
    """Return the figure of every chart, by name."""
    return {
        **{scope: _spend(reading, scope) for scope in SCOPES},
        "cost": _cost(reading),
        "calls": _calls(reading),
        "hits": _hits(reading),
        "saved": _saved(reading),
        "pareto": _pareto(reading),
    }


def _spend(reading: "Reading", scope: "Scope") -> Figure:
    standing = reading.standings[scope]
    points = reading.curves[scope]
    rows = [
        {"t": _wall(point.at, reading.zone), "usd": pico_to_usd(point.sums.charged)}
        for point in points
    ]
    said = f"{format_usd(standing.spent)} spent"
    lines: dict[str, Rows] = {"limit": [], "warn": [], "room": []}
    if standing.limit is None:
        said += ", no limit"
    else:
        said += f" of {format_usd(standing.limit)}"
        due = round(standing.limit * reading.limits.alert_at)
        lines = _lines(standing.spent, standing.limit, due, reading.limits.alert_at)
        if not lines["limit"]:
            said += ", a limit far above this curve"
    spend = "Simulated spend" if reading.simulated else "Spend"
    data = _with_last(rows) | lines
    return Figure(
        f"{spend}, {SCOPES[scope]}",
        said,
        data,
        empty=not any(p.sums.charged for p in points),
    )


def _lines(spent: int, limit: int, due: int, alert_at: float) -> "dict[str, Rows]":
    """Return the rows of the limit's line and of the warning's, if they can be seen."""
    if spent < _NEAR * limit:
        return {"limit": [], "warn": [], "room": []}
    at_limit = {"usd": pico_to_usd(limit), "text": f"limit {format_usd(limit)}"}
    at_warning = {"usd": pico_to_usd(due), "text": f"warns at {level(alert_at)}"}
    return {
        "limit": [at_limit],
        "warn": [at_warning] if due < limit else [],
        "room": [{"usd": pico_to_usd(round(limit * 1.15))}],
    }


def _cost(reading: "Reading") -> Figure:
    groups = sorted(reading.by_model, key=lambda group: -group[1].charged)
    shown, rest = groups[:_MOST_MODELS], groups[_MOST_MODELS:]
    rows = [
        _bar(f"{model}, {tier}", sums, rank, tier=str(tier))
        for rank, ((model, tier), sums) in enumerate(shown)
    ]
    if rest:
        name = f"{len(rest)} others"
        rows.append(_bar(name, _sum(rest), len(shown), tier=""))
    if not rows:
        return Figure(
            "Cost by model and tier", _nothing(reading), _bars([]), empty=True
        )
    sums = reading.sums
    said = f"{format_usd(sums.charged)} {SCOPES[reading.scope]}"
    if sums.charged:
        part = "all of it" if len(rows) == 1 else "the largest part"
        said += f", {part} for {rows[0]['name']}"
    if sums.unknown:
        said += f"; {_unknown(sums)} {'is' if sums.unknown == 1 else 'are'} in it as "
        said += "the limits count them"
    return Figure("Cost by model and tier", said, _bars(rows))


def _bars(rows: "Rows", room: float = 1.35) -> "dict[str, Rows]":
    """Return the data of bars with words after them."""
    most = max((row["usd"] for row in rows), default=0)
    return {"rows": rows, "room": [{"usd": room * most}]}


def _bar(name: str, sums: Totals, rank: int, **more: Any) -> dict[str, Any]:
    """Return one bar; `bar` tells it from others, which may have the same name."""
    usd, label = pico_to_usd(sums.charged), format_usd(sums.charged)
    bar = f"{rank}:{name}"
    return {"bar": bar, "name": name, "usd": usd, "label": label, "rank": rank, **more}


def _calls(reading: "Reading") -> Figure:
    # Attempts, not calls: a call belongs to the tier in which it began, and nothing
    # would be seen of the one that it was escalated to.
    per_tier = {
        tier: _sum([group for group in reading.by_model if group[0][1] == tier])
        for tier in TIERS
    }
    total = reading.sums.attempts
    rows: Rows = []
    labels: Rows = []
    said = []
    for tier, sums in per_tier.items():
        hits, all_of = sums.cache_hits, sums.attempts
        asked = all_of - hits
        rows += [
            {"tier": tier, "kind": "asked", "since": 0, "count": asked},
            {"tier": tier, "kind": "cached", "since": asked, "count": all_of},
        ]
        share = f"{all_of / total:.0%}" if total else "0%"
        cached = f", {hits:,} cached" if hits else ""
        text = f"{all_of:,} ({share}{cached})"
        labels.append({"tier": tier, "count": all_of, "label": text})
        said.append(f"{tier} {share}")
    most = max(row["count"] for row in labels)
    data = {"rows": rows, "labels": labels, "room": [{"count": 1.6 * most}]}
    words = f"{_calls_and_attempts(reading.sums)}: {', '.join(said)}"
    if reading.sums.cache_hits:
        words += "; paler: from the cache"
    if not total:
        words = _nothing(reading)
    return Figure("Calls by tier", words, data, empty=not total)


def _hits(reading: "Reading") -> Figure:
    rows = [
        {"t": _wall(point.at, reading.zone), "rate": hit_rate(point.sums)}
        for point in reading.course
    ]
    sums = reading.sums
    said = f"{hit_rate(sums):.0%}: {sums.cache_hits:,} of {_count(sums.calls, 'call')}"
    if not sums.calls:
        said = _nothing(reading)
    return Figure("Cache-hit rate", said, _with_last(rows), empty=not sums.calls)


def _saved(reading: "Reading") -> Figure:
    rows = [
        {"t": _wall(point.at, reading.zone), "usd": pico_to_usd(point.sums.saved)}
        for point in reading.course
    ]
    sums = reading.sums
    title = f"Saved against {reading.baseline}"
    said, empty = _saving(sums), sums.known_saving is None
    if not sums.attempts:
        said, empty = _nothing(reading), True
    return Figure(title, said, _with_last(rows), empty=empty)


def _saving(sums: Totals) -> str:
    """Return what was saved, what was paid, and instead of what: they add up.

    `Totals.baseline` need not be what the saving is measured against: it counts
    attempts of unknown cost, and leaves out those whose baseline is not known.
    """
    if sums.known_saving is None:
        return "unknown: no cost is known"
    said = (
        f"{format_usd(sums.saved)} saved: {format_usd(sums.cost)} paid instead of "
        f"{format_usd(sums.cost + sums.saved)}"
    )
    if sums.unknown:
        return f"{said}; {_unknown(sums)} left out"
    if sums.cost + sums.saved != sums.baseline:
        return f"{said}; an unknown baseline counts as what was paid"
    return said


def _pareto(reading: "Reading") -> Figure:
    title = "Where the money goes, by workflow and step"
    groups = sorted(
        (group for group in reading.by_step if group[1].charged > 0),
        key=lambda group: -group[1].charged,
    )
    total = sum(sums.charged for _, sums in groups)
    if not total:
        return Figure(title, _nothing(reading), _bars([]), empty=True)
    rows: Rows = []
    running, vital = 0, 0
    shown = groups if len(groups) <= _MOST_STEPS else groups[: _MOST_STEPS - 1]
    for rank, (key, sums) in enumerate(groups):
        is_vital = running < _VITAL * total
        running += sums.charged
        vital += is_vital
        if rank < len(shown):
            rows.append(_step(_name(key), sums, running, total, rank, is_vital))
    rest = groups[len(shown) :]
    if rest:
        name = f"{len(rest)} others"
        rows.append(_step(name, _sum(rest), total, total, len(shown), False))
    of = "workflow step" if len(groups) == 1 else "workflow steps"
    said = f"{vital} of {len(groups)} {of} ({vital / len(groups):.0%}) make 80% of the cost"
    return Figure(title, f"{said}; first {rows[0]['name']}", _bars(rows, PARETO_ROOM))


def _step(
    name: str, sums: Totals, running: int, total: int, rank: int, vital: bool
) -> dict[str, Any]:
    share = running / total
    bar = _bar(name, sums, rank, cumulative=share, vital=vital)
    return bar | {"label": f"{bar['label']}, {share:.0%} so far"}


def _name(key: Sequence[str | int | None]) -> str:
    workflow, step = key
    if workflow is None and step is None:
        return "no workflow"
    return " / ".join(str(part) for part in (workflow or "no workflow", step) if part)


def level(alert_at: float) -> str:
    """Return a fraction of a limit in percent, as it was set and not rounded."""
    return f"{100 * alert_at:g}%"


def hit_rate(sums: Totals) -> float:
    """Return the share of calls that the cache answered."""
    return sums.cache_hits / sums.calls if sums.calls else 0.0


def _sum(groups: "Sequence[Group]") -> Totals:
    return sum((sums for _, sums in groups), Totals())


def _with_last(rows: "Rows") -> "dict[str, Rows]":
    return {"rows": rows, "last": rows[-1:]}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _calls_and_attempts(sums: Totals) -> str:
    calls = _count(sums.calls, "call")
    if sums.calls == sums.attempts:
        return calls
    return f"{calls}, {_count(sums.attempts, 'attempt')}"


def _unknown(sums: Totals) -> str:
    return f"{_count(sums.unknown, 'attempt')} of unknown cost"


def _nothing(reading: "Reading") -> str:
    return f"no calls {SCOPES[reading.scope]} yet"


@lru_cache(maxsize=1_024)  # a refresh shows the moments of the one before
def _wall(at: datetime, zone: "ZoneInfo") -> int:
    """Return milliseconds that read as the zone's wall clock when taken for UTC.

    Browsers and renderers know other zones than the budget's.
    """
    return int(at.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000)
