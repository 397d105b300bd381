"""Send alerts through Apprise, from threads of their own that no call waits for."""

from __future__ import annotations

import atexit
import logging
import os
import re
import threading
import time
import weakref
from collections import deque
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from costroute_nb.notify.failures import Ear, Failure, failure_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.alerts import Alert

logger = logging.getLogger(__name__)

_MOST_WAITING = 100
_LONGER = 4
_EXIT_SECONDS = 2.0
_SCHEMA = re.compile(r"([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)
_BETWEEN = re.compile(rf"\s+|,+(?={_SCHEMA.pattern})", re.IGNORECASE)
# These write whole URLs, with their tokens, to whoever logs at DEBUG.
_TALKATIVE = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")


def split_urls(text: str | None) -> tuple[str, ...]:
    """Return the URLs of a text, separated by blanks or commas.

    A comma within a URL stays in it: only one before another URL separates.
    """
    rest, found = text or "", []
    while between := _BETWEEN.search(rest):
        found.append(rest[: between.start()])
        rest = rest[between.end() :]
    return tuple(url for url in (one.strip(", ") for one in (*found, rest)) if url)


class AppriseNotifier:
    """The Notifier of Apprise URLs: chat, mail, webhooks.

    Each URL has a queue and, while there is something to send, a daemon thread of its
    own, so that a receiver that is dead or slow holds up neither calls nor other
    receivers. URLs hold tokens: no text, log line or repr shows more of one than its
    position and its schema. Apprise is imported with the first alert.

    Parameters
    ----------
    urls
        Apprise URLs.
    timeout
        Seconds to wait for a receiver's connection, and for its answer.
    attempts
        Most tries for each alert and receiver. There is another where no connection
        was made, or the answer was 429 or 5xx; not where the message may have arrived.
    pause
        Seconds before the second try; later ones wait longer.
    """

    def __init__(
        self,
        urls: Sequence[str],
        timeout: float = 10.0,
        attempts: int = 3,
        pause: float = 1.0,
    ) -> None:
        self._receivers = tuple(
            _Receiver(number, url, timeout, attempts, pause)
            for number, url in enumerate(urls, 1)
        )
        if self._receivers and find_spec("apprise") is None:
            logger.warning(
                "alert_urls need Apprise: `pip install costroute_nb[alerts]`; until "
                "then alerts are shown here only"
            )
            self._receivers = ()
        elif self._receivers:
            # Apprise needs it, and once the interpreter ends, when a last alert may
            # be waiting, Python lets nobody import it any more.
            import_module("concurrent.futures.thread")

    def notify(self, alert: Alert) -> None:
        """Queue an alert for every receiver; returns at once."""
        for receiver in self._receivers:
            receiver.take(alert)

    def __repr__(self) -> str:
        return f"<AppriseNotifier, {len(self._receivers)} receivers>"


class _Receiver:
    """One URL: what waits to be sent there, and the thread that sends it."""

    def __init__(
        self, number: int, url: str, timeout: float, attempts: int, pause: float
    ) -> None:
        schema = _SCHEMA.match(url)
        self._name = f"URL {number} ({schema.group(1) if schema else 'no schema'})"
        self._url = url
        self._timeout = timeout
        self._attempts = attempts
        self._pause = pause
        self._service: Any = None
        self._ear = Ear()
        self._usable = True
        self.reset()
        _receivers.add(self)

    def reset(self) -> None:
        """Begin with nothing to send: what waited before a fork, the parent sends."""
        self._waiting: deque[Alert] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, alert: Alert) -> None:
        """Queue an alert, and see that somebody sends it."""
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.popleft()
                logger.warning("%s is slow: its oldest alert was dropped", self._name)
            self._waiting.append(alert)
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(
                target=self._send_all, name="costroute-alerts", daemon=True
            )
            try:
                self._thread.start()
            except RuntimeError as error:  # the interpreter ends, or too many threads
                logger.warning("an alert could not be sent: %s", error)

    def flush(self, seconds: float) -> None:
        """Wait at most so long until nothing is left to send."""
        with self._changed:
            self._changed.wait_for(lambda: self._thread is None, max(0.0, seconds))

    def _send_all(self) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(_discretion)
        _discretion.needed = True
        while True:
            with self._changed:
                if not self._waiting:
                    self._thread = None
                    self._changed.notify_all()
                    return
                alert = self._waiting.popleft()
            if self._usable:
                self._send(alert)

    def _send(self, alert: Alert) -> None:
        """Send an alert; again only where it surely did not arrive, and may then."""
        pause, tried = self._pause, 1
        while (failure := self._failure(alert)) is not None:
            if failure.kind != "unreached" or tried >= self._attempts:
                self._give_up(failure, tried)
                return
            time.sleep(pause)
            pause *= _LONGER
            tried += 1

    def _failure(self, alert: Alert) -> Failure | None:
        """Try once; return what went wrong, or None if nothing did."""
        try:
            if self._service is None:
                self._service = self._connected()
            if not self._usable:
                return None  # that was said
            self._ear.forget()
            accepted = self._accepted(alert)
        except Exception as error:  # its message might hold the URL
            if self._service is None:
                return Failure("declined", type(error).__name__)
            return failure_by(error)
        return None if accepted else self._ear.verdict()

    def _accepted(self, alert: Alert) -> bool:
        import apprise

        # As text, Apprise escapes what a receiver would take for markup.
        return bool(
            self._service.notify(
                alert.text,
                title="costroute_nb",
                notify_type=apprise.NotifyType.WARNING,
                body_format=apprise.NotifyFormat.TEXT,
            )
        )

    def _give_up(self, failure: Failure, tried: int) -> None:
        if failure.kind == "unclear":
            text = "an alert may have arrived at %s, and is not sent again: %s"
            logger.warning(text, self._name, failure.why)
            return
        attempts = "1 attempt" if tried == 1 else f"{tried} attempts"
        text = "an alert did not reach %s in %s: %s"
        logger.warning(text, self._name, attempts, failure.why)

    def _connected(self) -> Any:
        """Return Apprise with the one URL; it connects with each message only."""
        import apprise

        # With a timeout of its own Apprise would send from a thread that the end of
        # the interpreter waits for; the sockets' timeouts bound this one.
        asset = apprise.AppriseAsset(
            app_id="costroute_nb",
            app_desc="costroute_nb alerts",
            async_mode=False,
            service_timeout=0,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        carrier = apprise.Apprise(asset=asset)
        if not carrier.add(self._url):
            self._usable = False
            logger.warning(
                "alert_urls: %s is nothing that Apprise can send to", self._name
            )
        for service in carrier:
            service.socket_connect_timeout = self._timeout
            service.socket_read_timeout = self._timeout
            service.logger = self._ear
        return carrier


class _Discretion(threading.local, logging.Filter):
    """Keeps libraries silent in the threads that send, and in no other."""

    needed = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line may be logged."""
        return not self.needed


_discretion = _Discretion()
_receivers: weakref.WeakSet[_Receiver] = weakref.WeakSet()


def _flush() -> None:
    """Give what is being sent a last moment when the interpreter ends."""
    until = time.monotonic() + _EXIT_SECONDS
    for receiver in tuple(_receivers):
        receiver.flush(until - time.monotonic())


def _forget() -> None:
    for receiver in tuple(_receivers):
        receiver.reset()


atexit.register(_flush)
if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_forget)
