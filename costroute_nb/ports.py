"""Every extension point on one page: what the router needs from the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from costroute_nb.core.alerts import Alert
    from costroute_nb.core.answer_sizes import Answers
    from costroute_nb.core.budget import Balance, Check, Refusal
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.classification import Classification
    from costroute_nb.core.learned import Estimate
    from costroute_nb.core.levers import Used
    from costroute_nb.core.messages import Completion, Request
    from costroute_nb.core.offsets import Judged
    from costroute_nb.core.prices import Price
    from costroute_nb.core.prompt_cache import Gap
    from costroute_nb.core.record import Record
    from costroute_nb.core.totals import Totals


class Clock(Protocol):
    """Time and chance."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait; an interrupt ends the wait at once."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""


class Classifier(Protocol):
    """Which tier a prompt needs."""

    def classify(
        self, text: str, *, values: Sequence[str] = (), input_tokens: int = 0
    ) -> Classification:
        """Classify typed text; `values` fill its placeholders, size is in tokens."""


class Estimator(Protocol):
    """How likely each tier's answer to a prompt fails; works offline, and fast."""

    def estimate(self, text: str) -> Estimate:
        """Estimate a text of any length, with no side effect, from any thread."""


class Prices(Protocol):
    """What a model charges on a day."""

    def price(self, model: str, provider: str, at: datetime) -> Price | None:
        """Return the price in force at a moment, or None where none is known."""


