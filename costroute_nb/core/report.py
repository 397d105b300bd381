"""What a stretch of the ledger comes to, by one of its columns, by model and by day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from costroute_nb.core.lever import Levers, baseline_in_words
from costroute_nb.core.money import format_usd
from costroute_nb.core.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

Name: TypeAlias = "str | date | None"

GroupedBy = Literal["workflow", "step", "model", "tier", "notebook", "day"]

GROUPINGS: tuple[GroupedBy, ...] = get_args(GroupedBy)
"""What a report may be grouped by."""


@dataclass(frozen=True, slots=True)
class Group:
    """One name, or day, and what its attempts came to, together and by model.

    A name of None stands for the calls that were given none; groups by two columns
    have a name of each.
    """

    name: Name | tuple[Name, ...]
    totals: Totals
    models: Mapping[str, Totals]

    @property
    def title(self) -> str:
        """The name as a reader sees it."""
        return "(none)" if self.name is None else str(self.name)

    @property
    def attempts_per_model(self) -> dict[str, int]:
        """How many attempts each model made, the busiest model first."""
        counts = {model: totals.attempts for model, totals in self.models.items()}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Groups of one pot's attempts over one period; as text, its sums in a few lines.

    Attributes
    ----------
    by
        What `groups` are grouped by; the dearest group comes first, days in order.
    days
        The same attempts by day of the budget's zone.
    simulated
        Which of the two pots it is of: they are never added up.
    baseline_model
        The large tier's model of today. Each saving is measured against the one that
        was it when the call was made.
    since, until
        The period; `since` is None where it is everything.
    sessions
        Whose attempts they are, in words.
    levers
        What each way to spend less came to.
    """

    by: GroupedBy
    groups: tuple[Group, ...]
    days: tuple[Group, ...]
    simulated: bool
    baseline_model: str
    since: datetime | None
    until: datetime
    sessions: str
    levers: Levers = field(default=Levers())

    @property
    def scope(self) -> str:
        """Whose attempts these are, in which pot and period, in one line."""
        pot = "simulated, no money was spent" if self.simulated else "real money"
        since = "everything"
        if self.since is not None:
            since = f"since {self.since:%Y-%m-%d %H:%M %Z}"
        return f"{pot}; {self.sessions}; {since}, up to {self.until:%Y-%m-%d %H:%M %Z}"

    def __repr__(self) -> str:
        """Return the lines that a reader begins with."""
        return "\n".join(self.lines)

    @property
    def baseline(self) -> str:
        """What savings are measured against, in words."""
        return baseline_in_words(self.baseline_model)

    @property
    def lines(self) -> tuple[str, ...]:
        """What it is of, and what all of it comes to."""
        head = f"report by {self.by}", self.scope
        if not self.groups:
            return (*head, "no attempts yet")
        totals = self.totals
        return (
            *head,
            f"{totals.calls:,} calls, {format_usd(totals.known_cost)}, on average "
            f"{mean(totals.cost_per_call)} per call; {percent(totals.hit_rate)} from the "
            "cache",
            f"saved {format_usd(totals.known_saving)} against {self.baseline}; "
            f"{percent(totals.estimated_share)} of {totals.attempts:,} attempts estimated",
            *_unknown(totals),
            *(_models(self.models, totals) if self.by != "model" else ()),
        )

    @property
    def totals(self) -> Totals:
        """All groups together."""
        return sum((group.totals for group in self.groups), Totals())

    @property
    def models(self) -> dict[str, Totals]:
        """What each model came to, the dearest first."""
        sums: dict[str, Totals] = {}
        for group in self.groups:
            for model, totals in group.models.items():
                sums[model] = sums.get(model, Totals()) + totals
        return dict(sorted(sums.items(), key=lambda item: (-item[1].cost, item[0])))


def _unknown(totals: Totals) -> tuple[str, ...]:
    said = (
        f"{left_out(totals).removeprefix('; ')}; at their worst all attempts cost "
        f"{format_usd(totals.charged)}"
    )
    return (said,) if totals.unknown else ()


def _models(models: Mapping[str, Totals], whole: Totals) -> Iterator[str]:
    shares = (
        f"{model} {totals.attempts / whole.attempts:.0%}, {format_usd(totals.known_cost)}"
        for model, totals in models.items()
    )
    yield f"models by attempts and cost: {'; '.join(shares)}"


def group_up(
    parts: Iterable[tuple[Name | tuple[Name, ...], str, Totals]],
) -> list[Group]:
    """Return groups from the totals of each name, or names, and model."""
    models: dict[Name | tuple[Name, ...], dict[str, Totals]] = {}
    for name, model, totals in parts:
        own = models.setdefault(name, {})
        own[model] = own.get(model, Totals()) + totals
    return [
        Group(name, sum(own.values(), Totals()), own) for name, own in models.items()
    ]


def averaged(by: str) -> Literal["call", "attempt"]:
    """Return of what an average cost is, in groups by a column.

    The attempts of one call may be of several models and tiers, and only the first is
    counted as the call: what it escalated to would have a cost and no call.
    """
    return "attempt" if by in ("model", "tier") else "call"


def average(totals: Totals, by: str) -> int | None:
    """Return the known cost of a call or an attempt, as `averaged` says; in pico-USD."""
    per_call = averaged(by) == "call"
    return totals.cost_per_call if per_call else totals.cost_per_attempt


def headings(by: str) -> tuple[str, ...]:
    """Return what `cells` are, for a reader of groups by a column."""
    calls = "calls" if averaged(by) == "call" else "calls begun"
    return (
        calls, "attempts", "cost", f"average per {averaged(by)}", "cache hits", "saved",
        "estimated", "unknown",
    )  # fmt: skip


def cells(totals: Totals, by: str) -> tuple[str, ...]:
    """Return totals as a reader wants them; a dash stands for what there is none of."""
    return (
        f"{totals.calls:,}",
        f"{totals.attempts:,}",
        format_usd(totals.known_cost),
        mean(average(totals, by)),
        percent(totals.hit_rate),
        format_usd(totals.known_saving),
        percent(totals.estimated_share),
        f"{totals.unknown:,}",
    )


def mean(cost: int | None) -> str:
    """Return an average as money, a dash where there is none."""
    return "–" if cost is None else format_usd(cost)


def left_out(totals: Totals) -> str:
    """Return how many attempts no sum of costs has, to end a sentence with; or nothing."""
    if not totals.unknown:
        return ""
    one = totals.unknown == 1
    counted = "1 attempt" if one else f"{totals.unknown:,} attempts"
    return f"; {counted} of unknown cost {'is' if one else 'are'} left out"


def percent(part: float | None) -> str:
    """Return a share in whole percent, a dash where there is none."""
    return "–" if part is None else f"{part:.0%}"
