"""Sum the ledger up: groups of one pot over a period, as a report or as a frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.report import (
    GROUPINGS,
    Group,
    GroupedBy,
    Report,
    average,
    averaged,
    group_up,
)
from costroute_nb.core.totals import Totals, totals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    import pandas as pd

    from costroute_nb.core.billed import Among
    from costroute_nb.core.record import Record
    from costroute_nb.ports import LedgerStore

By: TypeAlias = "GroupedBy | Sequence[GroupedBy]"
"""One grouping, or several at once."""

_Sum = tuple[tuple[str | int | None, ...], Totals]
_QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLUMNS = {
    "calls": "int64",
    "cost_usd": "float64",
    "avg_cost_usd": "float64",
    "cache_hit_rate": "float64",
    "models": "object",
    "saved_usd": "float64",
    "baseline_usd": "float64",
    "charged_usd": "float64",
    "estimated_share": "float64",
    "attempts": "int64",
    "unknown": "int64",
}
"""The columns of a summary after that of the names, and their types."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which attempts: of one pot, from a moment on, of one session or of all.

    None is without a beginning, and every session on the ledger.
    """

    simulated: bool
    since: datetime | None = None
    session_id: str | None = None

    @property
    def sessions(self) -> str:
        """Whose attempts they are, in words."""
        return "this session" if self.session_id else "all sessions on this ledger"

    @property
    def period(self) -> str:
        """The period in words."""
        if self.since is None:
            return "everything"
        return f"since {self.since:%Y-%m-%d %H:%M %Z}"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of a scope, oldest first; each loop reads them anew."""

    ledger: LedgerStore
    scope: Scope

    def __iter__(self) -> Iterator[Record]:
        """Yield each as a record."""
        scope = self.scope
        found = self.ledger.records(session_id=scope.session_id, since=scope.since)
        return (record for record in found if record.simulated == scope.simulated)

    def rows(
        self,
        names: Sequence[str],
        *,
        later: bool = False,
        spent: bool = False,
        among: Among | None = None,
    ) -> Iterable[tuple[Any, ...]]:
        """Return the named values of each, as the ledger's `rows` has them."""
        scope = asdict(self.scope)
        return self.ledger.rows(names, **scope, later=later, spent=spent, among=among)

    def sums(self, keys: Sequence[str]) -> Iterable[_Sum]:
        """Return their totals by groups, without a look at each."""
        return sums(self.ledger, keys, self.scope)


def records_in(ledger: LedgerStore, scope: Scope) -> Attempts:
    """Return the attempts of a scope."""
    return Attempts(ledger, scope)


def sums(ledger: LedgerStore, keys: Sequence[str], scope: Scope) -> Iterator[_Sum]:
    """Yield the totals of a scope by the groups of `LedgerStore.totals`.

    A group may come more than once. Whole quarter hours come from the ledger's own
    sums, however many rows there are; only a broken first quarter is read.
    """
    start = scope.since
    if scope.since is not None:
        start = _EPOCH - (_EPOCH - scope.since) // _QUARTER * _QUARTER
    if start is not None and start != scope.since:
        for record in records_in(ledger, scope):
            if record.at >= start:
                break
            yield tuple(_key(record, name) for name in keys), totals_of(record)
    yield from ledger.totals(
        keys, simulated=scope.simulated, session_id=scope.session_id, since=start
    )


def grouped(
    ledger: LedgerStore, by: By, scope: Scope, zone: ZoneInfo
) -> tuple[Group, ...]:
    """Return the groups of a scope, the dearest first; days in order, of a zone.

    Raises
    ------
    ValueError
        If there is no such grouping.
    """
    for one in _columns(by) or ("nothing",):
        if one not in GROUPINGS:
            message = f"no summary by {one!r}: choose {', '.join(GROUPINGS)}"
            raise ValueError(message)
    keys = tuple(dict.fromkeys((*map(_column, _columns(by)), "model")))
    return _arranged(keys, sums(ledger, keys, scope), by, zone)


def _arranged(
    keys: Sequence[str], found: Iterable[_Sum], by: By, zone: ZoneInfo
) -> tuple[Group, ...]:
    """Return the groups by one, or several, of the columns that the sums have."""
    places = [(keys.index(_column(one)), one) for one in _columns(by)]
    model = keys.index("model")

    def name(key: Sequence[str | int | None]) -> Any:
        names = tuple(_name(key[at], one, zone) for at, one in places)
        return names[0] if isinstance(by, str) else names

    groups = group_up((name(key), str(key[model]), totals) for key, totals in found)
    if by == "day":
        return tuple(sorted(groups, key=lambda group: str(group.name)))
    return tuple(
        sorted(groups, key=lambda group: (-group.totals.cost, str(group.name)))
    )