class Provider(Protocol):
    """A service that runs models. Looking at it sends nothing."""

    name: str
    simulated: bool

    def body(self, model: Model, request: Request) -> Mapping[str, Any]:
        """Return the whole request body as it would be sent; pure."""

    def scope(self) -> Mapping[str, str]:
        """Return base URL, API version, betas and account (a digest); imports no SDK."""

    def check_credentials(self) -> None:
        """Raise MissingKeyError if no call could be authenticated. Sends nothing."""

    def complete(
        self,
        model: Model,
        request: Request,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Make one attempt, with no retry of its own, streaming text to `on_text`.

        Raises
        ------
        ProviderError
            Its fields say whether a retry may help and whether it may be billed;
            `partial` is set when a stream had begun.
        Interrupted
            On Ctrl-C, with the partial completion.
        ConfigurationError, KeyboardInterrupt
            Before anything is sent.
        """

    def count_tokens(self, model: Model, request: Request) -> int:
        """Return the provider's own count of the prompt's tokens; costs nothing."""

    def close(self) -> None:
        """Give back connections; a later call opens new ones."""


class ResponseCache(Protocol):
    """Validated answers by fingerprint; every value is JSON."""

    def get(self, key: str, max_age: float | None = None) -> dict[str, Any] | None:
        """Return an entry not expired and not older than `max_age` seconds."""

    def put(self, key: str, entry: Mapping[str, Any], ttl: float) -> None:
        """Keep an entry for `ttl` seconds, replacing an older one."""

    def claim(self, key: str, seconds: float) -> str | None:
        """Become the one caller who fetches a key; None if another one is.

        The token returned ends the claim; a claim whose process died, or that is
        older than `seconds`, is free again.
        """

    def unclaim(self, key: str, token: str) -> None:
        """End a claim; harmless if it has passed to another."""

    def stats(self) -> Mapping[str, Any]:
        """Return entries, size in bytes, size limit and where it is."""

    def clear(self) -> int:
        """Remove every answer; return how many."""

    def prune(self) -> int:
        """Remove the expired answers; return how many."""

    def close(self) -> None:
        """Give back files and handles."""


class LedgerStore(Protocol):
    """Every attempt of every call, and the holds of calls in flight."""

    def reserve(
        self, hold: Record, checks: Sequence[Check], lease_until: datetime
    ) -> Refusal | None:
        """Add a pending record if it fits in all limits, atomically, else refuse.

        `hold.charged` is the amount. Past `lease_until` the hold counts as a
        crashed call: status `unknown`, charged in full.
        """

    def settle(self, record: Record) -> None:
        """Replace the record of (call_id, attempt), also a lapsed one, in its period."""

    def release(self, call_id: str, attempt: int) -> None:
        """Remove a hold of which nothing was sent; harmless if there is none."""

    def add(self, record: Record) -> None:
        """Add a finished record that needed no hold, such as a cache hit."""

    def expire(self, now: datetime) -> int:
        """Turn every hold whose lease is over into `unknown`; return how many."""

    def balance(self, check: Check, *, simulated: bool) -> Balance:
        """Return what a limit's scope has spent and holds; the two pots never mix."""

    def windows(
        self, since: datetime, until: datetime, *, simulated: bool
    ) -> list[tuple[datetime, int]]:
        """Return when each ten minutes of a period began and what they have spent.

        In order, in pico-USD, counted from the full hour; those without any spending
        are left out. The work is that of the windows, not the rows.
        """

    def latest(self) -> datetime | None:
        """Return the latest moment at which anything was reserved or added."""

    def typical_output(
        self, task: str, model: str, *, simulated: bool = False
    ) -> int | None:
        """Return the median output tokens of recent answers, or None if too few."""

    def rows(
        self,
        names: Sequence[str],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
        later: bool = False,
        spent: bool = False,
        among: Mapping[str, Collection[str | None]] | None = None,
    ) -> Iterable[tuple[Any, ...]]:
        """Return the named values of finished attempts of one pot, oldest first.

        The names are those of records and usage, `at` in whole microseconds since
        1970. `later` leaves first attempts out, `spent` those that cost nothing or
        nobody knows how much, and `among` those of other values than the given.
        """

    def used(
        self,
        above: Callable[[datetime], Collection[int]],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Used]:
        """Return special uses by price; `above` has the prompt lengths of its steps."""

    def answers(
        self,
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
    ) -> Iterable[Answers]:
        """Return how long the newest accepted answers of a pot were."""

    def counted(self, *, simulated: bool) -> Iterable[Record]:
        """Return a pot's newest records of known estimate and usage, oldest first."""

    def judged(self, estimator: str) -> list[Judged]:
        """Return each tier's newest real answers that an estimator had spoken of."""

    def thread_gaps(self, now: datetime, *, simulated: bool) -> Iterable[Gap]:
        """Return the times between the newest calls of threads of a pot to one model.

        So is the time since each one's last call. Answers from the cache do not count.
        """

    def records(
        self, *, session_id: str | None = None, since: datetime | None = None
    ) -> Iterable[Record]:
        """Return finished records in the order in which they were reserved."""

    def totals(
        self,
        by: Sequence[str],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        every: int = 1,
    ) -> list[tuple[tuple[str | int | None, ...], Totals]]:
        """Return what each group of finished records of one pot comes to.

        `by` is of session_id, model, status, tier, task, provider, workflow, step,
        notebook and quarter, which is whole quarter hours since 1970; `every` so
        many of them, from `since` on, make one group, named by its first. The period
        is of whole quarter hours too. The work is that of the groups, not the rows.
        """

    def claim_alert(self, key: str, at: datetime, text: str) -> bool:
        """Keep an alert; True for exactly one of all who ever claim its key."""

    def alerts(
        self, since: datetime | None = None, limit: int | None = None
    ) -> list[tuple[datetime, str, str]]:
        """Return moment, key and text of all or the last claims, oldest first."""

    def version(self) -> object:
        """Return what any change by anyone, alerts included, makes another; cheap."""

    def close(self) -> None:
        """Give back the connection."""


class Listener(Protocol):
    """Who watches a call while it runs; all methods return at once."""

    def text(self, delta: str) -> None:
        """Take the next piece of the answer."""

    def restart(self, reason: str) -> None:
        """Forget the text so far: another attempt begins, for this reason."""

    def notice(self, message: str) -> None:
        """Take one line on what is happening, such as a wait before a retry."""


class Watcher(Protocol):
    """Who hears what calls cost; its methods are quick and never fail the call."""

    def settled(self, record: Record) -> None:
        """Take an attempt that was just settled."""

    def refused(self, hold: Record, limit: str) -> None:
        """Take a call that a limit refused, at the moment of the refusal.

        `hold.charged` is None where the limit had no room; else it is what the call
        may cost, pico-USD, of a tier that the limit no longer serves.
        """


class Notifier(Protocol):
    """Who carries alerts elsewhere."""

    def notify(self, alert: Alert) -> None:
        """Take an alert, to be sent in the background; return at once, never raise."""
