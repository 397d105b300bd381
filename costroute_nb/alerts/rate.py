"""How fast money is spent, and whether that is unusual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from costroute_nb.core import alerts
from costroute_nb.core.budget import Check

if TYPE_CHECKING:
    from costroute_nb.ports import LedgerStore

_QUARTER = timedelta(minutes=15)


class SpendRate:
    """Compares the last ten minutes with those of the week before.

    Parameters
    ----------
    ledger
        What everything that shares it has spent.
    """

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger
        # By pot: the end of the past that is summed up, and its median window.
        self._usual: dict[bool, tuple[datetime, int | None]] = {}

    def unusual(self, now: datetime, *, simulated: bool) -> tuple[int, int] | None:
        """Return what the last and a usual window spent, in pico-USD, if that differs.

        Cheap questions come first: most calls are answered by the first.
        """
        start = now - alerts.WINDOW
        # Whole quarters around the window are summed already.
        bound = self._spent(
            _floor(start, _QUARTER), _floor(now, _QUARTER) + _QUARTER, simulated
        )
        if bound < alerts.LEAST_RATE:
            return None
        usual = self._usual_window(start, simulated)
        if usual is None or not alerts.unusual(bound, usual):
            return None
        recent = self._spent(start, now + timedelta(microseconds=1), simulated)
        return (recent, usual) if alerts.unusual(recent, usual) else None

    def _spent(self, since: datetime, until: datetime, simulated: bool) -> int:
        check = Check("day", 0, since=since, until=until)
        return self._ledger.balance(check, simulated=simulated).spent

    def _usual_window(self, until: datetime, simulated: bool) -> int | None:
        """Return the median of the windows before a moment, or None if not known."""
        end = _floor(until, alerts.WINDOW)
        known, usual = self._usual.get(simulated, (None, None))
        if known == end:
            return usual
        windows = self._ledger.windows(end - alerts.HISTORY, end, simulated=simulated)
        usual = alerts.usual_rate([spent for _, spent in windows])
        self._usual[simulated] = end, usual
        return usual


def _floor(at: datetime, step: timedelta) -> datetime:
    """Return the last whole step of an hour."""
    at = at.astimezone(UTC)
    minutes = step // timedelta(minutes=1)
    return at.replace(minute=at.minute // minutes * minutes, second=0, microsecond=0)