def build_report(
    ledger: LedgerStore,
    by: GroupedBy,
    scope: Scope,
    *,
    zone: ZoneInfo,
    baseline_model: str,
    until: datetime,
) -> Report:
    """Return the report of a scope up to now, its moments in the zone of its days.

    Raises
    ------
    ValueError
        If there is no such grouping.
    """
    groups, days = _groups_and_days(ledger, by, scope, zone)
    return Report(
        by=by,
        groups=groups,
        days=days,
        simulated=scope.simulated,
        baseline_model=baseline_model,
        since=None if scope.since is None else scope.since.astimezone(zone),
        until=until.astimezone(zone),
        sessions=scope.sessions,
    )


def _groups_and_days(
    ledger: LedgerStore, by: GroupedBy, scope: Scope, zone: ZoneInfo
) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Return two views of the very same attempts, also while calls are running."""
    groups = grouped(ledger, by, scope, zone)
    if by == "day":
        return groups, groups
    days = grouped(ledger, "day", scope, zone)
    if _whole(groups) == _whole(days):
        return groups, days
    # One query for both is slower: it adds up quarter hours where days would do.
    keys = tuple(dict.fromkeys((_column(by), "model", "quarter")))
    found = list(sums(ledger, keys, scope))
    return _arranged(keys, found, by, zone), _arranged(keys, found, "day", zone)


def _whole(groups: Iterable[Group]) -> Totals:
    return sum((group.totals for group in groups), Totals())


def summary_frame(groups: Sequence[Group], by: By) -> pd.DataFrame:
    """Return one row for each group: its names, and the columns of `COLUMNS`.

    Money is float USD. What an attempt did not cost for certain is left out of
    `cost_usd`, counted in `unknown` and, at its worst, in `charged_usd`; where no
    attempt's cost is known it is missing. `models` counts attempts by model.
    `attrs["average_per"]` says what `avg_cost_usd` is of: a call, or an attempt where
    one call may touch several groups.
    """
    import pandas as pd

    named = _columns(by)
    names = [[group.name] if isinstance(by, str) else group.name for group in groups]
    # The attempts of one call may be of several models, whatever else groups them.
    each = next((one for one in named if averaged(one) == "attempt"), named[0])
    rows = [_cells(group, each) for group in groups]
    frame = pd.DataFrame(
        {
            one: pd.Series(
                [name[at] for name in names],  # type: ignore[index] # as many as columns
                dtype="datetime64[us]" if one == "day" else "str",
            )
            for at, one in enumerate(named)
        }
        | {
            column: pd.Series([row[column] for row in rows], dtype=kind)
            for column, kind in COLUMNS.items()
        }
    )
    frame.attrs["average_per"] = averaged(each)
    return frame


def _cells(group: Group, by: GroupedBy) -> dict[str, Any]:
    totals = group.totals
    return {
        "calls": totals.calls,
        "cost_usd": pico_to_usd(totals.known_cost),
        "avg_cost_usd": pico_to_usd(average(totals, by)),
        "cache_hit_rate": totals.hit_rate,
        "models": group.attempts_per_model,
        "saved_usd": pico_to_usd(totals.known_saving),
        "baseline_usd": pico_to_usd(totals.baseline),
        "charged_usd": pico_to_usd(totals.charged),
        "estimated_share": totals.estimated_share,
        "attempts": totals.attempts,
        "unknown": totals.unknown,
    }


def _key(record: Record, name: str) -> str | int | None:
    if name == "quarter":
        return (record.at - _EPOCH) // _QUARTER
    value: str | None = getattr(record, name)
    return value


def _columns(by: By) -> tuple[GroupedBy, ...]:
    return (by,) if isinstance(by, str) else tuple(dict.fromkeys(by))


def _column(by: GroupedBy) -> str:
    return "quarter" if by == "day" else by


def _name(key: str | int | None, by: GroupedBy, zone: ZoneInfo) -> str | date | None:
    if by == "day":
        return (_EPOCH + int(key or 0) * _QUARTER).astimezone(zone).date()
    return None if key is None else str(key)
