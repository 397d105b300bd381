"""How limits stand and what was spent, in words: for eyes, screen readers and text."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costroute_nb.core.budget import LIMIT_NAMES, ceiling_at
from costroute_nb.core.money import format_usd
from costroute_nb.notebook.figures import hit_rate
from costroute_nb.notebook.reading import SCOPES

if TYPE_CHECKING:
    from costroute_nb.budget import Standing
    from costroute_nb.core.budget import LimitName, Limits
    from costroute_nb.core.totals import Totals
    from costroute_nb.notebook.reading import Reading


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that is read at a glance."""

    label: str
    value: str
    note: str


def standing_words(name: "LimitName", standing: "Standing", limits: "Limits") -> str:
    """Return how one limit stands, such as `$0.42 of $1.00 spent, 42%`."""
    if name == "call":
        if standing.limit is None:
            return "no limit for one call"
        return f"one call may cost {format_usd(standing.limit)}, all its attempts"
    if standing.limit is None:
        held = f", {format_usd(standing.held)} held" if standing.held else ""
        return f"{format_usd(standing.spent)} spent{held}, no limit"
    parts = [f"{format_usd(standing.spent)} of {format_usd(standing.limit)} spent"]
    if standing.held:
        parts.append(f"{format_usd(standing.held)} held")
    share = share_of(standing)
    parts.append(_percent(share))
    parts.append(_how_near(standing, share, limits))
    return ", ".join(part for part in parts if part)


def _percent(share: float) -> str:
    """Return a share rounded, but neither to nothing nor to all if it is not that."""
    if 0 < share < 0.01:
        return "under 1%"
    if 0.99 < share < 1:
        return "over 99%"
    return "over 999%" if share > 9.99 else f"{share:.0%}"


def share_of(standing: "Standing") -> float:
    """Return what is spent and held of a limit; of a limit of nothing, all of it."""
    if standing.limit is None:
        return 0.0
    used = standing.spent + standing.held
    return used / standing.limit if standing.limit else 1.0


def is_spent(standing: "Standing") -> bool:
    """Whether nothing can come back of a limit: held money may, when its calls end."""
    return standing.limit is not None and standing.spent >= standing.limit


def _how_near(standing: "Standing", share: float, limits: "Limits") -> str:
    if is_spent(standing):
        return "spent: calls stop"
    if share >= 1:
        return "the rest is held by calls under way: new ones wait"
    ceiling = ceiling_at(share) if limits.on_limit == "degrade" else None
    if ceiling == "small":
        return "small tier only"
    if ceiling is not None:
        return f"at most the {ceiling} tier"
    return "near the limit" if share >= limits.alert_at else ""


def pot_words(simulated: bool) -> str:
    """Return whose money it is."""
    return "simulated, nothing is sent" if simulated else "real money"


def tiles(reading: "Reading") -> tuple[Tile, ...]:
    """Return the numbers at the top."""
    sums, scope = reading.sums, SCOPES[reading.scope]
    retried = sums.attempts - sums.calls
    doubts = [
        f"{sums.unknown:,} of unknown cost" if sums.unknown else "",
        f"{sums.estimated:,} estimated" if sums.estimated else "",
    ]
    doubt = ", ".join(filter(None, doubts))
    return (
        Tile("Spent", _spent(sums), doubt or scope),
        Tile("Calls", f"{sums.calls:,}", f"{retried:,} more attempts" if retried else scope),
        Tile("From the cache", f"{hit_rate(sums):.0%}", f"{sums.cache_hits:,} of {sums.calls:,} calls"),
        Tile("Saved", format_usd(sums.known_saving), _against(reading)),
    )  # fmt: skip


def _spent(sums: "Totals") -> str:
    """Return what the limits counted: where a cost is unknown, that is its worst."""
    return f"{'at most ' if sums.unknown else ''}{format_usd(sums.charged)}"


def _against(reading: "Reading") -> str:
    """Return what savings are measured against, and how much of the work is not in."""
    sums = reading.sums
    left_out = sums.unknown and sums.known_saving is not None
    more = f", {sums.unknown:,} of unknown cost left out" if left_out else ""
    return f"against {reading.baseline}{more}"


def status(reading: "Reading") -> str:
    """Return the whole state in a sentence or two, as it is announced."""
    stopped = "All calls are stopped. " if reading.stopped else ""
    sums = reading.sums
    near = [
        f"{name} limit: {words}"
        for name in LIMIT_NAMES
        if name != "call" and reading.standings[name].limit is not None
        for words in [standing_words(name, reading.standings[name], reading.limits)]
    ]
    pot = ", simulated" if reading.simulated else ""
    calls = f"{sums.calls:,} call{'' if sums.calls == 1 else 's'}"
    saved = "savings unknown"
    if sums.known_saving is not None:
        saved = f"{format_usd(sums.saved)} saved"
    spent = (
        f"{SCOPES[reading.scope].capitalize()}{pot}: {calls}, {_spent(sums)}, "
        f"{hit_rate(sums):.0%} from the cache, {saved}."
    )
    return f"{stopped}{spent} {'; '.join(near)}".strip()
