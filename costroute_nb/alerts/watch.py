"""Tell each alert once: claim it in the ledger, then call back and send it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from costroute_nb.alerts.rate import SpendRate
from costroute_nb.callbacks import Callbacks
from costroute_nb.core import alerts
from costroute_nb.core.budget import Check, checks
from costroute_nb.core.money import usd_to_pico

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from costroute_nb.core.alerts import Alert, Due
    from costroute_nb.core.budget import Limits
    from costroute_nb.core.record import Record
    from costroute_nb.ports import Clock, LedgerStore, Notifier

logger = logging.getLogger(__name__)

RECENT = timedelta(days=7)
"""How long an alert is listed."""

_REMEMBERED = 1_000
_NOT_LISTED = 100  # so many of others and silent claims are read through at once


class Alerts:
    """Watches what calls cost, and tells each alert once on the whole ledger.

    A key claimed in the ledger is told by the process that claimed it: to its
    callbacks, in the thread of the call that made the alert due, and to its
    notifiers, which return at once. Nothing here ever fails a call.

    Parameters
    ----------
    ledger
        Where alerts are claimed.
    clock
        Time.
    limits
        Returns the limits in force.
    zone
        Where days and months begin at midnight.
    session_id
        Whose session's alerts `recent` lists.
    simulated
        Which pot `recent` lists; alerts are told of both, a record names its own.
    single_call
        USD above which a single call alerts; None for never.
    notifiers
        Who else is told.
    """

    def __init__(
        self,
        ledger: LedgerStore,
        clock: Clock,
        limits: Callable[[], Limits],
        *,
        zone: ZoneInfo,
        session_id: str,
        simulated: bool,
        single_call: float | None = None,
        notifiers: Sequence[Notifier] = (),
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._limits = limits
        self._zone = zone
        self._session_id = session_id
        self._simulated = simulated
        self._single_call = None if single_call is None else usd_to_pico(single_call)
        self._notifiers = tuple(notifiers)
        self._callbacks: Callbacks[Alert] = Callbacks("on_alert")
        # Keys known to be claimed, so that the ledger is asked about each but once.
        self._claimed: OrderedDict[str, None] = OrderedDict()
        self._rates = SpendRate(ledger)

    def settled(self, record: Record) -> None:
        """Tell what a settled attempt makes due."""
        if not record.charged:
            return
        try:
            for due in self._due(record, self._clock.now()):
                self._tell(due)
        except Exception as error:
            logger.warning("alerts could not be checked: %s", error)

    def refused(self, hold: Record, limit: str) -> None:
        """Tell that a limit refused a call, if it is as good as spent."""
        try:
            for check in self._checks(hold):
                if check.name == limit and limit != "call":
                    refused = not self._fits(check, hold)
                    now = self._clock.now()
                    due = self._limit_due(check, hold, now, refused=refused)
                    if due is not None:
                        self._tell(due)
        except Exception as error:
            logger.warning("alerts could not be checked: %s", error)

    def on_alert(self, callback: Callable[[Alert], object]) -> Callable[[], None]:
        """Call back with each alert told from now on; return what ends it.

        The call runs in the thread of the call that made the alert due, before its
        answer is returned: it should be quick. What it raises is logged.
        """
        return self._callbacks.add(callback)

    def continue_from(self, before: Alerts) -> None:
        """Tell the callbacks of the alerts that this one replaces."""
        self._callbacks = before._callbacks
        if (
            self._ledger is before._ledger
        ):  # what is known of it need not be asked again
            self._claimed, self._rates = before._claimed, before._rates

    def recent(self, most: int | None = None) -> tuple[Alert, ...]:
        """Return the alerts of the last 7 days, oldest first, whoever told them.

        They are those of the session's pot, on everything that shares the ledger; only
        what other sessions used of their session limits is left out.

        Parameters
        ----------
        most
            How many of the newest are enough; None returns all, in a time that grows
            with them.

        Raises
        ------
        ConfigurationError
            If the ledger cannot be read.
        """
        since = self._clock.now() - RECENT
        if most is None:
            return self._listed(self._ledger.alerts(since))
        asked = most + _NOT_LISTED
        while True:
            rows = self._ledger.alerts(since, asked)
            found = self._listed(rows)
            if len(found) >= most or len(rows) < asked:
                return found[max(0, len(found) - most) :]
            asked *= 10

    def _listed(self, rows: Sequence[tuple[datetime, str, str]]) -> tuple[Alert, ...]:
        found = (alerts.read(at, key, text) for at, key, text in rows)
        return tuple(
            alert
            for alert in found
            if alert is not None
            and alert.simulated == self._simulated
            and (alert.limit != "session" or alert.period == self._session_id)
        )

    def _due(self, record: Record, now: datetime) -> Iterator[Due]:
        for check in self._checks(record):
            due = self._limit_due(check, record, now)
            if due is not None:
                yield due
        due = alerts.call_due(record, self._of_call(record), self._single_call, now)
        if due is not None:
            yield due
        yield from self._rate_due(record.simulated, max(now, record.at))

    def _checks(self, record: Record) -> tuple[Check, ...]:
        """Return the limits that a record counts in, each with its period."""
        return checks(
            self._limits(),
            call_id=record.call_id,
            session_id=record.session_id,
            at=record.at,
            zone=self._zone,
        )

    def _limit_due(
        self, check: Check, record: Record, now: datetime, *, refused: bool = False
    ) -> Due | None:
        limits = self._limits()
        if check.name == "call":
            spent = self._of_call(record)
        else:
            spent = self._ledger.balance(check, simulated=record.simulated).spent
        return alerts.limit_due(
            check,
            spent,
            alert_at=limits.alert_at,
            on_limit=limits.on_limit,
            at=now,
            simulated=record.simulated,
            refused=refused,
        )

    def _fits(self, check: Check, hold: Record) -> bool:
        """Whether a limit has room for a hold, which it refused for its tier then."""
        if hold.charged is None:
            return False
        balance = self._ledger.balance(check, simulated=hold.simulated)
        return balance.spent + balance.held + hold.charged <= check.limit

    def _of_call(self, record: Record) -> int:
        """Return what all attempts of a record's call have cost, in pico-USD."""
        if record.attempt == 1:
            return record.charged or 0
        check = Check("call", 0, call_id=record.call_id)
        return self._ledger.balance(check, simulated=record.simulated).spent

    def _rate_due(self, simulated: bool, now: datetime) -> Iterator[Due]:
        if alerts.rate_slots(now, simulated=simulated)[0] in self._claimed:
            return
        found = self._rates.unusual(now, simulated=simulated)
        if found is not None:
            yield alerts.rate_due(*found, now, simulated=simulated)

    def _tell(self, due: Due) -> None:
        """Claim an alert, and tell it if it was this caller who claimed it."""
        alert = due.alert
        if alert.key in self._claimed:
            return
        for key in due.before:
            if not self._claim(replace(alert, key=key, text="")) and due.only_if_free:
                return
        try:
            won = self._claim(alert)
        except KeyboardInterrupt:
            # It may have come just after the claim: nobody else would send it then.
            mine = alert.at, alert.key, alert.text
            if mine in self._ledger.alerts(since=alert.at):
                self._notify(alert)
            raise
        if won:
            # First what only queues it: a callback may be interrupted.
            self._notify(alert)
            self._callbacks.tell(alert)

    def _claim(self, alert: Alert) -> bool:
        won = self._ledger.claim_alert(alert.key, alert.at, alert.text)
        self._claimed[alert.key] = None
        while len(self._claimed) > _REMEMBERED:
            self._claimed.popitem(last=False)
        return won

    def _notify(self, alert: Alert) -> None:
        for notifier in self._notifiers:
            try:
                notifier.notify(alert)
            except Exception as error:  # its message might hold where alerts go
                logger.warning("a notifier failed: %s", type(error).__name__)
